#include "lipcert/checkpoint/checkpoint.hpp"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <numeric>

#include "support/hdf5_writer.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown.hpp"
#include <doctest/doctest.h>

using lipcert::DataType;
using lipcert::Matrix;
using lipcert::open_checkpoint;
using lipcert::test::bfloat16_type;
using lipcert::test::big_endian;
using lipcert::test::custom_float;
using lipcert::test::error_of;
using lipcert::test::half_type;
using lipcert::test::Hdf5Id;
using lipcert::test::Hdf5Writer;
using lipcert::test::opaque_type;
using lipcert::test::says;
using lipcert::test::TemporaryFolder;
using lipcert::test::TextForm;

namespace {

/// The definition of a binary interchange format, with ldexp instead of bit moves.
double by_definition(unsigned bits, int exponent_bits, int mantissa_bits) {
    const int bias = (1 << (exponent_bits - 1)) - 1;
    const auto mantissa = static_cast<double>(bits & ((1U << mantissa_bits) - 1));
    const int exponent = static_cast<int>(bits >> mantissa_bits) & ((1 << exponent_bits) - 1);
    const double sign = (bits >> (exponent_bits + mantissa_bits)) != 0 ? -1.0 : 1.0;
    const double magnitude = exponent == 0 ? std::ldexp(mantissa, 1 - bias - mantissa_bits)
                                           : std::ldexp(std::ldexp(1.0, mantissa_bits) + mantissa,
                                                        exponent - bias - mantissa_bits);
    return sign * magnitude;
}

/// All 16-bit patterns whose exponent is not the top one.
std::vector<std::uint16_t> finite_patterns(int exponent_bits, int mantissa_bits) {
    std::vector<std::uint16_t> patterns;
    const unsigned top = (1U << exponent_bits) - 1;
    for (unsigned bits = 0; bits < 65536; ++bits) {
        if (((bits >> mantissa_bits) & top) != top) {
            patterns.push_back(static_cast<std::uint16_t>(bits));
        }
    }
    return patterns;
}

std::vector<std::uint16_t> swapped(std::vector<std::uint16_t> patterns) {
    for (std::uint16_t& word : patterns) {
        word = static_cast<std::uint16_t>(word << 8U | word >> 8U);
    }
    return patterns;
}

using Write = std::function<void(Hdf5Writer&, const std::vector<std::uint16_t>&)>;

Write as_type(const std::function<Hdf5Id()>& type, const std::string& stated = "") {
    return [type, stated](Hdf5Writer& writer, const std::vector<std::uint16_t>& patterns) {
        writer.add_raw("w", {patterns.size()}, patterns.data(), type());
        if (!stated.empty()) {
            writer.text_attribute("w", "dtype", stated);
        }
    };
}

/// Stores every finite pattern by `write` and counts those that do not come back exactly.
std::size_t inexact_patterns(const Write& write, DataType type, bool swap) {
    const int exponent_bits = type == DataType::float16 ? 5 : 8;
    const int mantissa_bits = 15 - exponent_bits;
    const std::vector<std::uint16_t> patterns = finite_patterns(exponent_bits, mantissa_bits);
    const TemporaryFolder folder;
    {
        Hdf5Writer writer(folder / "x.h5");
        write(writer, swap ? swapped(patterns) : patterns);
    }
    const auto checkpoint = open_checkpoint(folder / "x.h5");
    CHECK(checkpoint->tensors()[0].type == type);
    const Matrix values = checkpoint->read(checkpoint->tensors()[0]);
    REQUIRE(static_cast<std::size_t>(values.size()) == patterns.size());
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < patterns.size(); ++i) {
        const double expected = by_definition(patterns[i], exponent_bits, mantissa_bits);
        const double actual = values.data()[i];
        wrong += actual != expected || std::signbit(actual) != std::signbit(expected) ? 1U : 0U;
    }
    return wrong;
}

}  // namespace

TEST_CASE("Every finite float16 pattern is read exactly, in both byte orders") {
    CHECK(inexact_patterns(as_type(half_type), DataType::float16, false) == 0);
    CHECK(inexact_patterns(
              as_type([] { return big_endian(half_type()); }), DataType::float16, true) == 0);
}

TEST_CASE("Every finite bfloat16 pattern is read exactly in each way to store it") {
    const auto opaque = [] { return opaque_type(2); };
    const auto unsigned_word = [] { return Hdf5Id(H5Tcopy(H5T_STD_U16LE)); };
    const auto signed_word = [] { return Hdf5Id(H5Tcopy(H5T_STD_I16LE)); };
    const auto big_word = [] { return Hdf5Id(H5Tcopy(H5T_STD_U16BE)); };
    const auto big_float = [] { return big_endian(bfloat16_type()); };
    CHECK(inexact_patterns(as_type(bfloat16_type), DataType::bfloat16, false) == 0);
    CHECK(inexact_patterns(as_type(big_float), DataType::bfloat16, true) == 0);
    CHECK(inexact_patterns(as_type(opaque), DataType::bfloat16, false) == 0);
    CHECK(inexact_patterns(as_type(opaque, "bfloat16"), DataType::bfloat16, false) == 0);
    CHECK(inexact_patterns(as_type(unsigned_word, "bfloat16"), DataType::bfloat16, false) == 0);
    CHECK(inexact_patterns(as_type(signed_word, "bfloat16"), DataType::bfloat16, false) == 0);
    CHECK(inexact_patterns(as_type(big_word, "bfloat16"), DataType::bfloat16, true) == 0);
}

TEST_CASE("The attribute dtype is understood as fixed-length text too") {
    const TemporaryFolder folder;
    const std::vector<std::uint16_t> one{0x3F80};
    Hdf5Writer(folder / "x.h5")
        .add_raw("a", {1}, one.data(), opaque_type(2))
        .text_attribute("a", "dtype", "bfloat16", TextForm::fixed)
        .add_raw("b", {1}, one.data(), opaque_type(2))
        .text_attribute("b", "dtype", "bfloat16", TextForm::one_element);
    const auto checkpoint = open_checkpoint(folder / "x.h5");
    CHECK(checkpoint->read(checkpoint->tensors()[0])(0, 0) == 1.0);
    CHECK(checkpoint->read(checkpoint->tensors()[1])(0, 0) == 1.0);
    CHECK(checkpoint->tensors()[0].stored_type == "bfloat16 as opaque[2]");
}

TEST_CASE("float32 and float64 keep every bit in both byte orders, subnormals and -0 included") {
    const TemporaryFolder folder;
    std::vector<float> singles{0.0F, -0.0F, 1e-45F, -1e-45F, 1.17549421e-38F, 3.4028235e38F, 0.1F};
    std::vector<double> doubles{0.0, -0.0, 5e-324, -5e-324, 2.2250738585072009e-308, 1.7e308, 0.1};
    std::vector<double> widened(singles.begin(), singles.end());
    Hdf5Writer(folder / "x.h5")
        .add_raw("f32", {7}, singles.data(), H5T_IEEE_F32LE)
        .add("f32be", {7}, widened, H5T_IEEE_F32BE)
        .add("f64", {7}, doubles, H5T_IEEE_F64LE)
        .add("f64be", {7}, doubles, H5T_IEEE_F64BE);
    const auto checkpoint = open_checkpoint(folder / "x.h5");
    const auto same_bits = [&](const char* name, const std::vector<double>& expected) {
        const Matrix values = checkpoint->read(*checkpoint->find(name));
        return std::memcmp(values.data(), expected.data(), expected.size() * sizeof(double)) == 0;
    };
    CHECK(same_bits("f32", widened));
    CHECK(same_bits("f32be", widened));
    CHECK(same_bits("f64", doubles));
    CHECK(same_bits("f64be", doubles));
    CHECK(checkpoint->find("f32be")->stored_type == "float32 big-endian");
}

TEST_CASE("What is not one of the four float types is listed by name and refused on reading") {
    const TemporaryFolder folder;
    const std::vector<std::uint64_t> zeros(64, 0);
    Hdf5Id float_with_padding = custom_float(4, 5, 10, 15);
    Hdf5Id other_bias = custom_float(2, 5, 10, 14);
    {
        Hdf5Writer writer(folder / "x.h5");
        writer.add_raw("e4m3", {2}, zeros.data(), custom_float(1, 4, 3, 7))
            .add_raw("e5m2", {2}, zeros.data(), custom_float(1, 5, 2, 15))
            .add_raw("padded", {2}, zeros.data(), float_with_padding)
            .add_raw("bias", {2}, zeros.data(), other_bias)
            .add_raw("i64", {2}, zeros.data(), H5T_STD_I64LE)
            .add_raw("long", {2}, zeros.data(), H5T_NATIVE_LDOUBLE)
            .add_raw("opaque1", {2}, zeros.data(), opaque_type(1))
            .add_raw("other", {2}, zeros.data(), opaque_type(2))
            .text_attribute("other", "dtype", "int16")
            .add_raw("strange", {2}, zeros.data(), opaque_type(2))
            .integer_attribute("strange", "dtype")
            .add_raw("tagged", {2}, zeros.data(), opaque_type(2, "NUMPY:datetime64"))
            .add_raw("text", {2}, zeros.data(), H5T_C_S1)
            .add_raw("u16", {2}, zeros.data(), H5T_STD_U16LE);
    }
    const auto checkpoint = open_checkpoint(folder / "x.h5");
    CHECK(checkpoint->find("e4m3")->stored_type == "float8 E4M3");
    CHECK(checkpoint->find("e5m2")->stored_type == "float8 E5M2");
    CHECK(checkpoint->find("i64")->stored_type == "int64");
    CHECK(checkpoint->find("opaque1")->stored_type == "opaque[1]");
    CHECK(checkpoint->find("other")->stored_type == "opaque[2] stated to be int16");
    CHECK(checkpoint->find("tagged")->stored_type == "opaque[2] 'NUMPY:datetime64'");
    CHECK(checkpoint->find("text")->stored_type == "string");
    CHECK(checkpoint->find("u16")->stored_type == "uint16");
    for (const lipcert::TensorInfo& tensor : checkpoint->tensors()) {
        CHECK(tensor.type == DataType::unsupported);
        const lipcert::Error error = error_of([&] { (void)checkpoint->read(tensor); });
        CHECK(error.kind() == lipcert::ErrorKind::input);
        CHECK(says(error, tensor.stored_type));
        CHECK(says(error, "convert it to"));
    }
    CHECK(says(error_of([&] { (void)checkpoint->read(*checkpoint->find("u16")); }),
               "dtype=\"bfloat16\""));
}
