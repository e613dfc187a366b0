// What bounds of several heads share, and what is left out because it cannot be the least.
#include "bounds/attention_heads.hpp"

#include "lipcert/bounds/compose.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "bounds/behind_norm.hpp"
#include "bounds/head_weights.hpp"
#include "bounds/weighted_blocks.hpp"
#include "support/decompositions.hpp"
#include "support/probe.hpp"
#include "support/random.hpp"
#include <doctest/doctest.h>

namespace lipcert::test {

namespace {

std::vector<MatrixBall> random_blocks(Random& random, std::size_t heads, Eigen::Index rows) {
    std::vector<MatrixBall> blocks;
    for (std::size_t h = 0; h < heads; ++h) {
        blocks.push_back(
            MatrixBall::of(random.gaussian(rows, 3, std::exp(random.uniform(-2.0, 2.0)))));
    }
    return blocks;
}

std::vector<double> random_roots(Random& random, std::size_t heads) {
    std::vector<double> roots;
    for (std::size_t h = 0; h < heads; ++h) {
        roots.push_back(std::exp(random.uniform(-8.0, 8.0)));
    }
    return roots;
}

Matrix stacked(const std::vector<MatrixBall>& blocks, const std::vector<double>& roots) {
    Matrix all(blocks.front().rows(), 0);
    for (std::size_t h = 0; h < blocks.size(); ++h) {
        Matrix wider(all.rows(), all.cols() + blocks[h].cols());
        wider << all,
            std::ldexp(roots[h], static_cast<int>(blocks[h].exponent())) * blocks[h].centre();
        all = wider;
    }
    return all;
}

}  // namespace

TEST_CASE("norms of weighted blocks hold for the very roots, and are no more than rounded [R20]") {
    Random random(601);
    for (std::size_t i = 0; i < repetitions(30); ++i) {
        CAPTURE(i);
        const std::size_t heads = random.integer(1, 5);
        const WeightedBlocks blocks(random_blocks(random, heads, 7));
        const std::vector<double> roots = random_roots(random, heads);
        const double exact = largest_singular_value(stacked(blocks.blocks(), roots));
        const double bound = blocks.norm(roots).to_double();
        CHECK(bound >= exact * (1.0 - 1e-14));
        CHECK(bound <= exact * (1.0 + 1e-8));
        CHECK(blocks.pair_norm(roots).to_double() >= bound * (1.0 - 1e-8));
        CHECK(blocks.pair_norm(roots).to_double() <= bound * std::sqrt(2.0) * (1.0 + 1e-8));
        // Weights of another scale or order are others.
        std::vector<double> larger = roots;
        larger.back() *= 1.0 + 1e-9;
        larger.front() *= 2.0;
        const double of_larger = largest_singular_value(stacked(blocks.blocks(), larger));
        CHECK(blocks.norm(larger).to_double() >= of_larger * (1.0 - 1e-14));
    }
}

TEST_CASE("roots that differ by their own roundings share a norm, also between copies") {
    Random random(602);
    const WeightedBlocks blocks(random_blocks(random, 3, 5));
    const std::vector<WeightedBlocks> copies(2, blocks);
    const std::vector<double> roots = {0.3, 1.0 / 3.0, 0.7};
    std::vector<double> next = roots;
    for (double& root : next) {
        root = std::nextafter(root, 1.0);
    }
    CHECK(copies[0].norm(roots) == copies[1].norm(next));
    // A root of 40 bits stays what it is, and zero does.
    const std::vector<double> powers = {0.5, 0.0, 0x1p-100};
    CHECK(blocks.norm(powers) == weighted_norm(blocks.blocks(), powers));
    const std::vector<double> above = {std::nextafter(0.5, 1.0), 0.0, 0x1p-100};
    CHECK(weighted_norm(blocks.blocks(), above) <= blocks.norm(above));
}

TEST_CASE("a look at a head sum keeps away from searches that would find nothing [R20]") {
    Random random(603);
    std::size_t seen = 0;
    for (std::size_t i = 0; i < repetitions(60); ++i) {
        CAPTURE(i);
        const std::size_t heads = random.integer(2, 5);
        const WeightedBlocks blocks(random_blocks(random, heads, 6));
        std::vector<Upper> gains;
        std::vector<Upper> norms;
        for (std::size_t h = 0; h < heads; ++h) {
            gains.push_back(Upper::exact(std::exp(random.uniform(-2.0, 2.0))));
            norms.push_back(spectral_norm(blocks.blocks()[h]).upper());
        }
        const HeadWeights start = weights_for(gains, norms);
        const HeadWeights found = optimised_weights(
            {.outputs = blocks.blocks(), .gains = gains, .effort = Effort::max}, start);
        const Upper least = blocks.norm(found.roots) * weighted_gain(gains, found);
        const HeadWeights any = weights_of_roots(random_roots(random, heads));
        for (const HeadWeights& weights : {start, found, any}) {
            // No look may speak against what a search does find.
            CHECK_FALSE(head_sum_seems_above(least, blocks.blocks(), gains, weights));
        }
        const Upper half = least * Upper::exact(0.5);
        seen += head_sum_seems_above(half, blocks.blocks(), gains, found) ? 1U : 0U;
    }
    CHECK(seen > repetitions(60) / 2);  // or it would never spare one
    const std::vector<Upper> ones(2, Upper::exact(1.0));
    const std::vector<MatrixBall> zeros(2, MatrixBall::zero(3, 2));
    const HeadWeights weights = weights_for(ones, ones);
    CHECK_FALSE(head_sum_seems_above(Upper::exact(1.0), zeros, ones, weights));
    CHECK_FALSE(head_sum_seems_above(Upper(), zeros, ones, weights));
    CHECK_FALSE(head_sum_seems_above(Upper::infinity(), zeros, ones, weights));
}

TEST_CASE("what is left out behind a normalisation would not have been the least [R22] [R39]") {
    // With a sequence length both parts are bounded in full, for the Frobenius norm.
    Random random(604);
    for (std::size_t i = 0; i < repetitions(24); ++i) {
        CAPTURE(i);
        GraphBuilder builder;
        AttentionShape shape;
        shape.width = 8;
        shape.heads = shape.key_value_heads = random.integer(2, 4);
        shape.bias_gain = i % 3 == 0 ? 1.0 : 0.0;
        shape.weight_gain = std::exp(random.uniform(-2.0, 2.0));
        shape.rotary = i % 2 == 0 ? Rotary::none : Rotary::half_split;
        const double epsilon = std::exp(random.uniform(-12.0, 2.0));
        Probe probe;
        probe.width = 8;
        probe.radius = std::exp(random.uniform(-2.0, 4.0));
        const std::vector<Module> modules = {{residual(
            {{builder.norm(NormKind::rms, epsilon)}, {random_attention(builder, random, shape)}},
            0.0)}};
        const Architecture architecture = probed_architecture(builder, modules, probe);
        ComposeOptions options;
        const Upper lean = compose(architecture, builder.checkpoint(), options).blocks_l2.upper;
        options.sequence_length = 4;
        const Upper full = compose(architecture, builder.checkpoint(), options).blocks_l2.upper;
        CHECK(full <= lean);
        CHECK(lean.to_double() <= full.to_double() * (1.0 + 1e-4));
    }
}

}  // namespace lipcert::test
