// phi(t) = max(0, t)^2 has constants on a ball only, unit by unit [R44].
#include "lipcert/bounds/compose.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "support/probe.hpp"
#include "support/random.hpp"
#include <doctest/doctest.h>

namespace lipcert::test {

namespace {

using Eigen::Index;

Mlp squared(LinearMap in, LinearMap out) {
    Mlp mlp;
    mlp.in = std::move(in);
    mlp.out = std::move(out);
    mlp.activation = Activation::relu_squared;
    return mlp;
}

Probe on_line(double radius) {
    Probe probe;
    probe.width = 1;
    probe.radius = radius;
    return probe;
}

BlockBound block_of(GraphBuilder& builder,
                    const Module& module,
                    const Probe& probe,
                    Effort effort = Effort::standard) {
    ComposeOptions options;
    options.effort = effort;
    const Architecture architecture = probed_architecture(builder, {module}, probe);
    return compose(architecture, builder.checkpoint(), options).layers[0].blocks[0];
}

/// What the rules `rule` give; 0 where they were not tried.
double value_of(const BlockBound& block, const std::string& rule) {
    for (const RuleValue& value : block.alternatives) {
        if (value.rule == rule) {
            return value.upper.to_double();
        }
    }
    return 0.0;
}

/// On the line, a little above `at`.
double slope_at(const GraphBuilder& builder, const Module& module, double at) {
    return quotient(builder.model({module}), Matrix{{at}}, Matrix{{1.0}}, 1e-6);
}

}  // namespace

TEST_CASE("no input moves a squared relu, or takes it, further than its bounds [R44]") {
    Random random(441);
    double best = 0.0;
    double farthest = 0.0;
    for (std::size_t i = 0; i < repetitions(80); ++i) {
        CAPTURE(i);
        Probe probe;
        probe.width = static_cast<Index>(random.integer(1, 4));
        probe.radius = std::exp(random.uniform(-2.0, 2.0));
        probe.tokens = 1;
        const auto units = static_cast<Index>(random.integer(1, 6));
        GraphBuilder builder;
        Matrix in = random.gaussian(units, probe.width, std::exp(random.uniform(-1.0, 1.0)));
        for (Index k = 0; k < units; ++k) {
            in.row(k) *= std::exp(random.uniform(-1.5, 1.5));
        }
        Vector bias = Vector::Zero(units);
        if (i % 2 == 0) {
            bias = random.gaussian_vector(units, probe.radius * in.norm());
        }
        Mlp mlp = squared(builder.linear(in, bias),
                          builder.linear(random.gaussian(probe.width, units),
                                         random.gaussian_vector(probe.width)));
        mlp.activation_scale = Interval::exact(random.uniform(-2.0, 2.0));
        const double skip = i % 3 == 0 ? 0.0 : random.uniform(-2.0, 2.0);
        const Module module{residual({{mlp}}, skip, random.uniform(-2.0, 2.0))};
        const BlockBound block =
            block_of(builder, module, probe, i % 5 == 0 ? Effort::fast : Effort::standard);
        const double ratio = witnessed(builder, {module}, probe, random);
        const double reach = reached(builder, {module}, probe, random);
        CHECK(ratio <= block.lipschitz.to_double());
        CHECK(reach <= block.radius_out.to_double());
        best = std::max(best, ratio / block.lipschitz.to_double());
        farthest = std::max(farthest, reach / block.radius_out.to_double());
    }
    CHECK(best > 0.9);
    CHECK(farthest > 0.9);
}

TEST_CASE("the sign of a bias counts in the largest slope of a unit [R44]") {
    for (const double bias : {0.0, 1.5, -1.5}) {
        CAPTURE(bias);
        GraphBuilder builder;
        const Module mlp{squared(builder.linear(Matrix{{2.0}}, Vector::Constant(1, bias)),
                                 builder.linear(Matrix{{1.0}}))};
        const BlockBound block = block_of(builder, mlp, on_line(3.0));
        const double exact = 2.0 * (2.0 * 3.0 + bias) * 2.0;
        CHECK(block.lipschitz.to_double() >= exact);
        CHECK(block.lipschitz.to_double() <= exact * (1.0 + 1e-5));
        CHECK(slope_at(builder, mlp, 2.99999) > 0.9999 * exact);
        CHECK(block.radius_out.to_double() >= std::pow(6.0 + bias, 2));
        CHECK(block.rule.find("R44") != std::string::npos);
    }
}

TEST_CASE("a unit that no input of the ball wakes counts nothing [R44]") {
    GraphBuilder builder;
    const Module block{residual({{squared(builder.linear(Matrix{{1.0}}, Vector::Constant(1, -3.1)),
                                          builder.linear(Matrix{{50.0}}))}})};
    const BlockBound bound = block_of(builder, block, on_line(3.0));
    CHECK(bound.lipschitz.to_double() <= 1.0 + 1e-9);
    CHECK(bound.radius_out.to_double() <= 3.0 * (1.0 + 1e-5));
}

TEST_CASE("outside of its ball a squared relu exceeds the constant, as none holds for all [R44]") {
    GraphBuilder builder;
    const Module mlp{squared(builder.linear(Matrix{{1.0}}), builder.linear(Matrix{{1.0}}))};
    const NetworkBounds bounds = proved(builder, {mlp}, on_line(3.0));
    CHECK_FALSE(bounds.domain.everything);
    CHECK(slope_at(builder, mlp, 6.0) > 1.9 * bounds.blocks_l2.upper.to_double());
    const Module norm{builder.norm(NormKind::rms, 0.01)};
    CHECK(proved(builder, {norm, mlp}, on_line(3.0)).domain.everything);
}

TEST_CASE("units of uneven size have slopes of their own [R44] [R10]") {
    // Sizes that cancel: the largest argument of all units would give 100 times as much.
    GraphBuilder builder;
    const Matrix in{{1.0, 0.0}, {0.0, 100.0}};
    const Matrix out{{1.0, 0.0}, {0.0, 1e-4}};
    const Module mlp{squared(builder.linear(in), builder.linear(out))};
    Probe probe;
    probe.width = 2;
    const BlockBound block = block_of(builder, mlp, probe);
    CHECK(block.lipschitz.to_double() >= 2.0);
    CHECK(block.lipschitz.to_double() <= 2.0 * (1.0 + 1e-4));
}

TEST_CASE("beside a skip path the multiplier wins, alone Schur's product may [R44] [R10] [R13]") {
    Random random(442);
    std::size_t jointly = 0;
    std::size_t entrywise = 0;
    for (int i = 0; i < 5; ++i) {
        GraphBuilder builder;
        const Module skipped{residual({{squared(builder.linear(random.gaussian(12, 4, 0.5)),
                                                builder.linear(random.gaussian(4, 12, 0.5)))}})};
        const BlockBound joint = block_of(builder, skipped, Probe());
        CHECK(value_of(joint, "R10 R44") < 0.95 * value_of(joint, "R7 R44"));
        jointly += joint.rule == "R10 R44" ? 1U : 0U;
        CHECK(value_of(block_of(builder, skipped, Probe(), Effort::fast), "R13 R44") == 0.0);
        // Rows of length one in all directions, read along their top direction: squares of their
        // products are far smaller than the products.
        Matrix in = random.gaussian(24, 8);
        in.rowwise().normalize();
        Vector top = Vector::Ones(8);
        for (int step = 0; step < 50; ++step) {
            top = (in.transpose() * (in * top)).normalized();
        }
        const Module alone{
            squared(builder.linear(in), builder.linear(Matrix((in * top).transpose())))};
        entrywise += block_of(builder, alone, Probe{.width = 8}).rule == "R13 R44" ? 1U : 0U;
    }
    CHECK(jointly > 0);
    CHECK(entrywise > 0);
}

TEST_CASE("a squared relu and its normalisation do not peak together [R44] [R39]") {
    GraphBuilder builder;
    const std::vector<Module> body = {
        Module{builder.norm(NormKind::rms, 0.01)},
        Module{squared(builder.linear(Matrix{{1.0, 0.0}}), builder.linear(Matrix{{0.0}, {1.0}}))}};
    const Module block{residual(body, 0.0)};
    Probe probe;
    probe.width = 2;
    const BlockBound bound = block_of(builder, block, probe);
    // z1^2 with |z| = sqrt(2 rho): along p the slope of z is (1 - rho)^(3/2) 10. Across p it would
    // be sqrt(1 - rho) 10, which the bound assumes: 2 sqrt(2) 10 / 2.
    CHECK(bound.rule.find("R39") != std::string::npos);
    CHECK(bound.lipschitz.to_double() <= 10.0 * std::sqrt(2.0) * (1.0 + 1e-6));
    const ForwardModel model = builder.model({block});
    double steepest = 0.0;
    for (const double angle : {0.0, 0.3, 0.8, 1.3}) {
        for (double length = 0.02; length < 1.0; length *= 1.2) {
            const Matrix at{{length * std::cos(angle), length * std::sin(angle)}};
            for (double turn = 0.0; turn < 3.1; turn += 0.3) {
                const Matrix direction{{std::cos(turn), std::sin(turn)}};
                steepest = std::max(steepest, quotient(model, at, direction, 1e-6));
            }
        }
    }
    CHECK(steepest <= bound.lipschitz.to_double());
    CHECK(steepest >= 0.5 * bound.lipschitz.to_double());
    // A bias keeps it steep where the stream is short.
    std::vector<Module> biased = body;
    biased[1] = Module{squared(builder.linear(Matrix{{1.0, 0.0}}, Vector::Constant(1, 1.0)),
                               builder.linear(Matrix{{0.0}, {1.0}}))};
    const BlockBound with_bias = block_of(builder, Module{residual(biased, 0.0)}, probe);
    CHECK(with_bias.rule.find("R39") == std::string::npos);
}

TEST_CASE("a squared relu alone, or as a gate, is bounded on its ball [R44] [R13]") {
    Random random(443);
    GraphBuilder builder;
    const BlockBound alone =
        block_of(builder, Module{Elementwise{Activation::relu_squared}}, on_line(3.0));
    CHECK(alone.rule == "R44");
    CHECK(alone.lipschitz.to_double() == doctest::Approx(6.0).epsilon(1e-5));
    CHECK(alone.radius_out.to_double() == doctest::Approx(9.0).epsilon(1e-5));
    // relu2(x) x = x^3 on x > 0: slope 3 R^2, radius R^3.
    GatedMlp cube;
    cube.gate = cube.up = cube.down = builder.linear(Matrix{{1.0}});
    cube.activation = Activation::relu_squared;
    const BlockBound gated = block_of(builder, Module{cube}, on_line(3.0));
    CHECK(gated.lipschitz.to_double() >= 27.0);
    CHECK(gated.lipschitz.to_double() <= 27.0 * (1.0 + 1e-4));
    CHECK(gated.radius_out.to_double() == doctest::Approx(27.0).epsilon(1e-4));
    CHECK(slope_at(builder, Module{cube}, 2.9999) > 26.99);
}

TEST_CASE("blocks that follow each other know the slopes of a squared relu [R44] [R30]") {
    // 1/2 x + relu2(x)/4 after x/2: on |x| <= 2 it reads |x| <= 1.
    GraphBuilder builder;
    const Module square{squared(builder.linear(Matrix{{1.0}}), builder.linear(Matrix{{1.0}}))};
    const std::vector<Module> modules = {Module{residual({square}, 0.5, 0.0)},
                                         Module{residual({square}, 0.5, 0.25)}};
    const NetworkBounds bounds = proved(builder, modules, on_line(2.0));
    const double exact = 0.5 * (0.5 + 0.25 * 2.0);
    CHECK(bounds.blocks_l2.upper.to_double() >= exact);
    CHECK(bounds.blocks_l2.upper.to_double() <= exact * (1.0 + 1e-4));
    CHECK(quotient(builder.model(modules), Matrix{{1.9999}}, Matrix{{1.0}}, 1e-6) > 0.999 * exact);
}

}  // namespace lipcert::test
