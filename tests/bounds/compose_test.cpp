#include "lipcert/bounds/compose.hpp"

#include "lipcert/error.hpp"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "support/probe.hpp"
#include "support/random.hpp"
#include <doctest/doctest.h>

namespace lipcert::test {

namespace {

Mlp random_mlp(GraphBuilder& builder, Random& random, Eigen::Index width, double gain = 1.0) {
    Mlp mlp;
    mlp.in =
        builder.linear(random.gaussian(2 * width, width, gain), random.gaussian_vector(2 * width));
    mlp.out = builder.linear(random.gaussian(width, 2 * width, gain));
    mlp.activation = Activation::gelu_erf;
    return mlp;
}

GatedMlp random_gated_mlp(GraphBuilder& builder, Random& random, Eigen::Index width) {
    GatedMlp mlp;
    mlp.gate = builder.linear(random.gaussian(2 * width, width));
    mlp.up = builder.linear(random.gaussian(2 * width, width));
    mlp.down = builder.linear(random.gaussian(width, 2 * width));
    return mlp;
}

/// Everything compose proves of `modules` holds against the search, on ball and domain.
void check_sound(GraphBuilder& builder,
                 const std::vector<Module>& modules,
                 Probe probe,
                 Random& random) {
    const NetworkBounds bounds = proved(builder, modules, probe);
    CHECK(reached(builder, modules, probe, random) <= bounds.max_activation.to_double());
    if (bounds.domain.everything) {
        probe.radius = std::numeric_limits<double>::infinity();
    }
    const double ratio = witnessed(builder, modules, probe, random);
    CHECK(ratio <= bounds.blocks_l2.upper.to_double());
}

}  // namespace

TEST_CASE("the bound on activations covers nested residuals and those behind the last layer") {
    const Probe probe;
    GraphBuilder builder;
    const auto gain = [&](double factor) {
        return Module{builder.linear(factor * Matrix::Identity(4, 4))};
    };
    Residual inner;
    inner.body = {gain(1000.0)};
    Residual outer;
    outer.skip_scale = Interval::exact(0.0);
    outer.body = {Module{inner}, gain(0.0009765625)};
    CHECK(proved(builder, {Module{outer}}, probe).max_activation >= Upper::exact(1001.0));

    Architecture architecture = probed_architecture(builder, {gain(1.0)}, probe);
    architecture.head = {Module{inner}, gain(0.0009765625)};
    const NetworkBounds bounds = compose(architecture, builder.checkpoint(), {});
    CHECK(bounds.max_activation >= Upper::exact(1001.0));
    CHECK(bounds.max_activation <= Upper::exact(1001.1));
}

TEST_CASE("a model without normalisation is bounded on the ball, a pre-norm model everywhere") {
    Random random(701);
    const Probe probe;
    GraphBuilder builder;
    const Attention attention = random_attention(builder, random, {});
    const Normalisation norm = builder.norm(NormKind::rms, 1e-3);
    const GatedMlp gated = random_gated_mlp(builder, random, 4);
    const auto everywhere = [&](const std::vector<Module>& modules) {
        return proved(builder, modules, probe).domain.everything;
    };
    CHECK_FALSE(everywhere({{residual({{attention}})}}));
    CHECK(everywhere({{residual({{norm}, {attention}})}}));
    CHECK(everywhere({{residual({{norm}, {attention}})}, {residual({{norm}, {gated}})}}));
    CHECK_FALSE(everywhere({{residual({{norm}, {attention}})}, {residual({{gated}})}}));
    // An MLP has a constant on all of R^d; what it returns is unbounded all the same.
    CHECK(everywhere({{residual({{random_mlp(builder, random, 4)}})}}));
    CHECK(everywhere({{norm}, {random_mlp(builder, random, 4)}, {residual({{gated}})}, {gated}}));
    CHECK(everywhere({{residual({{norm}}, 0.0)}, {gated}}));
    CHECK_FALSE(everywhere({{residual({{norm}})}, {gated}}));
    CHECK(everywhere({{SoftCap{Interval::exact(2.0)}}, {attention}}));
    CHECK_FALSE(everywhere({{Parallel{{{{norm}, {attention}}, {{gated}}}}}}));
    CHECK(everywhere({{Parallel{{{{norm}, {attention}}, {{norm}, {gated}}}}}}));
}

TEST_CASE("blocks of every arrangement stay within their composed bounds [R4] [R5] [R14]") {
    Random random(702);
    for (std::size_t i = 0; i < repetitions(6); ++i) {
        CAPTURE(i);
        GraphBuilder builder;
        Probe probe;
        probe.radius = std::exp(random.uniform(-1.0, 1.0));
        AttentionShape shape;
        shape.bias_gain = 0.3;
        shape.rotary = i % 2 == 0 ? Rotary::none : Rotary::half_split;
        const auto norm = [&] {
            return builder.norm(i % 2 == 0 ? NormKind::layer : NormKind::rms,
                                1e-2,
                                random.gaussian_vector(4),
                                random.gaussian_vector(4));
        };
        const auto attention = [&] { return random_attention(builder, random, shape); };
        const auto mlp = [&] { return random_mlp(builder, random, 4); };
        const auto gated = [&] { return random_gated_mlp(builder, random, 4); };

        SUBCASE("pre-norm") {
            check_sound(builder,
                        {{residual({{norm()}, {attention()}})}, {residual({{norm()}, {gated()}})}},
                        probe,
                        random);
        }
        SUBCASE("post-norm") {
            check_sound(
                builder,
                {{norm()}, {residual({{attention()}})}, {norm()}, {residual({{mlp()}})}, {norm()}},
                probe,
                random);
        }
        SUBCASE("no norm, scaled") {
            check_sound(builder,
                        {{residual({{attention()}}, 0.5, 0.5)}, {residual({{mlp()}}, -0.5, 1.5)}},
                        probe,
                        random);
        }
        SUBCASE("parallel branches that share a norm") {
            check_sound(builder,
                        {{residual({{norm()}, {Parallel{{{{attention()}}, {{mlp()}}}}}})}},
                        probe,
                        random);
        }
        SUBCASE("parallel branches with a norm each") {
            check_sound(
                builder,
                {{residual({{Parallel{{{{norm()}, {attention()}}, {{norm()}, {gated()}}}}}})}},
                probe,
                random);
        }
        SUBCASE("norms on both sides of the branch") {
            check_sound(builder,
                        {{residual({{norm()}, {attention()}, {norm()}})},
                         {residual({{norm()}, {gated()}, {norm()}})}},
                        probe,
                        random);
        }
        SUBCASE("a norm read by the identity, by a cap and by a norm") {
            check_sound(builder,
                        {{norm()},
                         {Parallel{{{}, {{mlp()}}}}},
                         {norm()},
                         {SoftCap{Interval::exact(0.7)}},
                         {norm()},
                         {norm()},
                         {Scale{Interval::exact(-2.0)}}},
                        probe,
                        random);
        }
        SUBCASE("a projection on the skip path and a change of width") {
            Residual widened = residual({{norm()}, {builder.linear(random.gaussian(6, 4))}}, 0.5);
            widened.projection = builder.linear(random.gaussian(6, 4), random.gaussian_vector(6));
            check_sound(
                builder, {{widened}, {builder.linear(random.gaussian(3, 6))}}, probe, random);
        }
    }
}

TEST_CASE("a residual adds its parts, and is exact where they agree [R5]") {
    GraphBuilder builder;
    const LinearMap twice = builder.linear(2.0 * Matrix::Identity(4, 4));
    const Probe probe;
    const auto block = [&](double skip, double branch) {
        return proved(builder, {{residual({{twice}}, skip, branch)}}, probe)
            .layers[0]
            .blocks[0]
            .lipschitz.to_double();
    };
    CHECK(block(1.0, 1.0) == doctest::Approx(3.0).epsilon(1e-8));
    CHECK(block(-0.5, 0.25) == doctest::Approx(1.0).epsilon(1e-8));  // |skip|, not 1
    CHECK(block(0.0, 1.0) == doctest::Approx(2.0).epsilon(1e-8));
}

TEST_CASE("the ball holds every token at every position [R3]") {
    GraphBuilder builder;
    Matrix table(2, 2);
    table << 3.0, 4.0, 0.0, 1.0;
    Matrix positions(2, 2);
    positions << 0.3, 0.4, 0.0, 0.1;
    Architecture architecture = one_layer({});
    architecture.embedding.weight = builder.store(table);
    const auto radius = [&] {
        return compose(architecture, builder.checkpoint(), {}).domain.radius.to_double();
    };
    CHECK(radius() == doctest::Approx(5.0).epsilon(1e-5));
    architecture.embedding.positions = builder.store(positions);
    CHECK(radius() >= 5.5);  // tokens and positions may point the same way
    CHECK(radius() <= 5.5 * (1 + 1e-5));
    architecture.embedding.scale = Interval::exact(-2.0);
    CHECK(radius() == doctest::Approx(10.5).epsilon(1e-5));
    architecture.embedding.max_row_norm = Interval::exact(1.5);
    CHECK(radius() == doctest::Approx(3.5).epsilon(1e-5));
}

TEST_CASE("blocks that add nothing cost nothing") {
    Random random(703);
    GraphBuilder builder;
    Attention silent = random_attention(builder, random, {});
    silent.output = builder.linear(Matrix::Zero(4, 4));
    Attention deaf = random_attention(builder, random, {});
    deaf.query = deaf.key = deaf.value = deaf.output = silent.output;
    Mlp empty;
    empty.in = builder.linear(random.gaussian(8, 4));
    empty.out = builder.linear(Matrix::Zero(4, 8));
    const NetworkBounds bounds =
        proved(builder, {{residual({{silent}})}, {residual({{deaf}})}, {residual({{empty}})}}, {});
    CHECK(bounds.blocks_l2.upper.to_double() <= 1.0 + 1e-12);
    CHECK(bounds.max_activation.to_double() <= bounds.domain.radius.to_double() * (1 + 1e-12));
}

TEST_CASE("one token, one head, width one and a head width above the stream's are in order") {
    Random random(704);
    GraphBuilder builder;
    AttentionShape shape;
    shape.width = 1;
    shape.head_width = 4;
    shape.heads = shape.key_value_heads = 1;
    Probe probe;
    probe.width = 1;
    probe.tokens = 1;
    const std::vector<Module> modules = {{residual({{random_attention(builder, random, shape)}})},
                                         {residual({{random_mlp(builder, random, 1)}})}};
    check_sound(builder, modules, probe, random);
}

TEST_CASE("weights of 2^1000 and of 2^-1000 are ordinary weights") {
    Random random(705);
    for (const double scale : {0x1p1000, 0x1p-1000}) {
        CAPTURE(scale);
        GraphBuilder builder;
        AttentionShape shape;
        shape.rotary = Rotary::half_split;
        Attention attention = random_attention(builder, random, shape);
        attention.query = builder.linear(random.gaussian(4, 4, scale), random.gaussian_vector(4));
        attention.key = builder.linear(random.gaussian(4, 4, scale), random.gaussian_vector(4));
        attention.output = builder.linear(random.gaussian(4, 4, scale));
        Mlp mlp = random_mlp(builder, random, 4, scale);
        const NetworkBounds bounds =
            proved(builder, {{residual({{attention}})}, {residual({{mlp}})}}, {});
        CHECK(bounds.blocks_l2.upper.is_finite());
        CHECK(bounds.max_activation.is_finite());
        const double log10_upper = bounds.blocks_l2.upper.log10();
        if (scale > 1.0) {
            // tau R^2 |Wq||Wk||P| ~ 2^3000, |W2||W1| ~ 2^2000
            CHECK(log10_upper > 1500.0);
            CHECK(log10_upper < 1512.0);
        } else {
            CHECK(log10_upper < 1e-9);
        }
    }
}

TEST_CASE("an epsilon of 1e-12 gives a large and finite bound") {
    Random random(706);
    GraphBuilder builder;
    const Normalisation norm = builder.norm(NormKind::layer, 1e-12);
    const std::vector<Module> modules = {
        {residual({{norm}, {random_attention(builder, random, {})}})}};
    const NetworkBounds bounds = proved(builder, modules, {});
    CHECK(bounds.domain.everything);
    CHECK(bounds.blocks_l2.upper.log10() > 6.0);
    CHECK(bounds.blocks_l2.upper.log10() < 9.0);
}

TEST_CASE("every block reports its rules and its radii, and cumulative bounds grow along layers") {
    Random random(707);
    GraphBuilder builder;
    const Normalisation norm = builder.norm(NormKind::rms, 1e-2);
    const NetworkBounds bounds =
        proved(builder,
               {{residual({{norm}, {random_attention(builder, random, {})}})},
                {residual({{norm}, {random_gated_mlp(builder, random, 4)}})}},
               {});
    const std::vector<BlockBound>& blocks = bounds.layers.at(0).blocks;
    REQUIRE(blocks.size() == 2);
    CHECK(blocks[0].kind == "attention");
    CHECK(blocks[0].rule.substr(0, 7) == "R14 R19");
    CHECK(blocks[1].kind == "gated mlp");
    CHECK(blocks[1].rule == "R14 R13 R39");
    CHECK(blocks[0].radius_in == bounds.domain.radius);
    CHECK(blocks[0].radius_out == blocks[1].radius_in);
    CHECK(bounds.layers[0].cumulative == bounds.blocks_l2.upper);
    CHECK(bounds.layers[0].cumulative <= blocks[0].lipschitz * blocks[1].lipschitz);
    CHECK(bounds.output_dimension == 4);
}

TEST_CASE("what has no proof is refused with the place and the reason") {
    Random random(708);
    const auto refusal = [](GraphBuilder& builder, const std::vector<Module>& modules) {
        try {
            (void)proved(builder, modules, {});
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::architecture);
            return error.where() + ": " + error.what();
        }
        return std::string("accepted");
    };
    GraphBuilder builder;
    Attention attention = random_attention(builder, random, {});
    attention.heads = 3;
    CHECK(refusal(builder, {{attention}}).find("layer 0 attention: ") == 0);
    attention.heads = 2;
    attention.output = builder.linear(random.gaussian(4, 3));
    CHECK(refusal(builder, {{attention}}).find("output map") != std::string::npos);
    CHECK(refusal(builder, {{builder.norm(NormKind::rms, 0.0)}}).find("epsilon") !=
          std::string::npos);
    CHECK(refusal(builder, {{builder.linear(random.gaussian(2, 3))}}).find("width") ==
          std::string::npos);
    CHECK(refusal(builder, {{SoftCap{Interval::exact(0.0)}}}).find("soft-cap") !=
          std::string::npos);
    LinearMap missing;
    missing.weight = "nowhere";
    CHECK(refusal(builder, {{missing}}).find("'nowhere'") != std::string::npos);
    CHECK(
        refusal(builder, {{residual({{builder.linear(random.gaussian(2, 4))}})}}).find("width 2") !=
        std::string::npos);
}

}  // namespace lipcert::test
