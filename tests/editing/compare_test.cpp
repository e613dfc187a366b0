#include "lipcert/error.hpp"

#include <functional>

#include "checkpoint/hdf5_compare.hpp"
#include "support/hdf5_tree.hpp"
#include "support/hdf5_writer.hpp"
#include "support/isolated.hpp"
#include "support/random.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown.hpp"
#include <doctest/doctest.h>

using lipcert::Error;
using lipcert::open_hdf5_file;
using lipcert::test::hdf5_tree;
using lipcert::test::Hdf5Id;
using lipcert::test::Hdf5Writer;
using lipcert::test::read_file;
using lipcert::test::Storage;
using lipcert::test::TemporaryFolder;
using lipcert::test::write_file;

namespace {

void write_sample(const std::filesystem::path& path, bool new_style) {
    Storage filtered = Storage::chunked({2, 3});
    filtered.gzip = filtered.fletcher32 = true;
    const std::vector<double> values{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    Hdf5Writer(path, new_style)
        .add("w", {3, 4}, values)
        .add("group/filtered", {3, 4}, values, H5T_IEEE_F32LE, filtered)
        .add("group/plain", {3, 4}, values, H5T_IEEE_F64BE)
        .add_null("nothing")
        .hard_link("w", "group/tied")
        .named_type("type")
        .text_attribute("/", "config", R"({"n_layer": 2})")
        .text_attribute("w", "note", "fixed", lipcert::test::TextForm::fixed)
        .integer_attribute("group", "number");
}

/// What the comparison says; "" where it finds the two files equal but for `w`. All bytes count as
/// written: what is found is found by the walk through both files.
std::string verdict(const std::filesystem::path& source, const std::filesystem::path& copy) {
    try {
        const auto a = open_hdf5_file(source);
        const auto b = open_hdf5_file(copy);
        lipcert::hdf5::EditedParts edited;
        edited.datasets.insert(a->address_of(*a->find("w")));
        edited.written.add(0, std::filesystem::file_size(source));
        lipcert::hdf5::require_equal_but(*a, *b, edited);
        return "";
    } catch (const Error& error) {
        return error.what();
    }
}

/// Whether an independent reader reads it, and reads something else. Damage that keeps it from
/// finding an object by its name lies in structures that only the comparison of bytes sees.
bool has_other_tree(const std::filesystem::path& path,
                    const std::map<std::string, std::string>& tree) {
    try {
        return hdf5_tree(path, {"w", "group/tied"}) != tree;
    } catch (const std::exception&) {
        return false;
    }
}

/// Changes a copy of the sample through libhdf5 and compares.
std::string verdict_after(const std::function<void(hid_t)>& change, bool new_style) {
    const TemporaryFolder folder;
    write_sample(folder / "a.h5", new_style);
    std::filesystem::copy_file(folder / "a.h5", folder / "b.h5");
    {
        const Hdf5Id file(H5Fopen((folder / "b.h5").c_str(), H5F_ACC_RDWR, H5P_DEFAULT));
        change(file);
    }
    return verdict(folder / "a.h5", folder / "b.h5");
}

Hdf5Id opened(hid_t file, const char* name) {
    return Hdf5Id(H5Oopen(file, name, H5P_DEFAULT));
}

void write_ones(hid_t file, const char* name) {
    const std::vector<double> ones(12, 1.0);
    H5Dwrite(opened(file, name), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, ones.data());
}

void add_attribute(hid_t file, const char* name) {
    const Hdf5Id space(H5Screate(H5S_SCALAR));
    const Hdf5Id added(
        H5Acreate2(opened(file, name), "added", H5T_NATIVE_INT, space, H5P_DEFAULT, H5P_DEFAULT));
    const int value = 1;
    H5Awrite(added, H5T_NATIVE_INT, &value);
}

}  // namespace

TEST_CASE("A copy is equal, also when the one dataset that may change has changed") {
    for (const bool new_style : {false, true}) {
        CHECK(verdict_after([](hid_t) {}, new_style) == "");
        CHECK(verdict_after([](hid_t file) { write_ones(file, "w"); }, new_style) == "");
    }
}

TEST_CASE("Whatever else a program changes in a copy is found") {
    using Change = std::function<void(hid_t)>;
    const std::vector<Change> changes{
        [](hid_t file) { write_ones(file, "group/plain"); },
        [](hid_t file) { write_ones(file, "group/filtered"); },
        [](hid_t file) { add_attribute(file, "w"); },
        [](hid_t file) { add_attribute(file, "group"); },
        [](hid_t file) { add_attribute(file, "type"); },
        [](hid_t file) { H5Adelete(opened(file, "group"), "number"); },
        [](hid_t file) { H5Adelete(opened(file, "w"), "note"); },
        [](hid_t file) { H5Ldelete(file, "type", H5P_DEFAULT); },
        [](hid_t file) { H5Ldelete(file, "group/tied", H5P_DEFAULT); },
        [](hid_t file) { H5Lmove(file, "nothing", file, "moved", H5P_DEFAULT, H5P_DEFAULT); },
        [](hid_t file) {
            H5Lcreate_hard(file, "type", file, "group/alias", H5P_DEFAULT, H5P_DEFAULT);
        },
        [](hid_t file) { H5Oset_comment(opened(file, "group/plain"), "new"); }};
    for (const bool new_style : {false, true}) {
        for (std::size_t i = 0; i < changes.size(); ++i) {
            CAPTURE(i);
            CHECK(verdict_after(changes[i], new_style) != "");
        }
    }
}

TEST_CASE("A changed letter of variable-length text is found") {
    const TemporaryFolder folder;
    write_sample(folder / "a.h5", false);
    std::string bytes = read_file(folder / "a.h5");
    const std::size_t at = bytes.find("n_layer");
    REQUIRE(at != std::string::npos);
    bytes[at] = 'm';
    write_file(folder / "b.h5", bytes);
    CHECK(verdict(folder / "a.h5", folder / "b.h5").find("stored content") != std::string::npos);
}

TEST_CASE("A flipped byte that another reader sees is found by the walk alone") {
    const TemporaryFolder folder;
    for (const bool new_style : {false, true}) {
        write_sample(folder / "a.h5", new_style);
        const std::string bytes = read_file(folder / "a.h5");
        // Damaged files may crash libhdf5.
        CHECK(lipcert::test::isolated(100, [&] {
                  const auto whole = hdf5_tree(folder / "a.h5", {"w", "group/tied"});
                  std::size_t found = 0;
                  for (std::size_t at = 0; at < bytes.size(); at += 13) {
                      std::string damaged = bytes;
                      damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
                      write_file(folder / "b.h5", damaged);
                      if (!verdict(folder / "a.h5", folder / "b.h5").empty()) {
                          ++found;
                      } else if (has_other_tree(folder / "b.h5", whole)) {
                          throw std::runtime_error("byte " + std::to_string(at));
                      }
                  }
                  if (found < 20) {
                      throw std::runtime_error("hardly anything was found");
                  }
              }) == "");
    }
}

TEST_CASE("A flipped byte anywhere outside what libhdf5 wrote is found") {
    const TemporaryFolder folder;
    write_sample(folder / "a.h5", false);
    const std::string bytes = read_file(folder / "a.h5");
    lipcert::test::Random random(61);
    for (std::size_t i = 0; i < lipcert::test::repetitions(50); ++i) {
        std::string damaged = bytes;
        const std::size_t at = random.integer(0, bytes.size() - 1);
        damaged[at] = static_cast<char>(damaged[at] ^ 1);
        write_file(folder / "b.h5", damaged);
        CAPTURE(at);
        CHECK(lipcert::test::isolated(100, [&] {
                  try {
                      const auto a = open_hdf5_file(folder / "a.h5");
                      lipcert::hdf5::require_equal_but(*a, *open_hdf5_file(folder / "b.h5"), {});
                  } catch (const Error&) {
                      return;
                  }
                  throw std::runtime_error("nothing was found");
              }) == "");
    }
}

TEST_CASE("Byte ranges join where they touch or overlap") {
    lipcert::ByteRanges ranges;
    for (const std::uint64_t begin : {40U, 10U, 80U, 20U, 15U}) {
        ranges.add(begin, 10);
    }
    using Pieces = std::map<std::uint64_t, std::uint64_t>;
    CHECK(ranges.pieces() == Pieces{{10, 30}, {40, 50}, {80, 90}});
    ranges.add(28, 55);
    CHECK(ranges.pieces() == Pieces{{10, 90}});
    ranges.add(12, 3);
    CHECK(ranges.pieces() == Pieces{{10, 90}});
}
