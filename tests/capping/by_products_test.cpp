// The hard cap without singular vectors, and the bound on the least change that goes with it,
// against decompositions.
#include "lipcert/capping/cap_matrix.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "capping/least_change.hpp"
#include "norms/gram.hpp"
#include "norms/scaling.hpp"
#include "support/decompositions.hpp"
#include "support/random.hpp"
#include <doctest/doctest.h>

using namespace lipcert;
using namespace lipcert::test;
using Eigen::Index;

namespace {

/// U diag(values) V^T with random U and V.
struct Known {
    Known(Vector singular_values, Index rows, Random& random) : values(std::move(singular_values)) {
        const Index n = values.size();
        left = orthonormal_basis(random.gaussian(rows, n));
        right = orthonormal_basis(random.gaussian(n, n));
        matrix = with(values);
    }

    [[nodiscard]] Matrix with(const Vector& others) const {
        return left * others.asDiagonal() * right.transpose();
    }

    Vector values;
    Matrix left, right;
    Matrix matrix;
};

double least_change(const Vector& values, double limit) {
    return (values.array() - limit).max(0.0).matrix().norm();
}

Enclosure trace(const capping::ExcessWeights& weights, const Matrix& x) {
    const int exponent = largest_exponent(x).value_or(0);
    const Gram gram = form_gram(TallPanels::of_smaller_side(x, exponent));
    return weights.trace_with(gram, exponent);
}

/// `rounding` >= |fl(A - Y) - (A - Y)|_F.
Lower bound(const Matrix& a, const Matrix& y, const Matrix& b, double limit, double rounding) {
    const capping::ExcessWeights weights(b.cast<float>());
    const Upper change = sqrt(trace(weights, a - y).upper());
    return weights.least_change({trace(weights, a).lower(),
                                 trace(weights, y).lower(),
                                 square(change + weights.image_of(Upper::exact(rounding)))},
                                Upper::exact(limit));
}

}  // namespace

TEST_CASE("[K5] no change is less than the bound says, which the best one attains") {
    Random random(0xb1);
    const Index n = 40;
    Vector values = Vector::LinSpaced(n, 3.0, 0.0);
    values.segment(5, 6).setConstant(2.5);
    const Known known(values, 57, random);
    for (const double limit : {0.5, 1.0, 2.0, 2.9}) {
        CAPTURE(limit);
        const double least = least_change(values, limit);
        const Vector excess = (values.array() - limit).max(0.0).matrix();
        const Matrix best = known.with(values - excess);
        const Matrix root = excess.cwiseSqrt().asDiagonal() * known.right.transpose();
        for (const bool is_wide : {false, true}) {
            CAPTURE(is_wide);
            const auto turned = [&](const Matrix& m) {
                return is_wide ? Matrix(m.transpose()) : m;
            };
            const Matrix a = turned(known.matrix);
            const double attained =
                bound(a, turned(0.999999999 * best), root, limit, 1e-13).to_double();
            CHECK(attained <= least);
            CHECK(attained >= 0.9999 * least);
            // Whatever Y within the limit and whatever B.
            for (const Matrix& y : {Matrix(0.99 * best),
                                    Matrix(0.99 * limit / 3.0 * known.matrix),
                                    Matrix(-0.5 * best),
                                    Matrix(Matrix::Zero(57, n))}) {
                for (const Matrix& b : {root,
                                        random.gaussian(n, n),
                                        random.gaussian(3, n),
                                        Matrix(1e-20 * root),
                                        Matrix(Matrix::Zero(n, n))}) {
                    CHECK(bound(a, turned(y), b, limit, 1e-13).to_double() <= least);
                }
            }
            // A matrix beyond the limit in place of Y would prove too much.
            CHECK(bound(a, a, root, limit, 1e-13).to_double() > 1.01 * least);
        }
    }
}

TEST_CASE("[K5] a trace is never taken for negative where B meets nothing of the matrix") {
    Random random(0xb4);
    for (int run = 0; run < 40; ++run) {
        const auto n = static_cast<Index>(random.integer(2, 40));
        // Of few bits, so that B is taken as it is.
        const Vector v =
            random.gaussian(n, 1).col(0).unaryExpr([](double x) { return x < 0.0 ? -1.0 : 1.0; });
        const Matrix b = v * v.transpose();
        const Matrix a =
            random.gaussian(n + 3, n) * (Matrix::Identity(n, n) - b / static_cast<double>(n));
        const Enclosure none = trace(capping::ExcessWeights(b.cast<float>()), a);
        CHECK(none.lower().is_zero());
        // Nothing is proved of what nobody looked at.
        capping::ExcessWeights::Traces traces;
        traces.of_matrix = Lower::exact(1e3);
        traces.of_capped = Lower::exact(1e3);
        CHECK(capping::ExcessWeights(b.cast<float>())
                  .least_change(traces, Upper::exact(1.0))
                  .is_zero());
        CHECK(none.upper().to_double() <= 1e-8 * a.squaredNorm() * b.squaredNorm());
    }
}

TEST_CASE("a flat spectrum just above the limit is capped") {
    const Index n = 692;
    Matrix flat = Matrix::Zero(n, n);
    flat.diagonal().head(n / 2).setOnes();
    const double limit = 1.0 - 1e-10;
    const CapResult result =
        cap_matrix(flat,
                   spectral_norm(flat),
                   CapRequest{CapMethod::hard_cap, limit, 0.1, false, DataType::float32});
    REQUIRE(result.values.has_value());
    const Matrix y = result.values->values();
    CHECK(std::sqrt(eigenvalues(y.transpose() * y).maxCoeff()) <= limit);
    CHECK((flat - y).norm() <= 1e-4 * flat.norm());
}

TEST_CASE("[K5] is as sharp for tiny and for enormous numbers") {
    Random random(0xb2);
    const Index n = 24;
    const Vector values = Vector::LinSpaced(n, 3.0, 0.0);
    const Known known(values, 30, random);
    const Vector excess = (values.array() - 1.0).max(0.0).matrix();
    const Matrix root = excess.cwiseSqrt().asDiagonal() * known.right.transpose();
    for (const double scale : {1e-120, 1e-30, 1e30, 1e120}) {
        CAPTURE(scale);
        const Matrix a = scale * known.matrix;
        const Matrix y = scale * 0.999999999 * known.with(values - excess);
        const Lower least = bound(a, y, 1e-5 * root, scale, scale * 1e-13);
        CHECK(least.to_double() <= scale * excess.norm());
        CHECK(least.to_double() >= 0.9999 * scale * excess.norm());
    }
}

TEST_CASE("many singular values above a limit are capped without their vectors") {
    Random random(0xb3);
    const Index n = 520;
    Vector values = Vector::LinSpaced(n, 2.0, 0.0);
    values.head(5).setConstant(2.0);
    values.segment(300, 9).setConstant(0.9);
    const Known known(values, 545, random);
    for (const DataType type : {DataType::float32, DataType::bfloat16}) {
        for (const bool is_wide : {false, true}) {
            CAPTURE(is_wide);
            const Matrix exact = is_wide ? Matrix(known.matrix.transpose()) : known.matrix;
            const Matrix matrix = StoredValues::rounded(type, exact).values();
            const SpectralNorm norm = spectral_norm(matrix);
            for (const double limit : {0.7, 1.1, 1.6}) {
                CAPTURE(limit);
                const CapRequest request{CapMethod::hard_cap, limit, 0.1, false, type};
                const CapResult result = cap_matrix(matrix, norm, request);
                REQUIRE(result.values.has_value());
                const Matrix y = result.values->values();
                const Matrix gram = is_wide ? Matrix(y * y.transpose()) : Matrix(y.transpose() * y);
                const double top = std::sqrt(eigenvalues(gram).maxCoeff());
                CHECK(result.within_limit);
                CHECK(top <= limit);
                CHECK(top >= 0.98 * limit);
                CHECK(result.after.spectral.upper().to_double() >= top * (1.0 - 1e-12));
                CHECK(result.after.spectral.lower().to_double() <= top * (1.0 + 1e-12));
                const double least = least_change(values, limit);
                const double change = (matrix - y).norm();
                const double room = type == DataType::float32 ? 1e-5 : 0.02;
                REQUIRE(result.change_over_least.has_value());
                CHECK(result.change_over_least->to_double() >= change / least - room);
                if (type == DataType::float32) {
                    CHECK(change <= 1.0005 * least);
                    CHECK(result.change_over_least->to_double() <= 1.02);
                    CHECK(result.moved ==
                          static_cast<std::size_t>((values.array() > limit).count()));
                    CHECK(result.relative_spectral_change.to_double() ==
                          doctest::Approx((2.0 - limit) / 2.0).epsilon(2e-3));
                }
                const CapResult again = cap_matrix(y, spectral_norm(y), request);
                CHECK_FALSE(again.values.has_value());
            }
        }
    }
}
