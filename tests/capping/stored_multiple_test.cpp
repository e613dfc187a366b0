// What the pass over a multiple measures, against exact sums.
#include "capping/stored_multiple.hpp"

#include "lipcert/rounding/big_float.hpp"

#include <cmath>
#include <limits>
#include <utility>

#include "capping/distance_kernel.hpp"
#include "support/random.hpp"
#include <doctest/doctest.h>

using namespace lipcert;
using namespace lipcert::capping;
using namespace lipcert::test;
using Eigen::Index;

namespace {

/// |A - factor 2^exponent B|_F, but for roundings of 2^-128.
BigFloat exact_distance(const Matrix& a, double factor, long exponent, const Matrix& b) {
    BigFloat sum;
    for (Index i = 0; i < a.size(); ++i) {
        const BigFloat product = multiply(BigFloat(factor), BigFloat(b.data()[i]), Rounding::up)
                                     .scaled(exponent, Rounding::up);
        const BigFloat difference = subtract(BigFloat(a.data()[i]), product, Rounding::up);
        sum = add(sum, multiply(difference, difference, Rounding::up), Rounding::up);
    }
    return square_root(sum, Rounding::up);
}

/// Two-sided, where the enclosure may be `relative` and `absolute` wide.
void check_encloses(const Enclosure& found,
                    const BigFloat& exact,
                    double relative,
                    double absolute) {
    CHECK(found.lower().value().compare(multiply(exact, BigFloat(1 + 0x1p-100), Rounding::up)) <=
          0);
    CHECK(exact.compare(multiply(found.upper().value(), BigFloat(1 + 0x1p-100), Rounding::up)) <=
          0);
    const BigFloat width = subtract(found.upper().value(), found.lower().value(), Rounding::up);
    CHECK(width.compare(add(multiply(exact, BigFloat(relative), Rounding::up),
                            BigFloat(absolute),
                            Rounding::up)) <= 0);
}

}  // namespace

TEST_CASE("the pass encloses the departure, the change and the norm of what it stores [K1]") {
    constexpr double kRelative = 0x1p-40;
    Random random(0x61);
    for (const DataType type :
         {DataType::float16, DataType::bfloat16, DataType::float32, DataType::float64}) {
        // More than one piece, a last slice that is cut short, and less than one vector.
        for (const auto& shape : {std::pair<Index, Index>(259, 257), {3, 341}, {1, 5}}) {
            const Index rows = shape.first;
            const Index cols = shape.second;
            // A small factor makes float16 subnormal; where it is 1, nothing is rounded.
            for (const double factor : {1.0, 0.3, 0x1.3p-12}) {
                CAPTURE(static_cast<int>(type));
                CAPTURE(rows);
                CAPTURE(factor);
                const Matrix w = StoredValues::rounded(type, random.gaussian(rows, cols)).values();
                const SpectralNorm norm = spectral_norm(w);
                const CapRequest request{CapMethod::normalize, 1.0, 0.1, false, type};
                const Job job = make_job(w, norm, request);
                const StoredMultiple result = store_multiple(job, {w, job.exponent}, {factor, 0});
                const Matrix y = result.values.values();
                CHECK(y == StoredValues::rounded(type, factor * w).values());
                const double size = y.norm() * 0x1p-48;
                check_encloses(result.departure, exact_distance(y, factor, 0, w), kRelative, size);
                check_encloses(result.change, exact_distance(w, 1.0, 0, y), kRelative, 0x1p-300);
                check_encloses(result.frobenius, exact_distance(y, 0.0, 0, w), kRelative, 0x1p-300);
            }
        }
    }
}

TEST_CASE("the pass measures what is next to overflow and underflow [K1]") {
    Random random(0x62);
    const Matrix unit = random.gaussian(4, 300);
    // The largest entry next to the largest double: no double holds the norm.
    const Matrix large =
        unit * (0.99 * std::numeric_limits<double>::max() / unit.cwiseAbs().maxCoeff());
    for (const Matrix& w : {large, Matrix(unit * 0x1p-1060)}) {
        const SpectralNorm norm = spectral_norm(w);
        const CapRequest request{CapMethod::normalize, 1.0, 0.1, false, DataType::float64};
        const Job job = make_job(w, norm, request);
        CHECK(norm.spectral.upper() <= Upper::power_of_two(job.exponent));
        CHECK(norm.spectral.upper() > Upper::power_of_two(job.exponent - 3));
        for (const Scale& scale : {Scale{0.7, 0}, Scale{0.7, -1000}}) {
            const StoredMultiple result = store_multiple(job, {w, job.exponent}, scale);
            const Matrix y = result.values.values();
            const double underflows = 0x1p-1060;
            check_encloses(result.departure,
                           exact_distance(y, scale.factor, scale.exponent, w),
                           0x1p-40,
                           0x1p-48 * y.cwiseAbs().maxCoeff() * std::sqrt(y.size()) + underflows);
            check_encloses(result.change, exact_distance(w, 1.0, 0, y), 0x1p-40, underflows);
            CHECK(result.is_zero() == y.isZero(0.0));
        }
    }
}

TEST_CASE("every length of vectors sums the same squares in the same order") {
    Random random(0x63);
    const distance_kernel::Units units{PowerOfTwo(3), PowerOfTwo(-1), PowerOfTwo(2), 0.3};
    CHECK(!distance_kernel::kernels().empty());
    for (const Index size : {1, 7, 8, 9, 64, 1000}) {
        CAPTURE(size);
        const Vector w = random.gaussian_vector(size);
        const Vector b = random.gaussian_vector(size);
        const Vector y = random.gaussian_vector(size);
        const distance_kernel::Operands operands{w.data(), b.data(), y.data(), size};
        const distance_kernel::Sums first = distance_kernel::longest()(operands, units);
        CHECK(first.change == doctest::Approx(((w - y) / 8).squaredNorm()).epsilon(1e-13));
        CHECK(first.departure == doctest::Approx((y / 4 - 0.6 * b).squaredNorm()).epsilon(1e-13));
        CHECK(first.frobenius == doctest::Approx((y / 4).squaredNorm()).epsilon(1e-13));
        for (const distance_kernel::Kernel kernel : distance_kernel::kernels()) {
            const distance_kernel::Sums sums = kernel(operands, units);
            CHECK(sums.change == first.change);
            CHECK(sums.departure == first.departure);
            CHECK(sums.frobenius == first.frobenius);
        }
    }
}
