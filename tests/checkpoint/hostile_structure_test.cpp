#include "lipcert/checkpoint/checkpoint.hpp"

#include <cstdint>
#include <stdexcept>
#include <string>

#include "checkpoint/hdf5_checkpoint.hpp"
#include "support/hdf5_writer.hpp"
#include "support/isolated.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown.hpp"
#include <doctest/doctest.h>

using lipcert::Error;
using lipcert::open_hdf5_file;
using lipcert::test::error_of;
using lipcert::test::Hdf5Writer;
using lipcert::test::isolated;
using lipcert::test::says;
using lipcert::test::Storage;
using lipcert::test::TemporaryFolder;

namespace {

std::string little_endian(std::uint64_t value, std::size_t bytes) {
    std::string text;
    for (std::size_t i = 0; i < bytes; ++i) {
        text += static_cast<char>(value >> (8 * i) & 0xFFU);
    }
    return text;
}

std::string file_bytes(const std::filesystem::path& path) {
    return lipcert::test::read_file(path);
}

/// Where the first B-tree node of a kind (0: group, 1: chunks) lies.
std::size_t tree_at(const std::string& bytes, char kind) {
    const std::size_t at = bytes.find(std::string("TREE") + kind);
    if (at == std::string::npos) {
        throw std::logic_error("the file of the test holds no such B-tree");
    }
    return at;
}

/// In a process of its own, which libhdf5 ends where the file gets through to it: "" where opening
/// these bytes is refused with `words`.
std::string refused(const TemporaryFolder& folder,
                    const std::string& bytes,
                    const std::string& words) {
    const auto path = lipcert::test::write_file(folder / "hostile.h5", bytes);
    return isolated(20, [&] {
        const Error error = error_of([&] { (void)open_hdf5_file(path); });
        if (!says(error, words)) {
            throw std::logic_error(std::string("refused otherwise: ") + error.what());
        }
    });
}

constexpr const char* kNoTree = "nodes do not form a tree";

/// A file whose object at `owner` has an attribute "zz".
std::string with_attribute(const TemporaryFolder& folder, const std::string& owner) {
    Hdf5Writer(folder / "x.h5").add("w", {2}, {1, 2}).integer_attribute(owner, "zz");
    return file_bytes(folder / "x.h5");
}

/// Where the body of the attribute "zz" begins: 8 bytes before its name.
std::size_t attribute_at(const std::string& bytes) {
    return bytes.find(std::string("zz\0", 3)) - 8;
}

/// Marks the message at `body` as shared through a heap that the file does not have.
void share_through_heap(std::string& bytes, std::size_t body) {
    bytes[body - 4] = static_cast<char>(bytes[body - 4] | 2);
    bytes.replace(body, 10, "\x03\x01" + little_endian(1, 8));
}

}  // namespace

TEST_CASE("A B-tree of group members that leads back to itself is refused") {
    const TemporaryFolder folder;
    Hdf5Writer(folder / "x.h5").add("w", {2}, {1, 2}).add("g/x", {2}, {1, 2});
    const std::string whole = file_bytes(folder / "x.h5");
    const std::size_t at = tree_at(whole, 0);
    std::string bytes = whole;
    bytes[at + 5] = 1;  // one level above its child, which is itself
    bytes.replace(at + 32, 8, little_endian(at, 8));
    CHECK(refused(folder, bytes, kNoTree) == "");
    // Its own neighbour, and one that is nowhere.
    for (const std::uint64_t right : {static_cast<std::uint64_t>(at), std::uint64_t{1} << 40U}) {
        bytes = whole;
        bytes.replace(at + 16, 8, little_endian(right, 8));
        CHECK(refused(folder, bytes, kNoTree) == "");
    }
}

TEST_CASE("A B-tree of chunks that leads back to itself is refused") {
    const TemporaryFolder folder;
    Hdf5Writer(folder / "x.h5")
        .add("w", {8, 8}, std::vector<double>(64, 1.0), H5T_IEEE_F32LE, Storage::chunked({4, 4}));
    std::string bytes = file_bytes(folder / "x.h5");
    const std::size_t at = tree_at(bytes, 1);
    constexpr std::size_t kKeyBytes = 8 + 3 * 8;
    bytes[at + 5] = 1;
    bytes.replace(at + 24 + kKeyBytes, 8, little_endian(at, 8));
    CHECK(refused(folder, bytes, kNoTree) == "");
}

TEST_CASE("A tensor that its group lists and does not find by name is refused") {
    const TemporaryFolder folder;
    Hdf5Writer(folder / "sound.h5").add("a", {1}, {1.0}).add("b", {1}, {2.0});
    const std::string sound = file_bytes(folder / "sound.h5");
    // Of a node, behind its head of 24 bytes: a key, a child, a key. A key is the place of a name.
    for (const std::size_t key : {std::size_t{24}, std::size_t{40}}) {
        std::string bytes = sound;
        bytes.replace(tree_at(bytes, 0) + key, 8, little_endian(0x2000, 8));
        CHECK(refused(folder, bytes, "does not find it by its name") == "");
    }
}

TEST_CASE("B-trees of several levels are trees: many members, many chunks") {
    const TemporaryFolder folder;
    {
        Hdf5Writer writer(folder / "x.h5");
        for (int i = 0; i < 600; ++i) {
            writer.add("block/" + std::to_string(i), {1}, {1.0});
        }
        const std::vector<double> values(5000, 1.0);
        writer.add("w", {5000}, values, H5T_IEEE_F32LE, Storage::chunked({1}));
        writer.add_raw("unwritten", {9}, nullptr, H5T_IEEE_F32LE, Storage::chunked({3}));
    }
    const auto checkpoint = open_hdf5_file(folder / "x.h5");
    CHECK(checkpoint->tensors().size() == 602);
    CHECK(checkpoint->read(*checkpoint->find("w")).sum() == 5000.0);
}

TEST_CASE("A message shared through a heap is refused in the root group as elsewhere") {
    const TemporaryFolder folder;
    for (const char* owner : {"/", "/w"}) {
        std::string bytes = with_attribute(folder, owner);
        share_through_heap(bytes, attribute_at(bytes));
        CHECK(refused(folder, bytes, "messages shared through a heap") == "");
    }
}

TEST_CASE("A message cannot hide behind more of a header than is looked at") {
    const TemporaryFolder folder;
    std::string bytes = with_attribute(folder, "/w");
    const std::size_t body = attribute_at(bytes);
    const auto size = static_cast<std::uint8_t>(bytes[body - 6]);
    share_through_heap(bytes, body);
    const std::string attribute = bytes.substr(body - 8, 8U + size);
    // In its place: a continuation, and a message without meaning that fills the rest.
    bytes.resize((bytes.size() + 7) / 8 * 8);
    const std::string padding = std::string("\0\0", 2) + little_endian(65528, 2) +
                                std::string(std::size_t{4} + 65528, '\0');
    std::string block;
    while (block.size() <= std::size_t{1} << 20U) {
        block += padding;
    }
    block += attribute;
    const std::string continuation = little_endian(0x10, 2) + little_endian(16, 2) +
                                     little_endian(0, 4) + little_endian(bytes.size(), 8) +
                                     little_endian(block.size(), 8);
    std::string filler(8U + size - continuation.size(), '\0');
    filler.replace(2, 2, little_endian(filler.size() - 8, 2));
    bytes.replace(body - 8, 8U + size, continuation + filler);
    bytes += block;
    bytes.replace(40, 8, little_endian(bytes.size(), 8));  // where the file ends
    CHECK(refused(folder, bytes, "is described by over 1 MiB") == "");
}

TEST_CASE("Addresses of other than eight bytes are refused") {
    const TemporaryFolder folder;
    {
        const lipcert::test::Hdf5Id creation(H5Pcreate(H5P_FILE_CREATE));
        REQUIRE(H5Pset_sizes(creation, 4, 8) >= 0);
        const lipcert::test::Hdf5Id file(
            H5Fcreate((folder / "x.h5").c_str(), H5F_ACC_TRUNC, creation, H5P_DEFAULT));
    }
    CHECK(refused(folder, file_bytes(folder / "x.h5"), "addresses of other than 8 bytes") == "");
}
