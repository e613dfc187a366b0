// The float32 path: its error terms one by one, and its intervals against exact norms and against
// the float64 path.
#include "norms/deflation.hpp"

#include "lipcert/error.hpp"
#include "lipcert/norms/spectral_norm.hpp"
#include "lipcert/rounding/roundoff.hpp"

#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <utility>

#include "norms/cholesky_certificate.hpp"
#include "norms/crude_gram.hpp"
#include "norms/freivalds.hpp"
#include "norms/paths.hpp"
#include "norms/projection.hpp"
#include "norms/scaling.hpp"
#include "norms/tiled_cholesky.hpp"
#include "support/decompositions.hpp"
#include "support/exact.hpp"
#include "support/random.hpp"
#include <doctest/doctest.h>

using namespace lipcert;
using Eigen::Index;

namespace {

/// Sylvester's matrix of 2^doublings rows: H H^T = N I.
Matrix hadamard(int doublings) {
    Matrix result = Matrix::Ones(1, 1);
    for (int k = 0; k < doublings; ++k) {
        Matrix next(2 * result.rows(), 2 * result.cols());
        next << result, result, result, -result;
        result = next;
    }
    return result;
}

/// H D H^T / N: dense, and exact for dyadic d; its singular values are |d|.
Matrix with_singular_values(const Vector& d) {
    const int doublings = static_cast<int>(std::lround(std::log2(static_cast<double>(d.size()))));
    const Matrix h = hadamard(doublings);
    return (h * d.asDiagonal() * h.transpose()) / static_cast<double>(d.size());
}

bool encloses(const SpectralNorm& norm, double exact) {
    return norm.spectral.lower() <= Lower::exact(exact) &&
           Upper::exact(exact) <= norm.spectral.upper();
}

SpectralNorm deflated(const Matrix& matrix) {
    return norm_by_deflation(matrix, *largest_exponent(matrix));
}

SpectralNorm factorised(const Matrix& matrix) {
    return norm_by_factorisation(matrix, *largest_exponent(matrix), std::nullopt);
}

bool intersect(const Enclosure& a, const Enclosure& b) {
    return a.lower().value().compare(b.upper().value()) <= 0 &&
           b.lower().value().compare(a.upper().value()) <= 0;
}

/// A projection without errors: S = I, H = diag(h), R = 0.
Projection exact_projection(const Vector& h) {
    const Index k = h.size();
    Projection p;
    p.s = Matrix::Identity(k, k);
    p.h = h.asDiagonal();
    p.c = Matrix::Zero(k, k);
    p.s_error = p.h_error = p.c_error = Matrix::Zero(k, k);
    return p;
}

double relative_rise(const Projection& p, double beta) {
    return lowest_level(p, beta) / p.h(0, 0) - 1.0;
}

}  // namespace

TEST_CASE("dense matrices with known singular values are enclosed by deflation") {
    struct Case {
        std::string what;
        Vector values;
        bool has_gap;
    };

    const Index n = 256;
    Vector spike = Vector::Constant(n, 0.5);
    spike(3) = 1.0;
    Vector cluster = Vector::LinSpaced(n, 0.0, 255.0) / 512.0;
    cluster.head(4) << 1.0, 1.0 - 0x1p-5, 0x1p-3 - 1.0, 1.0 - 0x1p-4;
    // A Krylov space of one vector sees one copy of a repeated value, and float32 nothing between
    // near ones.
    Vector tight = cluster;
    tight.head(5) << 1.0, 1.0, 1.0 - 0x1p-30, 1.0 - 0x1p-40, -1.0;
    Vector repeated = Vector::Zero(n);
    repeated.head(12).setOnes();
    Vector crowded = Vector::Constant(n, 1.0 - 0x1p-10);
    crowded(7) = 1.0;
    Vector steep(n);
    for (Index i = 0; i < n; ++i) {
        steep(i) = std::ldexp(1.0, -static_cast<int>(std::min<Index>(i, 30)));
    }
    for (const Case& test : {Case{"one spike", spike, true},
                             Case{"a cluster at the top", cluster, true},
                             Case{"a tight cluster", tight, true},
                             Case{"twelve equal values", repeated, true},
                             Case{"no gap", crowded, false},
                             Case{"powers of two", steep, true},
                             Case{"all equal", Vector::Ones(n), false}}) {
        CAPTURE(test.what);
        const Matrix matrix = with_singular_values(test.values);
        for (const int shift : {0, -90, 70, -500, 900}) {
            CAPTURE(shift);
            const Matrix scaled = matrix * std::ldexp(1.0, shift);
            const SpectralNorm norm = deflated(scaled);
            CHECK(encloses(norm, std::ldexp(1.0, shift)));
            CHECK(norm.spectral.relative_width().to_double() <= (test.has_gap ? 1e-10 : 1e-8));
            CHECK((norm.method == NormMethod::deflation) == test.has_gap);
        }
    }
}

TEST_CASE("both paths agree on random matrices of many spectra and shapes") {
    test::Random random(0x51);
    std::size_t deflations = 0;
    for (std::size_t trial = 0; trial < test::repetitions(24); ++trial) {
        const auto rows = static_cast<Index>(random.integer(130, 300));
        const auto cols = static_cast<Index>(random.integer(130, 300));
        const auto spikes = static_cast<Index>(random.integer(0, 14));
        Matrix matrix = random.gaussian(rows, cols) / std::sqrt(static_cast<double>(rows));
        for (Index i = 0; i < spikes; ++i) {
            const double size = std::ldexp(1.0, static_cast<int>(random.integer(0, 30)) - 20);
            matrix +=
                size * random.gaussian_vector(rows) * random.gaussian_vector(cols).transpose();
        }
        if (trial % 4 == 1) {  // graded columns
            for (Index j = 0; j < cols; ++j) {
                matrix.col(j) *= std::ldexp(1.0, static_cast<int>(random.integer(0, 80)) - 40);
            }
        }
        if (trial % 4 == 2) {
            matrix = matrix.cast<float>().cast<double>();
        }
        const SpectralNorm fast = deflated(matrix);
        const SpectralNorm safe = factorised(matrix);
        CHECK(intersect(fast.spectral, safe.spectral));
        CHECK(intersect(fast.frobenius, safe.frobenius));
        CHECK(fast.spectral.relative_width().to_double() <= 1e-8);
        deflations += fast.method == NormMethod::deflation ? 1 : 0;
    }
    CHECK(deflations > 0);
}

TEST_CASE("a random matrix is enclosed by deflation, as far as float32 sees its gaps") {
    test::Random random(0x54);
    using Shape = std::pair<Index, Index>;
    for (const Shape& shape : {Shape(300, 300), Shape(200, 700), Shape(640, 400)}) {
        const Index rows = shape.first;
        const Index cols = shape.second;
        CAPTURE(rows);
        CAPTURE(cols);
        const Matrix matrix = random.gaussian(rows, cols);
        CHECK(sees_small_gaps(SmallerSide(matrix, *largest_exponent(matrix))));
        const SpectralNorm fast = deflated(matrix);
        CHECK(fast.method == NormMethod::deflation);
        CHECK(fast.spectral.relative_width().to_double() <= 1e-9);
        CHECK(intersect(fast.spectral, factorised(matrix).spectral));
    }
    const Matrix tall(11008, 4096);  // its shape alone decides
    CHECK_FALSE(sees_small_gaps(SmallerSide(tall, 0)));
    const Matrix square(4097, 4097);
    CHECK_FALSE(sees_small_gaps(SmallerSide(square, 0)));
}

TEST_CASE("a column that vanishes in float32 is no fault of the BLAS") {
    const Index n = 512;
    const Vector signs = freivalds::signs(n).col(0);
    for (const int exponent : {-70, -76, -78, -100}) {
        CAPTURE(exponent);
        Matrix matrix = 0.6999999 * Matrix::Ones(2048, 1) * signs.transpose();
        matrix.col(5) *= std::ldexp(1.0, exponent);
        const SpectralNorm norm = deflated(matrix);
        CHECK(encloses(norm, matrix.row(0).norm() * std::sqrt(2048.0)));
    }
}

TEST_CASE("many values at a cap are left to the factorisation") {
    const Index n = 256;
    Vector capped = Vector::LinSpaced(n, 0.0, 1.0);
    for (Index i = 0; i < n; ++i) {
        capped(i) = capped(i) > 0.75 ? 0.75 : std::ldexp(std::round(capped(i) * 1024), -10);
    }
    const Matrix matrix = with_singular_values(capped);
    const SpectralNorm norm = deflated(matrix);
    CHECK(norm.method == NormMethod::cholesky);
    CHECK(encloses(norm, 0.75));
    CHECK(norm.spectral.relative_width().to_double() <= 1e-8);
}

TEST_CASE("one factorisation proves a level that is above the norm, and none that is not") {
    const Index n = 128;
    Vector spread = Vector::LinSpaced(n, 0.0, 127.0) / 256.0;
    spread(5) = 1.0;
    Vector crowded = spread;
    crowded.tail(60).setOnes();
    for (const Vector& values : {spread, crowded}) {
        const Vector top = hadamard(7).col(values(5) == 1.0 ? 5 : n - 1) / std::sqrt(double{n});
        for (const int shift : {0, -500, 900}) {
            CAPTURE(shift);
            const Matrix matrix = with_singular_values(values) * std::ldexp(1.0, shift);
            const auto at = [&](double level, const Vector& direction) {
                return norm_at_level(matrix,
                                     *largest_exponent(matrix),
                                     {std::ldexp(level, shift), std::ldexp(1.0, shift)},
                                     direction);
            };
            const double level = 1.0 + 0x1p-30;
            const std::optional<SpectralNorm> norm = at(level, top);
            REQUIRE(norm);
            CHECK(encloses(*norm, std::ldexp(1.0, shift)));
            CHECK(norm->spectral.upper() <= Upper::exact(std::ldexp(level, shift)));
            CHECK(norm->spectral.relative_width().to_double() <= 1.01 * (level - 1.0));
            CHECK(norm->method == NormMethod::cholesky);
            // A direction that shows nothing costs the lower end only.
            const std::optional<SpectralNorm> blind = at(level, Vector::Unit(n, 0));
            REQUIRE(blind);
            CHECK(encloses(*blind, std::ldexp(1.0, shift)));
            CHECK_FALSE(at(1.0, top));  // the level itself, which rounding hides
            CHECK_FALSE(at(1.0 - 0x1p-30, top));
        }
    }
}

TEST_CASE("a spectrum that falls slowly is enclosed as sharply as any other") {
    // Ritz vectors in float32 may then be far from eigenvectors: of 30,000 such matrices these came
    // out of deflation with intervals of 1.03e-5, 1.35e-6 and 7e-7.
    struct Case {
        std::uint64_t seed;
        Index rows, cols;
        double ratio;
    };

    for (const Case& test : {Case{2820, 171, 138, 0.984},
                             Case{18679, 199, 135, 0.981},
                             Case{17813, 192, 137, 0.984}}) {
        CAPTURE(test.seed);
        std::mt19937_64 generator(test.seed);
        std::normal_distribution<double> normal;
        const auto orthogonal = [&](Index size) -> Matrix {
            Matrix gaussian(size, size);
            for (double& entry : gaussian.reshaped<Eigen::RowMajor>()) {
                entry = normal(generator);
            }
            return test::orthonormal_basis(gaussian);
        };
        const Matrix left = orthogonal(test.rows);
        const Matrix right = orthogonal(test.cols);
        Vector values(test.cols);
        for (Index i = 0; i < test.cols; ++i) {
            values(i) = std::pow(test.ratio, static_cast<double>(i));
        }
        const Matrix matrix = left.leftCols(test.cols) * values.asDiagonal() * right.transpose();
        const SpectralNorm norm = deflated(matrix);
        CHECK(norm.spectral.relative_width().to_double() <= 1e-8);
        CHECK(intersect(norm.spectral, factorised(matrix).spectral));
    }
}

TEST_CASE("the exponent may be that of any entry, near the largest one or not [S7]") {
    Vector values = Vector::LinSpaced(256, 0.0, 0.5);
    values = (values.array() * 256.0).round() / 256.0;
    values(17) = 1.0;
    const Matrix matrix = with_singular_values(values);
    const int exponent = *largest_exponent(matrix);
    for (const int below : {0, 3, 15, 19, 25, 60, 99}) {
        CAPTURE(below);
        const SpectralNorm norm = norm_by_deflation(matrix, exponent - below);
        CHECK(norm.method == NormMethod::deflation);
        CHECK(encloses(norm, 1.0));
        CHECK(norm.spectral.relative_width().to_double() <= 1e-11);
    }
    CHECK(form_crude_gram(SmallerSide(matrix, exponent - 15)));
    CHECK_FALSE(form_crude_gram(SmallerSide(matrix, exponent - 25)));
}

TEST_CASE("rows that are looked at for the exponent may say nothing about the others") {
    // 256 rows, of which each sixteenth is looked at.
    const Matrix matrix = with_singular_values(Vector::LinSpaced(256, 0.0, 255.0));
    CHECK(encloses(spectral_norm(matrix), 255.0));
    Matrix hidden = Matrix::Zero(256, 256);
    hidden(137, 20) = 3.0;
    CHECK_FALSE(exponent_of_some(hidden));
    CHECK(encloses(spectral_norm(hidden), 3.0));
    for (const double size : {0x1p10, 0x1p19, 0x1p30, 0x1p200}) {
        CAPTURE(size);
        Matrix outlier = Matrix::Identity(256, 256);
        outlier(137, 137) = size;
        CHECK(exponent_of_some(outlier) == 1);
        CHECK(encloses(spectral_norm(outlier), size));
        CHECK(encloses(spectral_norm(outlier.topRows(200)), size));
    }
    for (const double bad :
         {std::numeric_limits<double>::quiet_NaN(), -std::numeric_limits<double>::infinity()}) {
        for (const Index row : {16, 137}) {
            Matrix broken = matrix;
            broken(row, 20) = bad;
            CHECK_THROWS_AS(static_cast<void>(spectral_norm(broken)), Error);
        }
    }
    CHECK_FALSE(exponent_of_some(Matrix(0, 5)));
    CHECK_FALSE(exponent_of_some(Matrix(5, 0)));
}

TEST_CASE("the error of the float32 Gram matrix is its formula [S7]") {
    const mpq_class unit = test::two_to(-23);
    const auto exact_gamma32 = [&unit](long k) -> mpq_class { return k * unit / (1 - k * unit); };
    const mpq_class eta = test::two_to(-126);
    const mpq_class largest = test::two_to(21);
    const auto is_formula = [&](Index inner, Index size, long half_of_roundings) {
        const mpq_class relative = exact_gamma32(half_of_roundings) * test::two_to(-90);
        return test::is_rounded_up(crude_gram_error(inner, size, Upper::power_of_two(-90)),
                                   relative + largest * 16 * inner * size * eta);
    };
    CHECK(is_formula(1, 7, (1 + 1 + 1 + 2 + 1) / 2));
    CHECK(is_formula(300, 7, (64 + 5 + 1 + 2) / 2));
    CHECK(is_formula(768, 768, (64 + 8 + 2 + 2) / 2));
    CHECK(is_formula(100000, 1024, (64 + 8 + 8 + 25 + 2 + 1) / 2));
    CHECK(is_formula(100000, 1025, (64 + 8 + 196 + 2) / 2));
    CHECK(
        test::is_rounded_up(crude_gram_error(100000, 9, Upper()), largest * 16 * 100000 * 9 * eta));
}

TEST_CASE("the float32 Gram matrix is as near as it says, with entries that float32 loses") {
    test::Random random(0x52);
    for (const Index rows : {40, 300, 2100}) {
        Matrix matrix = random.gaussian(rows, 40) / 8.0;
        matrix.col(3) *= 0x1p-80;
        const int exponent = *largest_exponent(matrix);
        const SmallerSide side(matrix, exponent);
        const CrudeGram gram = *form_crude_gram(side);
        const Matrix scaled = matrix * std::ldexp(1.0, -exponent);
        const Matrix exact = scaled.transpose() * scaled;
        const Matrix seen = gram.lower.cast<double>();
        double distance = 0.0;
        for (Index i = 0; i < 40; ++i) {
            for (Index j = 0; j <= i; ++j) {
                distance += (i == j ? 1.0 : 2.0) * std::pow(seen(i, j) - exact(i, j), 2);
            }
        }
        CHECK(std::sqrt(distance) <= gram.error.to_double());
        CHECK(gram.error.to_double() <= 2e-4 * exact.trace());
        CHECK(gram.frobenius.to_double() >= exact.norm());
        CHECK(gram.sum_of_squares.lower().to_double() <= exact.trace() * (1 + 1e-13));
        CHECK(gram.sum_of_squares.upper().to_double() >= exact.trace() * (1 - 1e-13));
    }
}

TEST_CASE("the Cholesky errors of float32 are those of float64 with another unit [S2] [S8]") {
    const Upper three = Upper::exact(3.0);
    const Upper bound =
        cholesky_error_from_trace(100, three, Upper::exact(2.0), Precision::float32);
    CHECK(bound >= gamma((tiled_cholesky_roundings(100) + 11) / 2, Precision::float32) * three);
    CHECK(bound <=
          gamma((tiled_cholesky_roundings(100) + 11) / 2, Precision::float32) * Upper::exact(3.1));
    // Of the identity, |L| (|L|^T 1) is 1.
    const Upper after = cholesky_error_from_row_sums(Eigen::VectorXf::Ones(50), Upper::exact(1.0));
    CHECK(after >= gamma((tiled_cholesky_roundings(50) + 11) / 2, Precision::float32));
    CHECK(after <=
          gamma((tiled_cholesky_roundings(50) + 11) / 2, Precision::float32) * Upper::exact(1.001));
}

TEST_CASE("a level that float32 certifies lies above the spectrum, even by its rounding [S8]") {
    test::Random random(0x53);
    for (std::size_t trial = 0; trial < test::repetitions(20); ++trial) {
        const Index n = static_cast<Index>(random.integer(2, 60));
        const Matrix half = random.gaussian(n, n);
        const FloatMatrix symmetric = (half * half.transpose()).cast<float>();
        const double top = test::eigenvalues(symmetric.cast<double>())(n - 1);
        for (const double factor : {0.9, 1.0 - 1e-7, 1.0 + 1e-7, 1.0 + 1e-6, 1.01, 3.0}) {
            FloatMatrix copy = symmetric;
            const Upper bound = certify_crude_level(copy, static_cast<float>(factor * top));
            CHECK(bound.to_double() >= top * (1.0 - 1e-12));
            if (factor == 3.0) {
                CHECK(bound.to_double() <= 3.0 * top * (1.0 + 1e-3));
            }
        }
        CHECK(frobenius_of_symmetric(symmetric).to_double() >=
              symmetric.cast<double>().norm() * (1.0 - 1e-12));
        CHECK(frobenius_of_symmetric(symmetric).to_double() <=
              symmetric.cast<double>().norm() * (1.0 + 1e-6));
    }
}

TEST_CASE("the rest of a spectrum counts every error that it is built from [S8]") {
    const Index n = 40;
    Vector v = Vector::Unit(n, 0);
    const auto rest_of = [&](const Upper& error, const Upper& frobenius, const Vector& direction) {
        CrudeGram gram;
        gram.lower = FloatMatrix::Zero(n, n);
        gram.lower.diagonal().setConstant(0.25F);
        gram.lower(0, 0) = 1.0F;
        gram.error = error;
        gram.frobenius = frobenius;
        return bound_of_rest(gram, direction, Vector::Ones(1), 0.25, 1000.0).to_double();
    };
    const double plain = rest_of(Upper(), Upper(), v);
    CHECK(plain >= 0.25);
    CHECK(plain <= 0.25 * std::sqrt(40.0) + 1e-5);  // |B|_F is below the ceiling
    CHECK(rest_of(Upper::exact(0.5), Upper(), v) >= plain + 0.5);
    // gamma32_{j+1} |F|_F with j = 1.
    CHECK(rest_of(Upper(), Upper::of_count(1000), v) >= plain + 1000.0 * 2.0 * 0x1p-23);
    CHECK(rest_of(Upper(), Upper::of_count(1000), v) <= plain + 1000.0 * 2.1 * 0x1p-23);
    // |M - V|_F of a direction that float32 does not hold: squared, and |M|_F^2 in the rounding.
    v(1) = 1000.0 / 3.0;
    CHECK(rest_of(Upper(), Upper(), v) >= 2.0 * 0x1p-23 * v.squaredNorm());
}

TEST_CASE("the rest is certified by a factorisation where its Frobenius norm says too little") {
    const Index n = 200;
    CrudeGram gram;
    gram.lower = FloatMatrix::Zero(n, n);
    gram.lower.diagonal().setConstant(0.25F);
    gram.lower(0, 0) = 1.0F;
    const Upper rest = bound_of_rest(gram, Vector::Unit(n, 0), Vector::Ones(1), 0.25, 0.98);
    CHECK(rest.to_double() >= 0.25);
    CHECK(rest.to_double() <= 0.98);
    CrudeGram hopeless;
    hopeless.lower = FloatMatrix::Zero(n, n);
    hopeless.lower.diagonal().setConstant(0.99F);
    CHECK_FALSE(
        bound_of_rest(hopeless, Vector::Unit(n, 0), Vector::Ones(1), 0.99, 0.98).to_double() <
        0.99 * std::sqrt(199.0));
}

TEST_CASE("each error of a projection raises the level that it proves [S9]") {
    const Vector h = (Vector(3) << 1.0, 0.95, 0.3).finished();
    const double beta = 0.5;
    CHECK(relative_rise(exact_projection(h), beta) <= 1e-13);
    CHECK(relative_rise(exact_projection(h), beta) > 0.0);
    const auto risen = [&](const std::function<void(Projection&)>& change) {
        Projection p = exact_projection(h);
        change(p);
        return relative_rise(p, beta);
    };
    const double e = 1e-6;
    // tau S: the level itself times the error of S.
    CHECK(risen([&](Projection& p) { p.s_error(0, 0) = e; }) >= e);
    CHECK(risen([&](Projection& p) { p.s_error(0, 0) = e; }) <= 1.4 * e);
    CHECK(risen([&](Projection& p) { p.h_error(0, 0) = e; }) >= e);
    CHECK(risen([&](Projection& p) { p.h_error(0, 0) = e; }) <= 1.4 * e);
    // Between the two top directions, which count in full.
    CHECK(risen([&](Projection& p) { p.h_error(0, 1) = p.h_error(1, 0) = e; }) >= e);
    // A direction far below the top may carry a thousand times the error.
    CHECK(risen([&](Projection& p) { p.h_error(0, 2) = p.h_error(2, 0) = e; }) <= 2e-3 * e);
    CHECK(risen([&](Projection& p) { p.h_error(0, 2) = p.h_error(2, 0) = e; }) >= 0x1p-10 * e);
    // R^T R <= 2 fl(R)^T fl(R) + 2 e^2 I, over tau - beta = 1/2.
    CHECK(risen([&](Projection& p) { p.c(0, 0) = e; }) >= 2.0 * e / 0.5001);
    CHECK(risen([&](Projection& p) { p.c(0, 0) = e; }) <= 1.4 * 2.0 * e / 0.5);
    CHECK(risen([&](Projection& p) { p.c_error(0, 0) = e; }) >= 2.0 * e / 0.5001);
    CHECK(risen([&](Projection& p) { p.residual_error = 1e-3; }) >= 2e-6 / 0.5001);
    CHECK(risen([&](Projection& p) { p.residual_error = 1e-3; }) <= 1.4 * 2e-6 / 0.5);
    // A direction below the top that is as uncertain as it is far from the top.
    CHECK(risen([&](Projection& p) { p.h_error(2, 2) = 0.8; }) >= 0.1);
}

TEST_CASE("a rest that reaches the top proves nothing [S9]") {
    const Projection p = exact_projection(Vector::Ones(1));
    CHECK(lowest_level(p, 0.9) <= 1.0 + 1e-12);
    CHECK(lowest_level(p, 1.0 + 1e-9) > 1.0 + 1e-9);
    CHECK_FALSE(std::isfinite(lowest_level(p, 2.0)));
    CHECK_FALSE(std::isfinite(lowest_level(p, std::numeric_limits<double>::infinity())));
}

TEST_CASE("the errors of a projection are its formulas [S9]") {
    test::Random random(0x54);
    const Matrix matrix = random.gaussian(1500, 130) / 8.0;
    const int exponent = *largest_exponent(matrix);
    const SmallerSide side(matrix, exponent);
    const Matrix directions = random.gaussian(130, 3) / std::sqrt(130.0);
    const SmallerSide::ImagePair pair = side.images(directions);
    const Images images{directions, pair.y, pair.z};
    const double frobenius = (matrix * std::ldexp(1.0, -exponent)).norm() * (1.0 + 1e-12);
    const Projection p = project(side, images, frobenius);
    const double u = 0x1p-52;
    const Vector v = images.v.colwise().norm();
    const Vector y = images.y.colwise().norm();
    const Matrix residual = images.z - images.v * p.h;
    const Vector r = residual.colwise().norm();
    const Vector e = (130.0 + 1.0) * u * frobenius * v;
    const auto near = [](double bound, double formula) {
        return bound >= formula * (1.0 - 1e-9) && bound <= formula * 1.001;
    };
    for (Index i = 0; i < 3; ++i) {
        for (Index j = 0; j < 3; ++j) {
            CHECK(near(p.s_error(i, j), 130.0 * u * v(i) * v(j)));
            CHECK(near(p.h_error(i, j),
                       1500.0 * u * y(i) * y(j) + e(i) * y(j) + y(i) * e(j) + e(i) * e(j)));
            CHECK(near(p.c_error(i, j), 130.0 * u * r(i) * r(j)));
        }
    }
    CHECK(near(p.residual_error,
               1500.0 * u * frobenius * y.norm() + frobenius * e.norm() +
                   5.0 * u * (v.norm() * p.h.norm() + r.norm())));
    // And they hold: the small matrices against long double.
    using Long = Eigen::Matrix<long double, Eigen::Dynamic, Eigen::Dynamic>;
    const Long w = (matrix * std::ldexp(1.0, -exponent)).cast<long double>();
    const Long lv = images.v.cast<long double>();
    const Long ly = w * lv;
    const Long h = ly.transpose() * ly;
    CHECK(
        ((p.h.cast<long double>() - h).cwiseAbs().array() <= p.h_error.cast<long double>().array())
            .all());
    const Long lr = w.transpose() * ly - lv * p.h.cast<long double>();
    CHECK(static_cast<double>((lr - residual.cast<long double>()).norm()) <= p.residual_error);
}

TEST_CASE("both images of directions are products with the matrix, whatever its shape and units") {
    test::Random random(0x56);
    using Shape = std::pair<Index, Index>;
    for (const Shape& shape : {Shape(1, 1),
                               Shape(5, 3),
                               Shape(129, 20),
                               Shape(20, 1100),
                               Shape(2100, 30),
                               Shape(1100, 1050)}) {
        const Matrix matrix = std::ldexp(1.0, 70) * random.gaussian(shape.first, shape.second);
        const SmallerSide side(matrix, *largest_exponent(matrix));
        CAPTURE(side.inner());
        CAPTURE(side.size());
        const Matrix stored = matrix * std::ldexp(1.0, -side.exponent());
        const Matrix w = matrix.rows() < matrix.cols() ? Matrix(stored.transpose()) : stored;
        const Matrix v = random.gaussian(side.size(), 3);
        const SmallerSide::ImagePair pair = side.images(v);
        CHECK((pair.y - w.lazyProduct(v)).norm() <= 1e-13 * w.norm() * v.norm());
        CHECK((pair.z - w.transpose().lazyProduct(pair.y)).norm() <=
              1e-13 * w.norm() * pair.y.norm());
    }
}

TEST_CASE("a float32 Gram matrix that is not that of the matrix is refused") {
    test::Random random(0x55);
    const Matrix matrix = random.gaussian(200, 140);
    const SmallerSide side(matrix, *largest_exponent(matrix));
    CrudeGram gram = *form_crude_gram(side);
    const Vector x = Vector::Ones(140);
    const Vector expected = side.images(x).z;
    CHECK_NOTHROW(require_crude_gram(gram, side, x, expected));
    gram.lower(120, 7) += 0.3F * gram.lower(7, 7);
    CHECK_THROWS(require_crude_gram(gram, side, x, expected));
    gram.lower(120, 7) = std::numeric_limits<float>::quiet_NaN();
    CHECK_THROWS(require_crude_gram(gram, side, x, expected));
}
