#include "lipcert/checkpoint/checkpoint.hpp"

#include <cmath>
#include <limits>
#include <numeric>

#include "support/hdf5_writer.hpp"
#include "support/isolated.hpp"
#include "support/random.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown.hpp"
#include <doctest/doctest.h>

using lipcert::DataType;
using lipcert::Error;
using lipcert::Matrix;
using lipcert::open_checkpoint;
using lipcert::TensorInfo;
using lipcert::test::error_of;
using lipcert::test::Hdf5Writer;
using lipcert::test::says;
using lipcert::test::Storage;
using lipcert::test::TemporaryFolder;

namespace {

std::vector<double> counting(std::size_t count) {
    std::vector<double> values(count);
    std::iota(values.begin(), values.end(), -3.0);
    return values;
}

std::vector<double> random_floats(std::size_t count) {
    lipcert::test::Random random(11);
    std::vector<double> values(count);
    for (double& value : values) {
        value = static_cast<double>(static_cast<float>(random.normal()));
    }
    return values;
}

bool equal_bits(const Matrix& a, const Matrix& b) {
    return a.rows() == b.rows() && a.cols() == b.cols() &&
           std::equal(a.data(), a.data() + a.size(), b.data(), [](double x, double y) {
               return x == y && std::signbit(x) == std::signbit(y);
           });
}

Matrix read_only_tensor(const std::filesystem::path& path) {
    const auto checkpoint = open_checkpoint(path);
    REQUIRE(checkpoint->tensors().size() == 1);
    return checkpoint->read(checkpoint->tensors()[0]);
}

}  // namespace

TEST_CASE("Tensors are listed by canonical name, sorted, with shape, type and size") {
    const TemporaryFolder folder;
    Hdf5Writer(folder / "x.h5")
        .add("b.flat.weight", {2, 3}, counting(6))
        .add("a/nested/weight", {4}, counting(4), H5T_IEEE_F64LE)
        .add("c/dotted.part/scalar", {}, counting(1), lipcert::test::half_type())
        .group("empty/group")
        .named_type("a type")
        .add_null("nothing");
    const auto checkpoint = open_checkpoint(folder / "x.h5");
    const std::vector<TensorInfo>& tensors = checkpoint->tensors();
    REQUIRE(tensors.size() == 4);
    CHECK(tensors[0].name == "a.nested.weight");
    CHECK(tensors[0].shape == std::vector<std::size_t>{4});
    CHECK(tensors[0].type == DataType::float64);
    CHECK(tensors[0].stored_bytes == 32);
    CHECK(tensors[1].name == "b.flat.weight");
    CHECK(tensors[1].stored_type == "float32");
    CHECK(tensors[2].name == "c.dotted.part.scalar");
    CHECK(tensors[2].shape.empty());
    CHECK(tensors[2].type == DataType::float16);
    CHECK(tensors[3].name == "nothing");
    CHECK(lipcert::element_count(tensors[3]) == 0);
    CHECK(checkpoint->format() == "hdf5");
    CHECK(checkpoint->path() == (folder / "x.h5").string());
    CHECK(checkpoint->find("b.flat.weight") == &tensors[1]);
    CHECK(checkpoint->find("b.flat") == nullptr);
    CHECK(checkpoint->find("z") == nullptr);
}

TEST_CASE("A tensor of rank r comes as its first dimension times the rest") {
    const TemporaryFolder folder;
    Hdf5Writer(folder / "x.h5")
        .add("cube", {2, 3, 4}, counting(24))
        .add("row", {1, 5}, counting(5))
        .add("scalar", {}, {2.5})
        .add("vector", {5}, counting(5));
    const auto checkpoint = open_checkpoint(folder / "x.h5");
    const Matrix cube = checkpoint->read(*checkpoint->find("cube"));
    CHECK(cube.rows() == 2);
    CHECK(cube.cols() == 12);
    CHECK(cube(1, 0) == 9.0);
    CHECK(checkpoint->read(*checkpoint->find("row")).rows() == 1);
    CHECK(checkpoint->read(*checkpoint->find("scalar"))(0, 0) == 2.5);
    const Matrix vector = checkpoint->read(*checkpoint->find("vector"));
    CHECK(vector.rows() == 5);
    CHECK(vector.cols() == 1);
}

TEST_CASE("Dimensions of size zero give a matrix without entries") {
    const TemporaryFolder folder;
    Hdf5Writer(folder / "x.h5")
        .add_raw("a", {0, 5}, nullptr, H5T_IEEE_F32LE)
        .add_raw("b", {5, 0, 3}, nullptr, H5T_IEEE_F32LE)
        .add_raw("c", {0}, nullptr, H5T_IEEE_F32LE);
    const auto checkpoint = open_checkpoint(folder / "x.h5");
    CHECK(checkpoint->read(*checkpoint->find("a")).cols() == 5);
    CHECK(checkpoint->read(*checkpoint->find("b")).rows() == 5);
    CHECK(checkpoint->read(*checkpoint->find("c")).size() == 0);
}

TEST_CASE("Contiguous, compact, chunked and filtered storage give the same bits") {
    const TemporaryFolder folder;
    const std::vector<double> values = random_floats(std::size_t{70} * 33);
    Storage filtered = Storage::chunked({16, 8});
    filtered.gzip = filtered.shuffle = filtered.fletcher32 = true;
    Storage compact;
    compact.compact = true;
    Storage checksum_only = Storage::chunked({70, 1});
    checksum_only.fletcher32 = true;
    const std::vector<Storage> variants{
        {}, compact, Storage::chunked({7, 33}), filtered, checksum_only, Storage::chunked({1, 1})};
    const Matrix expected = Eigen::Map<const Matrix>(values.data(), 70, 33);
    for (const bool new_style : {false, true}) {
        for (const Storage& storage : variants) {
            Hdf5Writer(folder / "x.h5", new_style)
                .add("w", {70, 33}, values, H5T_IEEE_F32LE, storage);
            CHECK(equal_bits(read_only_tensor(folder / "x.h5"), expected));
        }
    }
}

TEST_CASE("Chunks of any rank and extent, whole or cut by the shape, end where they belong") {
    const TemporaryFolder folder;
    lipcert::test::Random random(12);
    for (std::size_t i = 0; i < lipcert::test::repetitions(40); ++i) {
        std::vector<hsize_t> shape;
        std::vector<hsize_t> chunk;
        std::size_t count = 1;
        for (std::size_t rank = random.integer(1, 4); rank-- > 0;) {
            shape.push_back(random.integer(1, 9));
            chunk.push_back(random.integer(1, 12));
            count *= shape.back();
        }
        Storage storage = Storage::chunked(chunk);
        storage.gzip = random.integer(0, 1) == 1;
        storage.shuffle = random.integer(0, 1) == 1;
        storage.fletcher32 = random.integer(0, 1) == 1;
        const std::vector<double> values = counting(count);
        // Chunks that reach beyond a shape are allowed where it may grow.
        const lipcert::test::Hdf5Id type(H5Tcopy(i % 2 == 0 ? H5T_IEEE_F32LE : H5T_IEEE_F64BE));
        Hdf5Writer(folder / "x.h5").add_extensible("w", shape, values, type, storage);
        const Matrix read = read_only_tensor(folder / "x.h5");
        CHECK(std::equal(values.begin(), values.end(), read.data(), read.data() + read.size()));
    }
}

TEST_CASE(
    "Chunks that a file leaves unfiltered where they reach beyond the shape are read as such") {
    const TemporaryFolder folder;
    const std::vector<double> values = random_floats(48);
    for (const std::vector<hsize_t>& chunk : {std::vector<hsize_t>{3, 4}, {8, 4}, {4, 3}, {8, 6}}) {
        Storage storage = Storage::chunked(chunk);
        storage.shuffle = storage.gzip = storage.fletcher32 = storage.plain_edges = true;
        Hdf5Writer(folder / "x.h5", true).add("w", {8, 6}, values, H5T_IEEE_F32LE, storage);
        CHECK(equal_bits(read_only_tensor(folder / "x.h5"),
                         Eigen::Map<const Matrix>(values.data(), 8, 6)));
        // Shuffled alone, plain bytes have the size of filtered ones, and would pass for them.
        storage.gzip = storage.fletcher32 = false;
        Hdf5Writer(folder / "x.h5", true)
            .add_extensible("w", {8, 6}, values, H5T_IEEE_F32LE, storage);
        CHECK(equal_bits(read_only_tensor(folder / "x.h5"),
                         Eigen::Map<const Matrix>(values.data(), 8, 6)));
    }
}

TEST_CASE("A tensor of many chunks is read in a time that grows with their number alone") {
    const TemporaryFolder folder;
    const std::vector<double> values(40'000, 1.0);
    for (const bool new_style : {false, true}) {
        Hdf5Writer(folder / "x.h5", new_style)
            .add("w", {40'000}, values, H5T_IEEE_F32LE, Storage::chunked({1}));
        CHECK(lipcert::test::isolated(5, [&] {
                  const auto checkpoint = open_checkpoint(folder / "x.h5");
                  (void)checkpoint->read(checkpoint->tensors()[0]);
              }) == "");
    }
}

TEST_CASE("Filters are undone in any order, and where a chunk leaves one out") {
    const TemporaryFolder folder;
    const std::vector<double> values = counting(64);
    const std::vector<std::vector<H5Z_filter_t>> orders{
        {H5Z_FILTER_FLETCHER32, H5Z_FILTER_SHUFFLE, H5Z_FILTER_DEFLATE},
        {H5Z_FILTER_DEFLATE, H5Z_FILTER_SHUFFLE},
        {H5Z_FILTER_FLETCHER32, H5Z_FILTER_DEFLATE, H5Z_FILTER_FLETCHER32}};
    for (const std::vector<H5Z_filter_t>& order : orders) {
        Hdf5Writer(folder / "x.h5").add_filtered("w", values, order);
        CHECK(read_only_tensor(folder / "x.h5").reshaped() ==
              Eigen::Map<const lipcert::Vector>(values.data(), 64));
    }
    std::vector<float> singles(values.begin(), values.end());
    Hdf5Writer(folder / "x.h5")
        .add_filtered("w", values, {H5Z_FILTER_SHUFFLE, H5Z_FILTER_DEFLATE})
        .overwrite_chunk("w", 3, singles.data(), 64 * sizeof(float));
    CHECK(read_only_tensor(folder / "x.h5").reshaped() ==
          Eigen::Map<const lipcert::Vector>(values.data(), 64));
    // One byte short, and one too long.
    for (const std::size_t bytes : {255U, 257U}) {
        singles.resize(65);
        Hdf5Writer(folder / "x.h5")
            .add_filtered("w", values, {H5Z_FILTER_SHUFFLE, H5Z_FILTER_DEFLATE})
            .overwrite_chunk("w", 3, singles.data(), bytes);
        CHECK(says(error_of([&] { (void)read_only_tensor(folder / "x.h5"); }),
                   "does not decode to the 256 bytes of its shape"));
    }
    Hdf5Writer(folder / "x.h5").add_filtered("w", values, {H5Z_FILTER_DEFLATE, H5Z_FILTER_DEFLATE});
    CHECK(says(error_of([&] { (void)read_only_tensor(folder / "x.h5"); }), "compressed twice"));
}

TEST_CASE("A large tensor is read whole, in one piece or in chunks") {
    const TemporaryFolder folder;
    constexpr std::size_t kRows = 5000;
    constexpr std::size_t kColumns = 4001;  // 80 MB as float32
    std::vector<float> values(kRows * kColumns);
    std::iota(values.begin(), values.end(), 0.0F);
    for (const Storage& storage : {Storage{}, Storage::chunked({301, 4001})}) {
        Hdf5Writer(folder / "x.h5")
            .add_raw("w", {kRows, kColumns}, values.data(), H5T_IEEE_F32LE, storage);
        const Matrix read = read_only_tensor(folder / "x.h5");
        CHECK(std::equal(values.begin(), values.end(), read.data(), [](float x, double y) {
            return static_cast<double>(x) == y;
        }));
    }
}

TEST_CASE("Two hard links to one dataset are two tensors: tied weights") {
    const TemporaryFolder folder;
    Hdf5Writer(folder / "x.h5").add("embed", {2}, {1.0, 2.0}).hard_link("embed", "lm_head");
    const auto checkpoint = open_checkpoint(folder / "x.h5");
    REQUIRE(checkpoint->tensors().size() == 2);
    CHECK(checkpoint->read(checkpoint->tensors()[1])(1, 0) == 2.0);
}

TEST_CASE("A user block before the HDF5 signature is stepped over") {
    const TemporaryFolder folder;
    Hdf5Writer(folder / "x.h5").add("w", {2}, {1.0, 2.0});
    const std::string bytes = lipcert::test::read_file(folder / "x.h5");
    for (const std::size_t block : {512U, 1024U, 4096U}) {
        std::string moved(block, '\0');
        moved += bytes;
        lipcert::test::write_file(folder / "y.h5", moved);
        CHECK(read_only_tensor(folder / "y.h5")(1, 0) == 2.0);
    }
}

TEST_CASE("A value that is not finite is refused with its tensor, index and kind") {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    const TemporaryFolder folder;
    std::vector<double> matrix(std::size_t{20} * 30, 1.0);
    matrix[3 * 30 + 17] = std::nan("");
    Hdf5Writer(folder / "x.h5")
        .add("block.w", {20, 30}, matrix)
        .add("cube", {2, 2, 2}, {0, 0, 0, 0, 0, kInfinity, 0, 0}, lipcert::test::half_type())
        .add("half", {3}, {0, 0, -kInfinity}, lipcert::test::bfloat16_type())
        .add("one", {}, {kInfinity});
    const auto checkpoint = open_checkpoint(folder / "x.h5");
    const auto refusal = [&](const char* name) {
        return error_of([&] { (void)checkpoint->read(*checkpoint->find(name)); });
    };
    const Error nan = refusal("block.w");
    CHECK(nan.kind() == lipcert::ErrorKind::input);
    CHECK(nan.where() == (folder / "x.h5").string() + ": block.w");
    CHECK(says(nan, "nan at [3, 17]"));
    CHECK(says(refusal("cube"), "inf at [1, 0, 1]"));
    CHECK(says(refusal("half"), "-inf at [2]"));
    CHECK(says(refusal("one"), "inf at its only entry"));
}

TEST_CASE("A tensor that is not in the file is refused, not looked for") {
    const TemporaryFolder folder;
    Hdf5Writer(folder / "x.h5").add("w", {2}, {1.0, 2.0});
    const auto checkpoint = open_checkpoint(folder / "x.h5");
    TensorInfo stranger = checkpoint->tensors()[0];
    stranger.name.assign(1, 'v');  // g++ 12 sees an overlap in = "v"
    CHECK(says(error_of([&] { (void)checkpoint->read(stranger); }), "no such tensor"));
}

TEST_CASE("A file leaves no identifier of libhdf5 open, read or refused") {
    const TemporaryFolder folder;
    Hdf5Writer(folder / "x.h5").add("a", {2}, {1.0, 2.0}).text_attribute("/", "config", "{}");
    Hdf5Writer(folder / "y.h5").add("a", {2}, {1.0, std::nan("")}).soft_link("/a", "b");
    const auto open_identifiers = [] { return H5Fget_obj_count(H5F_OBJ_ALL, H5F_OBJ_ALL); };
    const auto before = open_identifiers();
    (void)read_only_tensor(folder / "x.h5");
    CHECK_THROWS_AS((void)open_checkpoint(folder / "y.h5"), Error);
    CHECK(open_identifiers() == before);
}
