#include "lipcert/bounds/head_sum.hpp"

#include "lipcert/bounds/attention.hpp"
#include "lipcert/bounds/rules.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "bounds/head_weights.hpp"
#include "support/decompositions.hpp"
#include "support/random.hpp"
#include <doctest/doctest.h>

namespace lipcert::test {

namespace {

/// sup over u of sum_h gains_h |P_h^T u|, from below: the fixed point of its gradient.
double attained_head_sum(const std::vector<Matrix>& blocks,
                         const std::vector<double>& gains,
                         Random& random) {
    double best = 0.0;
    for (int start = 0; start < 4; ++start) {
        Vector u = random.gaussian_vector(blocks[0].rows()).normalized();
        for (int step = 0; step < 60; ++step) {
            Vector gradient = Vector::Zero(u.size());
            double value = 0.0;
            for (std::size_t h = 0; h < blocks.size(); ++h) {
                const Vector part = blocks[h].transpose() * u;
                value += gains[h] * part.norm();
                gradient += gains[h] / (part.norm() + 1e-300) * (blocks[h] * part);
            }
            best = std::max(best, value);
            u = gradient.normalized();
        }
    }
    return best;
}

}  // namespace

TEST_CASE("a weighted head sum is at least the exact one, for any gains and weights [R20]") {
    Random random(321);
    double best = 0.0;
    for (std::size_t i = 0; i < repetitions(60); ++i) {
        CAPTURE(i);
        const std::size_t heads = random.integer(1, 5);
        std::vector<Matrix> blocks;
        HeadSum values;
        std::vector<double> gains;
        std::vector<Upper> upper_gains;
        std::vector<Upper> weight_gains;
        for (std::size_t h = 0; h < heads; ++h) {
            blocks.push_back(random.gaussian(5, 2, std::exp(random.uniform(-2.0, 2.0))));
            values.blocks.push_back(MatrixBall::of(blocks.back()));
            values.norms.push_back(spectral_norm(values.blocks.back()).upper());
            gains.push_back(std::exp(random.uniform(-3.0, 3.0)));
            upper_gains.push_back(Upper::exact(gains.back()));
            weight_gains.push_back(Upper::exact(std::exp(random.uniform(-3.0, 3.0))));
        }
        const double attained = attained_head_sum(blocks, gains, random);
        const auto bound = [&](const HeadWeights& weights) {
            return (weighted_norm(values.blocks, weights.roots) *
                    weighted_gain(upper_gains, weights))
                .to_double();
        };
        const double chosen = bound(weights_for(upper_gains, values.norms));
        const double plain = plain_sum(values.norms, upper_gains).to_double();
        CHECK(attained <= chosen);
        CHECK(attained <= bound(weights_for(weight_gains, values.norms)));
        CHECK(chosen <= plain * (1 + 1e-7));  // c = f/|P| is never worse than the sum
        best = std::max(best, attained / chosen);
    }
    CHECK(best > 0.95);
}

TEST_CASE("weights of heads stay positive, and their inverses are rounded up [R20]") {
    const std::vector<Upper> gains = {
        Upper(), Upper::exact(1.0), Upper::power_of_two(4000), Upper::infinity()};
    const std::vector<Upper> norms = {
        Upper::exact(1.0), Upper(), Upper::power_of_two(-3000), Upper::exact(1.0)};
    const HeadWeights weights = weights_for(gains, norms);
    for (std::size_t h = 0; h < gains.size(); ++h) {
        CHECK(weights.roots[h] > 0.0);
        CHECK(weights.roots[h] <= 1.0);
        CHECK(std::fma(weights.roots[h], weights.inverse_roots[h], -1.0) >= 0.0);
        CHECK(weights.inverse_roots[h] <= (1 + 1e-15) / weights.roots[h]);
    }
    CHECK(weights.roots[2] == 1.0);
    CHECK(weights_for({}, {}).roots.empty());
}

TEST_CASE("bounds from thin factors equal the formulas written out in full [R19] [R20] [R21]") {
    Random random(322);
    for (std::size_t i = 0; i < repetitions(20); ++i) {
        CAPTURE(i);
        const Eigen::Index d = 6;
        const Eigen::Index k = 3;
        const std::size_t heads = random.integer(2, 4);
        const auto rows = static_cast<Eigen::Index>(heads) * k;
        const Matrix query = random.gaussian(rows, d, 0.5);
        const Matrix key = random.gaussian(rows, d, 0.5);
        const Matrix value = random.gaussian(rows, d, 0.5);
        const Matrix output = random.gaussian(d, rows, 0.5);
        const Vector bias = random.gaussian_vector(rows);
        const double radius = random.uniform(0.2, 3.0);
        const double tau = random.uniform(0.1, 2.0);

        std::vector<double> norms;
        std::vector<double> f;
        std::vector<double> g;
        for (std::size_t h = 0; h < heads; ++h) {
            const Eigen::Index at = static_cast<Eigen::Index>(h) * k;
            const Matrix a = query.middleRows(at, k).transpose() * key.middleRows(at, k);
            const double b = (key.middleRows(at, k).transpose() * bias.segment(at, k)).norm();
            norms.push_back(
                largest_singular_value(output.middleCols(at, k) * value.middleRows(at, k)));
            f.push_back(std::hypot(1.0, tau * radius * (radius * largest_singular_value(a) + b)));
            g.push_back(tau * radius * radius * largest_singular_value(a));
        }
        // The written-out bounds for c = f/|P| (value and key part) and c = g/|P| (query part).
        const auto written_out = [&](const std::vector<double>& gains, bool query_part) {
            Matrix outputs = Matrix::Zero(d, d);
            Matrix scores = Matrix::Zero(d, d);
            double ones = 0.0;
            double biases = 0.0;
            double squares = 0.0;
            double plain = 0.0;
            for (std::size_t h = 0; h < heads; ++h) {
                const Eigen::Index at = static_cast<Eigen::Index>(h) * k;
                const double c = gains[h] / norms[h];
                const Matrix p = output.middleCols(at, k) * value.middleRows(at, k);
                const Matrix a = query.middleRows(at, k).transpose() * key.middleRows(at, k);
                outputs += c * p * p.transpose();
                scores += a * a.transpose() / c;
                ones += 1.0 / c;
                biases +=
                    (key.middleRows(at, k).transpose() * bias.segment(at, k)).squaredNorm() / c;
                squares += gains[h] * gains[h] / c;
                plain += gains[h] * norms[h];
            }
            const double width = std::sqrt(largest_singular_value(outputs));
            const double shared = std::sqrt(largest_singular_value(scores));
            const double r21 =
                query_part ? tau * radius * radius * shared
                           : std::hypot(std::sqrt(ones),
                                        tau * radius * (radius * shared + std::sqrt(biases)));
            return std::min({plain, width * std::sqrt(squares), width * r21});
        };
        AttentionWeights weights;
        weights.query = {MatrixBall::of(query), MatrixBall::of_vector(bias)};
        weights.key = {MatrixBall::of(key), MatrixBall::zero(rows, 1)};
        weights.value = {MatrixBall::of(value), MatrixBall::zero(rows, 1)};
        weights.output = {MatrixBall::of(output), MatrixBall::zero(d, 1)};
        weights.heads = weights.key_value_heads = heads;
        const Upper ball = Upper::exact(radius);
        const AttentionBound bound = attention_bound(
            value_path(weights, ""), score_path(weights, ball, ""), Upper::exact(tau), ball);
        // The implementation also tries each part's weights on the other part: it may be smaller.
        CHECK(bound.value_key.to_double() <= written_out(f, false) * (1 + 1e-7));
        CHECK(bound.query.to_double() <= written_out(g, true) * (1 + 1e-7));
        CHECK(bound.value_key.to_double() >= 0.8 * written_out(f, false));
        CHECK(bound.query.to_double() >= 0.8 * written_out(g, true));
    }
}

TEST_CASE("optimised weights of heads beat c = f/|P| where heads overlap unevenly [R20]") {
    // Two heads write along the same axis, a third alone: the exact head sum is
    // max((f1 + f2) cos + f3 sin) = sqrt(4 + 1), c = f/|P| gives sqrt(2 * 3).
    std::vector<Matrix> blocks(3, Matrix::Zero(2, 1));
    blocks[0](0, 0) = blocks[1](0, 0) = blocks[2](1, 0) = 1.0;
    HeadSum values;
    for (const Matrix& block : blocks) {
        values.blocks.push_back(MatrixBall::of(block));
        values.norms.push_back(Upper::exact(1.0));
    }
    const std::vector<Upper> ones(3, Upper::exact(1.0));
    const auto bound = [&](const HeadWeights& weights) {
        return (weighted_norm(values.blocks, weights.roots) * weighted_gain(ones, weights))
            .to_double();
    };
    const HeadWeights start = weights_for(ones, values.norms);
    CHECK(bound(start) == doctest::Approx(std::sqrt(6.0)).epsilon(1e-7));
    const double optimised = bound(optimised_weights({values.blocks, ones}, start));
    CHECK(optimised >= std::sqrt(5.0));
    CHECK(optimised <= 1.003 * std::sqrt(5.0));
}

TEST_CASE("weights of heads whose blocks or gains are zero, huge or endless are weights [R20]") {
    const std::vector<MatrixBall> blocks = {MatrixBall::of(Matrix::Identity(3, 2)),
                                            MatrixBall::zero(3, 2),
                                            MatrixBall::of(Matrix::Ones(3, 2)).scaled(5000)};
    const std::vector<Upper> ones(3, Upper::exact(1.0));
    const std::vector<Upper> gains = {Upper(), Upper::infinity(), Upper::power_of_two(9000)};
    const HeadWeights start = weights_for(ones, ones);
    for (const std::vector<Upper>& of_keys : {ones, gains, std::vector<Upper>(3)}) {
        const HeadWeights weights =
            optimised_weights({blocks, gains, &blocks, of_keys, gains, Joining::orthogonal}, start);
        for (std::size_t h = 0; h < 3; ++h) {
            CHECK(weights.roots[h] > 0.0);
            CHECK(weights.roots[h] <= 1.0);
            CHECK(std::fma(weights.roots[h], weights.inverse_roots[h], -1.0) >= 0.0);
        }
    }
    CHECK(optimised_weights({{}, {}}, HeadWeights()).roots.empty());
}

TEST_CASE("a random attention of the shape of GPT-2 small is bounded by 78 [R21]") {
    // Weights of deviation .02 behind a normalisation: |x| <= sqrt(768). Full-matrix norms give
    // 989, the plain sum over heads 432.
    Random random(323);
    const Eigen::Index width = 768;
    const auto map = [&] {
        return AffineMap{MatrixBall::of(random.gaussian(width, width, 0.02)),
                         MatrixBall::zero(width, 1)};
    };
    AttentionWeights weights;
    weights.query = map();
    weights.key = map();
    weights.value = map();
    weights.output = map();
    weights.heads = weights.key_value_heads = 12;
    const Upper radius = sqrt(Upper::of_count(768));
    const AttentionBound bound = attention_bound(
        value_path(weights, ""), score_path(weights, radius, ""), Upper::exact(0.125), radius);
    CHECK(bound.lipschitz().to_double() <= 78.0);
    CHECK(bound.lipschitz().to_double() >= 60.0);
}

TEST_CASE("the share of what only scores move is enough, and not much more [R24]") {
    Random random(326);
    for (const Joining joining : {Joining::orthogonal, Joining::skewed, Joining::parallel}) {
        const auto join = [&](double a, double b) {
            return joined(Upper::exact(a), Upper::exact(b), joining).to_double();
        };
        double best = 0.0;
        for (int i = 0; i < 300; ++i) {
            const double most = std::exp(random.uniform(-5.0, 5.0));
            const double key = i % 2 == 0 ? most : most * random.uniform(0.0, 1.0);
            const double a = i % 3 == 0 ? 0.0 : std::exp(random.uniform(-5.0, 5.0));
            const double b = std::exp(random.uniform(-5.0, 5.0));
            const double share = share_beside_values(Upper::exact(most), joining).to_double();
            CHECK(share <= 1.0);
            const double left = join(a, key * std::hypot(a, b));
            const double right = join(1.0, key) * std::hypot(a, share * b);
            CHECK(left <= right * (1.0 + 1e-12));
            best = std::max(best, left / right);
        }
        CHECK(best >= (joining == Joining::orthogonal ? 1.0 - 1e-9 : 0.9));
    }
    CHECK(share_beside_values(Upper(), Joining::parallel).is_zero());
    CHECK(share_beside_values(Upper::infinity(), Joining::skewed) == Upper::exact(1.0));
}

TEST_CASE("rules are named once, in the order of first mention") {
    CHECK(joined_rules({"R14 R19", "", "R19 R21", "R7"}) == "R14 R19 R21 R7");
    CHECK(joined_rules({}).empty());
}

}  // namespace lipcert::test
