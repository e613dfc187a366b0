#include "lipcert/checkpoint/checkpoint.hpp"
#include "lipcert/checkpoint/memory_limit.hpp"

#include <cstdint>

#include "support/hdf5_writer.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown.hpp"
#include <doctest/doctest.h>

using lipcert::Error;
using lipcert::open_checkpoint;
using lipcert::test::error_of;
using lipcert::test::Hdf5Writer;
using lipcert::test::says;
using lipcert::test::Storage;
using lipcert::test::TemporaryFolder;

namespace {

/// How opening `path` is refused; the kind is checked here, for it is the same everywhere.
Error refusal(const std::filesystem::path& path) {
    Error error = error_of([&] { (void)open_checkpoint(path); });
    CHECK(error.kind() == lipcert::ErrorKind::input);
    CHECK(error.where().starts_with(path.string()));
    return error;
}

/// How reading the only tensor of `path` is refused.
Error read_refusal(const std::filesystem::path& path) {
    const auto checkpoint = open_checkpoint(path);
    REQUIRE(checkpoint->tensors().size() == 1);
    Error error = error_of([&] { (void)checkpoint->read(checkpoint->tensors()[0]); });
    CHECK(error.kind() == lipcert::ErrorKind::input);
    CHECK(error.where() == path.string() + ": w");
    return error;
}

}  // namespace

TEST_CASE("Soft and external links are refused, dangling or not") {
    const TemporaryFolder folder;
    Hdf5Writer(folder / "secret.h5").add("x", {1}, {1.0});
    Hdf5Writer(folder / "soft.h5").add("g/x", {1}, {1.0}).soft_link("/g/x", "g/y");
    Hdf5Writer(folder / "dangling.h5").soft_link("/nowhere", "y");
    Hdf5Writer(folder / "external.h5").external_link((folder / "secret.h5").string(), "y");
    const Error soft = refusal(folder / "soft.h5");
    CHECK(says(soft, "is a soft link"));
    CHECK(soft.where() == (folder / "soft.h5").string() + ": g.y");
    CHECK(says(refusal(folder / "dangling.h5"), "is a soft link"));
    CHECK(says(refusal(folder / "external.h5"), "is an external link"));
}

TEST_CASE("Data in other files is refused: external storage and virtual datasets") {
    const TemporaryFolder folder;
    Storage storage;
    storage.external_file =
        lipcert::test::write_file(folder / "raw", std::string(64, 'x')).string();
    Hdf5Writer(folder / "external.h5").add_raw("w", {4}, nullptr, H5T_IEEE_F32LE, storage);
    Hdf5Writer(folder / "virtual.h5").add_virtual("w", (folder / "other.h5").string());
    CHECK(says(refusal(folder / "external.h5"), "external storage"));
    CHECK(says(refusal(folder / "virtual.h5"), "virtual dataset"));
}

TEST_CASE("A shape bomb is refused before anything is allocated") {
    const TemporaryFolder folder;
    Hdf5Writer(folder / "contiguous.h5")
        .add_raw("w", {1U << 20U, 1U << 20U}, nullptr, H5T_IEEE_F32LE, Storage::chunked({1, 64}));
    CHECK(says(refusal(folder / "contiguous.h5"), "declares 4398046511104 bytes and stores 0"));
    // More bytes than 64 bits can count, also where another extent is zero.
    const hsize_t half = hsize_t{1} << 40U;
    const Storage chunked = Storage::chunked({1, 1, 1});
    Hdf5Writer(folder / "overflow.h5")
        .add_raw("w", {half, half, 2}, nullptr, H5T_IEEE_F32LE, chunked);
    CHECK(says(refusal(folder / "overflow.h5"), "more elements than any memory holds"));
    Hdf5Writer(folder / "zero.h5").add_raw("w", {half, half, 0}, nullptr, H5T_IEEE_F32LE, chunked);
    CHECK(says(refusal(folder / "zero.h5"), "more elements than any memory holds"));
}

TEST_CASE("Chunks that are a bomb, or too many of them, are refused on reading") {
    const TemporaryFolder folder;
    const hsize_t side = 16384;
    Hdf5Writer(folder / "large.h5")
        .add_raw("w", {side, side}, nullptr, H5T_IEEE_F32LE, Storage::chunked({side, side}));
    CHECK(says(read_refusal(folder / "large.h5"), "declares chunks of 1073741824 bytes"));
    Hdf5Writer(folder / "many.h5")
        .add_raw("w", {side, side}, nullptr, H5T_IEEE_F32LE, Storage::chunked({1, 1}));
    CHECK(says(read_refusal(folder / "many.h5"), "is split in more than 4194304 chunks"));
}

TEST_CASE("A chunk far beyond the shape is refused on reading, however well it is compressed") {
    const TemporaryFolder folder;
    Storage storage = Storage::chunked({4200, 4200});
    storage.gzip = true;
    Hdf5Writer(folder / "x.h5").add_extensible("w", {1, 1}, {1.0}, H5T_IEEE_F32LE, storage);
    CHECK(says(read_refusal(folder / "x.h5"), "chunks of 70560000 bytes, which are larger than"));
    // The writers of growing datasets choose chunks of up to some megabytes.
    Hdf5Writer(folder / "x.h5")
        .add_extensible("w", {1, 1}, {1.0}, H5T_IEEE_F32LE, Storage::chunked({1000, 1000}));
    const auto checkpoint = open_checkpoint(folder / "x.h5");
    CHECK(checkpoint->read(checkpoint->tensors()[0])(0, 0) == 1.0);
}

TEST_CASE("A tensor that needs more memory than is allowed is refused before it is allocated") {
    const TemporaryFolder folder;
    Hdf5Writer(folder / "x.h5").add("w", {30, 10}, std::vector<double>(300, 1.0));
    lipcert::set_memory_limit(2399);
    CHECK(says(read_refusal(folder / "x.h5"), "needs 2400 bytes of memory to be read, and 2399"));
    lipcert::set_memory_limit(2400);
    const auto checkpoint = open_checkpoint(folder / "x.h5");
    CHECK(checkpoint->read(checkpoint->tensors()[0]).sum() == 300.0);
    // What decoding a chunk takes counts.
    Hdf5Writer(folder / "y.h5")
        .add("w",
             {30, 10},
             std::vector<double>(300, 1.0),
             H5T_IEEE_F32LE,
             Storage::chunked({10, 10}));
    CHECK(says(read_refusal(folder / "y.h5"), "needs 3600 bytes"));
    lipcert::set_memory_limit(std::nullopt);
    CHECK(open_checkpoint(folder / "y.h5")->tensors().size() == 1);
}

TEST_CASE("Values that were declared and never written are refused, whole tensors or one chunk") {
    const TemporaryFolder folder;
    Hdf5Writer(folder / "x.h5").add_raw("w", {3, 4}, nullptr, H5T_IEEE_F32LE);
    CHECK(says(read_refusal(folder / "x.h5"), "was declared and never written"));
    Hdf5Writer(folder / "x.h5")
        .add_raw("w", {100'000}, nullptr, H5T_IEEE_F32LE, Storage::chunked({1}));
    CHECK(says(read_refusal(folder / "x.h5"), "was declared and never written"));
    // Written up to row 5; the chunks of rows 6 to 8 do not exist.
    Hdf5Writer(folder / "x.h5")
        .add_raw("w", {9, 4}, nullptr, H5T_IEEE_F32LE, Storage::chunked({3, 2}))
        .write_rows("w", 6, std::vector<double>(24, 1.0));
    CHECK(says(read_refusal(folder / "x.h5"), "holds no values from [6, 0] on"));
    // An extensible dataset that was written whole has all its chunks.
    Hdf5Writer(folder / "x.h5")
        .add_raw("w", {9, 4}, nullptr, H5T_IEEE_F32LE, Storage::chunked({3, 2}))
        .write_rows("w", 9, std::vector<double>(36, 1.0));
    const auto checkpoint = open_checkpoint(folder / "x.h5");
    CHECK(checkpoint->read(checkpoint->tensors()[0]) == lipcert::Matrix::Constant(9, 4, 1.0));
}

TEST_CASE("Filters beyond gzip, lzf, shuffle and fletcher32 are refused by name on reading") {
    const TemporaryFolder folder;

    struct Named {
        H5Z_filter_t filter;
        const char* name;
    };

    const Named filters[] = {{32001, "blosc (number 32001)"},
                             {32008, "bitshuffle (number 32008)"},
                             {32015, "zstd (number 32015)"},
                             {4711, "number 4711"}};
    for (const Named& named : filters) {
        Storage storage = Storage::chunked({2});
        storage.optional_filters = {named.filter};
        Hdf5Writer(folder / "x.h5").add("w", {4}, {1, 2, 3, 4}, H5T_IEEE_F32LE, storage);
        const Error error = read_refusal(folder / "x.h5");
        CHECK(says(error, named.name));
        CHECK(says(error, "h5repack"));
    }
}

TEST_CASE("The filters that libhdf5 brings and lipcert does not trust are refused by name") {
    const TemporaryFolder folder;
    const auto write = [&](herr_t (*set_filter)(hid_t)) {
        const lipcert::test::Hdf5Id file(
            H5Fcreate((folder / "x.h5").c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT));
        const lipcert::test::Hdf5Id creation(H5Pcreate(H5P_DATASET_CREATE));
        const hsize_t extent = 64;
        H5Pset_chunk(creation, 1, &extent);
        REQUIRE(set_filter(creation) >= 0);
        const lipcert::test::Hdf5Id space(H5Screate_simple(1, &extent, nullptr));
        const lipcert::test::Hdf5Id dataset(
            H5Dcreate2(file, "w", H5T_IEEE_F32LE, space, H5P_DEFAULT, creation, H5P_DEFAULT));
    };
    write([](hid_t plist) { return H5Pset_nbit(plist); });
    CHECK(says(read_refusal(folder / "x.h5"), "filter nbit"));
    write([](hid_t plist) { return H5Pset_scaleoffset(plist, H5Z_SO_FLOAT_DSCALE, 3); });
    CHECK(says(read_refusal(folder / "x.h5"), "filter scaleoffset"));
    write([](hid_t plist) { return H5Pset_szip(plist, H5_SZIP_NN_OPTION_MASK, 8); });
    CHECK(says(read_refusal(folder / "x.h5"), "filter szip"));
}

TEST_CASE("A group that contains itself, or has two paths, is refused") {
    const TemporaryFolder folder;
    Hdf5Writer(folder / "cycle.h5").add("a/b/w", {1}, {1.0}).hard_link("/a", "/a/b/again");
    Hdf5Writer(folder / "root.h5").add("a/w", {1}, {1.0}).hard_link("/", "/a/root");
    Hdf5Writer(folder / "twice.h5").add("a/w", {1}, {1.0}).hard_link("/a", "/b");
    for (const char* name : {"cycle.h5", "root.h5", "twice.h5"}) {
        CHECK(says(refusal(folder / name), "reached by two paths or contains itself"));
    }
}

TEST_CASE("Groups nest up to 64 deep, and no deeper") {
    const TemporaryFolder folder;
    const auto nested = [](std::size_t depth) {
        std::string name;
        for (std::size_t i = 0; i < depth; ++i) {
            name += "g/";
        }
        return name + "w";
    };
    Hdf5Writer(folder / "deep.h5").add(nested(64), {1}, {1.0});
    CHECK(open_checkpoint(folder / "deep.h5")->tensors().size() == 1);
    Hdf5Writer(folder / "deeper.h5").add(nested(65), {1}, {1.0});
    CHECK(says(refusal(folder / "deeper.h5"), "nested more than 64 deep"));
    Hdf5Writer(folder / "deepest.h5").add(nested(400), {1}, {1.0});
    CHECK(says(refusal(folder / "deepest.h5"), "nested more than 64 deep"));
}

TEST_CASE("Two datasets of one canonical name are refused") {
    const TemporaryFolder folder;
    Hdf5Writer(folder / "x.h5").add("a/b.c", {1}, {1.0}).add("a.b/c", {1}, {2.0});
    const Error error = refusal(folder / "x.h5");
    CHECK(says(error, "two datasets have this name"));
    CHECK(error.where() == (folder / "x.h5").string() + ": a.b.c");
}

TEST_CASE("Names that could disturb a terminal or a report are refused, and escaped in messages") {
    const TemporaryFolder folder;
    for (const char* name :
         {"a\x1b[31m", "a\nb", "a\x7f", "\xff\xfe", "\xc0\xaf", "\xed\xa0\x80"}) {
        Hdf5Writer(folder / "x.h5").add(name, {1}, {1.0});
        const Error error = refusal(folder / "x.h5");
        CHECK(says(error, "control character or invalid UTF-8"));
        CHECK(error.where().find('\\') != std::string::npos);
    }
    Hdf5Writer(folder / "x.h5").add("gewicht_\xc3\xa4\xf0\x9f\x98\x80", {1}, {1.0});
    CHECK(open_checkpoint(folder / "x.h5")->tensors().size() == 1);
    Hdf5Writer(folder / "x.h5").add(std::string(1025, 'n'), {1}, {1.0});
    CHECK(says(refusal(folder / "x.h5"), "longer than 1024 bytes"));
}

TEST_CASE("More than eight dimensions are refused") {
    const TemporaryFolder folder;
    Hdf5Writer(folder / "eight.h5").add("w", std::vector<hsize_t>(8, 1), {1.0});
    CHECK(open_checkpoint(folder / "eight.h5")->tensors()[0].shape.size() == 8);
    Hdf5Writer(folder / "nine.h5").add("w", std::vector<hsize_t>(9, 1), {1.0});
    CHECK(says(refusal(folder / "nine.h5"), "has 9 dimensions; at most 8"));
}

TEST_CASE(
    "A root attribute 'config' that is no text, or larger than 16 MiB, is refused when asked") {
    const TemporaryFolder folder;
    const auto refused_configuration = [](const std::filesystem::path& path) {
        const auto checkpoint = open_checkpoint(path);  // what needs no configuration goes on
        return error_of([&] { (void)checkpoint->embedded_configuration(); });
    };
    Hdf5Writer(folder / "integer.h5").integer_attribute("/", "config");
    CHECK(
        says(refused_configuration(folder / "integer.h5"), "attribute 'config' is not one string"));
    const std::string large((16U << 20U) + 1, ' ');
    Hdf5Writer(folder / "large.h5").text_attribute("/", "config", large);
    CHECK(says(refused_configuration(folder / "large.h5"), "larger than 16777216 bytes"));
}

TEST_CASE("A damaged chunk under fletcher32 is named, with what to do") {
    const TemporaryFolder folder;
    Storage storage = Storage::chunked({512});
    storage.fletcher32 = true;
    const std::vector<double> values(512, 1.25);
    Hdf5Writer(folder / "x.h5").add("w", {512}, values, H5T_IEEE_F32LE, storage);
    std::string bytes = lipcert::test::read_file(folder / "x.h5");
    const std::size_t at = bytes.find(std::string("\0\0\xa0\x3f\0\0\xa0\x3f", 8));
    REQUIRE(at != std::string::npos);
    bytes[at + 800] = static_cast<char>(bytes[at + 800] ^ 1);
    lipcert::test::write_file(folder / "x.h5", bytes);
    const Error error = read_refusal(folder / "x.h5");
    CHECK(says(error, "stored checksum does not match"));
    CHECK(says(error, "copy or download it again"));
}
