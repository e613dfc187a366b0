#include "checkpoint/lzf.hpp"

#include "lipcert/checkpoint/checkpoint.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "support/hdf5_writer.hpp"
#include "support/random.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown.hpp"
#include <doctest/doctest.h>

using lipcert::decode_lzf;
using lipcert::Matrix;
using lipcert::test::Hdf5Writer;
using lipcert::test::Random;
using lipcert::test::says;
using lipcert::test::Storage;
using lipcert::test::TemporaryFolder;

namespace {

/// LZF by the shortest way: the longest of the copies from one to 40 bytes back, else a literal.
std::string packed(const std::string& plain) {
    std::string bytes;
    std::string literals;
    const auto flush = [&] {
        if (!literals.empty()) {
            bytes += static_cast<char>(literals.size() - 1);
            bytes += literals;
            literals.clear();
        }
    };
    for (std::size_t at = 0; at < plain.size();) {
        std::size_t best = 0;
        std::size_t best_back = 0;
        for (std::size_t back = 1; back <= std::min<std::size_t>(at, 40); ++back) {
            std::size_t length = 0;
            while (length < 264 && at + length < plain.size() &&
                   plain[at + length] == plain[at + length - back]) {
                ++length;
            }
            if (length > best) {
                best = length;
                best_back = back - 1;
            }
        }
        if (best < 3) {
            literals += plain[at++];
            if (literals.size() == 32) {
                flush();
            }
            continue;
        }
        flush();
        const std::size_t code = best - 2;
        bytes += static_cast<char>((std::min<std::size_t>(code, 7) << 5U) + (best_back >> 8U));
        if (code >= 7) {
            bytes += static_cast<char>(code - 7);
        }
        bytes += static_cast<char>(best_back & 0xFFU);
        at += best;
    }
    flush();
    return bytes;
}

std::optional<std::string> unpacked(const std::string& bytes, std::size_t room) {
    std::string plain(room, '\0');
    const auto filled = decode_lzf(std::as_bytes(std::span<const char>(bytes)),
                                   std::as_writable_bytes(std::span<char>(plain)));
    if (!filled) {
        return std::nullopt;
    }
    return plain.substr(0, *filled);
}

}  // namespace

TEST_CASE("LZF decodes what was encoded, overlapping copies included") {
    Random random(61);
    for (std::size_t i = 0; i < lipcert::test::repetitions(300); ++i) {
        std::string plain;
        const std::size_t letters = random.integer(1, 4);
        const std::size_t length = random.integer(0, 2000);
        while (plain.size() < length) {
            plain += static_cast<char>(random.integer(0, letters));
        }
        CHECK(unpacked(packed(plain), plain.size()) == plain);
        if (!plain.empty()) {
            CHECK(!unpacked(packed(plain), plain.size() - 1));
        }
    }
}

TEST_CASE("LZF as liblzf 3.6 writes it is decoded") {
    using namespace std::string_literals;
    std::string counted;
    for (int i = 0; i < 32; ++i) {
        counted += static_cast<char>(i % 8);
    }
    CHECK(unpacked("\x08\x00\x01\x02\x03\x04\x05\x06\x07\x00\xe0\x0c\x07\x01\x06\x07"s, 32) ==
          counted);
    CHECK(unpacked("\x01\x41\x41\xe0\xff\x00\xe0\x17\x00\x01\x41\x41"s, 300) ==
          std::string(300, 'A'));
    std::string halves;
    for (int i = 0; i < 64; ++i) {
        halves += "\0\0\0\x3f"s;
    }
    CHECK(unpacked("\x04\x00\x00\x00\x3f\x00\xe0\xf0\x03\x01\x00\x3f"s, 256) == halves);
}

TEST_CASE("LZF that reaches beyond its ends is no LZF") {
    CHECK(!unpacked(std::string("\x20\x00", 2), 10));          // a copy before the first byte
    CHECK(!unpacked(std::string("\x00\x41\x20\x01", 4), 10));  // two back, one there
    CHECK(!unpacked(std::string("\x05\x41", 2), 10));          // six literals, one there
    CHECK(!unpacked(std::string("\x00\x41\xE0", 3), 300));
    CHECK(!unpacked(std::string("\x00\x41\xE0\xFF", 4), 300));
    CHECK(!unpacked(std::string("\x00\x41\xE0\xFF\x00", 5), 264));
    CHECK(unpacked(std::string("\x00\x41\xE0\xFF\x00", 5), 265) == std::string(265, 'A'));
}

TEST_CASE("a dataset with h5py's filter lzf is read, shuffled or not, and damage is refused") {
    const TemporaryFolder folder;
    const std::vector<float> values(64, 0.5F);
    std::string plain(values.size() * sizeof(float), '\0');
    std::memcpy(plain.data(), values.data(), plain.size());
    std::string shuffled;
    for (std::size_t j = 0; j < sizeof(float); ++j) {
        for (std::size_t i = 0; i < values.size(); ++i) {
            shuffled += plain[i * sizeof(float) + j];
        }
    }
    const auto write = [&](const std::string& chunk, bool shuffle, std::uint32_t left_out) {
        Storage storage = Storage::chunked({64});
        storage.shuffle = shuffle;
        storage.optional_filters = {32000};
        Hdf5Writer(folder / "x.h5")
            .add("w", {64}, std::vector<double>(64, 0.5), H5T_IEEE_F32LE, storage)
            .overwrite_chunk("w", left_out, chunk.data(), chunk.size());
        return lipcert::open_checkpoint(folder / "x.h5");
    };
    const Matrix expected = Matrix::Constant(64, 1, 0.5);
    const auto read = [](const auto& checkpoint) {
        return checkpoint->read(checkpoint->tensors().front());
    };
    CHECK(read(write(packed(plain), false, 0)) == expected);
    CHECK(read(write(packed(shuffled), true, 0)) == expected);
    CHECK(read(write(plain, false, 1)) == expected);  // h5py leaves it out where it does not help
    for (const std::string& damaged :
         {packed(plain).substr(1), packed(plain) + "x", packed(plain.substr(4)), std::string("")}) {
        if (damaged.empty()) {
            continue;
        }
        const auto checkpoint = write(damaged, false, 0);
        CHECK(says(lipcert::test::error_of([&] { (void)read(checkpoint); }), "does not decode"));
    }
}
