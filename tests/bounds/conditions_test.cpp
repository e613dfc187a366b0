#include "lipcert/bounds/conditions.hpp"

#include "lipcert/bounds/compose.hpp"
#include "lipcert/bounds/normalisation.hpp"
#include "lipcert/error.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <variant>
#include <vector>

#include "support/probe.hpp"
#include "support/random.hpp"
#include "support/witness.hpp"
#include <doctest/doctest.h>

namespace lipcert::test {

namespace {

using Eigen::Index;

/// The least root mean square of a token of `stream` that `norm` divides by.
double least_rms(const Normalisation& norm, const Matrix& stream) {
    Matrix centred = stream;
    if (norm.kind == NormKind::layer) {
        centred.colwise() -= stream.rowwise().mean().eval();
    }
    return std::sqrt(centred.rowwise().squaredNorm().minCoeff() /
                     static_cast<double>(stream.cols()));
}

/// Residual blocks that begin with a normalisation: RMS at each of them for one input.
std::vector<double> rms_at_norms(const ForwardModel& model, Matrix stream) {
    std::vector<double> result;
    for (const Module& module : model.architecture().layers.front().modules) {
        const auto& body = std::get<Residual>(module.kind).body;
        result.push_back(least_rms(std::get<Normalisation>(body.front().kind), stream));
        stream = model.apply(module, stream);
    }
    return result;
}

MinimumRms at_least(double rms) {
    return {rms, Lower::exact(rms)};
}

/// Attention alone, behind an RMS norm.
Architecture behind_norm(GraphBuilder& builder, const Attention& attention) {
    const Normalisation norm = builder.norm(NormKind::rms, 1e-8);
    const std::vector<Module> modules = {{residual({{norm}, {attention}}, 0.0)}};
    return probed_architecture(builder, modules, Probe{});
}

/// Its bounds for tokens whose RMS is at least 1 at that norm.
NetworkBounds on_long_tokens(GraphBuilder& builder, const Architecture& architecture) {
    Conditions conditions;
    conditions.minimum_rms[named_points(architecture).normalisations.front().first] = at_least(1.0);
    ComposeOptions options;
    options.conditions = &conditions;
    return compose(architecture, builder.checkpoint(), options);
}

/// The conditions that both inputs meet, a rounding error aside.
Conditions met_by(const ForwardModel& model, const Matrix& first, const Matrix& second) {
    const NamedPoints points = named_points(model.architecture());
    const std::vector<double> one = rms_at_norms(model, first);
    const std::vector<double> other = rms_at_norms(model, second);
    Conditions conditions;
    for (std::size_t k = 0; k < one.size(); ++k) {
        conditions.minimum_rms[points.normalisations.at(k).first] =
            at_least(std::min(one[k], other[k]) * (1.0 - 1e-9));
    }
    return conditions;
}

Module random_gated_mlp(GraphBuilder& builder, Random& random, Index width, bool biased) {
    const auto units = static_cast<Index>(random.integer(1, 6));
    const auto map = [&](Index outputs, Index inputs) {
        const Matrix weight = random.gaussian(outputs, inputs);
        return biased ? builder.linear(weight, random.gaussian_vector(outputs))
                      : builder.linear(weight);
    };
    GatedMlp mlp;
    mlp.gate = map(units, width);
    mlp.up = map(units, width);
    mlp.down = map(width, units);
    const std::vector<Activation> activations = {
        Activation::silu, Activation::relu, Activation::mish, Activation::identity};
    mlp.activation = activations.at(random.integer(0, activations.size() - 1));
    return {mlp};
}

/// norm -> attention and norm -> gated MLP, with skips of any weight.
std::vector<Module> random_blocks(GraphBuilder& builder, Random& random, Index width) {
    std::vector<Module> modules;
    const std::size_t count = random.integer(1, 3);
    for (std::size_t k = 0; k < count; ++k) {
        const Normalisation norm =
            builder.norm(random.integer(0, 1) == 0 ? NormKind::layer : NormKind::rms,
                         std::pow(10.0, random.uniform(-6.0, 0.0)),
                         random.gaussian_vector(width));
        Module body;
        if (random.integer(0, 1) == 0) {
            AttentionShape shape;
            shape.width = width;
            shape.heads = shape.key_value_heads = random.integer(1, 3);
            shape.rotary = random.integer(0, 1) == 0 ? Rotary::none : Rotary::half_split;
            shape.bias_gain = random.integer(0, 1) == 0 ? 0.0 : 0.5;
            shape.weight_gain = std::pow(10.0, random.uniform(-1.0, 0.5));
            Attention attention = random_attention(builder, random, shape);
            attention.squared_distance = shape.rotary == Rotary::none && random.integer(0, 1) == 0;
            body = {attention};
        } else {
            body = random_gated_mlp(builder, random, width, random.integer(0, 2) == 0);
        }
        modules.push_back({residual({{norm}, body}, random.uniform(0.0, 1.0))});
    }
    return modules;
}

double conditional_bound(const GraphBuilder& builder,
                         const Architecture& architecture,
                         const Conditions& conditions) {
    ComposeOptions options;
    options.conditions = &conditions;
    return compose(architecture, builder.checkpoint(), options).blocks_l2.upper.to_double();
}

}  // namespace

TEST_CASE("no pair that meets conditions refutes their bound [R15] [R37] [R40]") {
    Random random(951);
    double closest = 0.0;
    for (std::size_t i = 0; i < repetitions(150); ++i) {
        CAPTURE(i);
        Probe probe;
        probe.width = static_cast<Index>(random.integer(2, 5));
        GraphBuilder builder;
        const std::vector<Module> modules = random_blocks(builder, random, probe.width);
        const Architecture architecture = probed_architecture(builder, modules, probe);
        const ForwardModel model(architecture, builder.checkpoint());
        SearchOptions search;
        search.tokens = static_cast<Index>(random.integer(1, 3));
        search.dimension = probe.width;
        const StreamFunction function =
            StreamFunction::of([&](const auto& stream) { return model.blocks(stream); });
        const Matrix first =
            std::pow(10.0, random.uniform(-2.0, 1.0)) * random.gaussian(search.tokens, probe.width);
        // The direction in which the model is steepest, and a far partner.
        const Vector worst = largest_gain(jacobian(function, first), search, random).perturbation;
        const Matrix direction = Eigen::Map<
            const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>(
            worst.data(), search.tokens, probe.width);
        const std::vector<Matrix> partners = {first + 1e-6 * direction,
                                              first + 0.3 * direction,
                                              random.gaussian(search.tokens, probe.width)};
        for (const Matrix& second : partners) {
            const double ratio = difference_quotient(function, first, second, search);
            const double bound =
                conditional_bound(builder, architecture, met_by(model, first, second));
            CHECK(ratio <= bound);
            closest = std::max(closest, ratio / bound);
        }
    }
    CHECK(closest > 0.5);
}

TEST_CASE("the slope of a normalisation away from its zero is 1/sqrt(rms^2 + epsilon) [R15]") {
    GraphBuilder builder;
    const Normalisation norm = builder.norm(NormKind::rms, 1e-2);
    const double rms = 0.3;
    const double bound = normalisation_lipschitz(norm.epsilon, Lower::exact(rms), "").to_double();
    CHECK(bound == doctest::Approx(1.0 / std::sqrt(rms * rms + 1e-2)).epsilon(1e-12));
    Matrix at(1, 4);
    at << 2.0 * rms, 0.0, 0.0, 0.0;
    Matrix aside(1, 4);
    aside << 0.0, 1.0, 0.0, 0.0;
    const double ratio = quotient(builder.model({{norm}}), at, aside, 1e-5);
    CHECK(ratio <= bound);
    CHECK(ratio >= 0.9999 * bound);
}

TEST_CASE("a condition on one input of a pair says nothing about the other [R15] [R37]") {
    GraphBuilder builder;
    const Normalisation norm = builder.norm(NormKind::rms, 1e-4);
    const double bound = normalisation_lipschitz(norm.epsilon, Lower::exact(0.1), "").to_double();
    Matrix inside(1, 4);
    inside << 0.2, 0.0, 0.0, 0.0;
    Matrix towards_zero(1, 4);
    towards_zero << -1.0, 0.0, 0.0, 0.0;
    // Its neighbour is the other side of the origin.
    CHECK(quotient(builder.model({{norm}}), inside, towards_zero, 0.21) > bound * 1.1);
}

TEST_CASE("tokens that stay long move at right angles: attention gains up to sqrt(2) [R40]") {
    // One head that asks and answers along one direction only: its two score parts cannot peak
    // together.
    GraphBuilder builder;
    Matrix row = Matrix::Zero(2, 4);
    row(0, 0) = 3.0;
    Attention attention;
    attention.query = builder.linear(row);
    attention.key = builder.linear(row);
    attention.value = builder.linear(Matrix::Identity(2, 4));
    attention.output = builder.linear(Matrix::Identity(4, 2));
    attention.heads = attention.key_value_heads = 1;
    attention.score_scale = Interval::exact(1.0);
    attention.rotary = Rotary::half_split;
    const Architecture architecture = behind_norm(builder, attention);
    const NetworkBounds bounds = on_long_tokens(builder, architecture);
    CHECK(bounds.blocks_l2.rule.find("R40") != std::string::npos);
    CHECK(bounds.domain.conditional);
    // R23 alone: 1 + kk + kq = 1 + 2 * 36 at RMS 1, both parts at once.
    const double bound = bounds.blocks_l2.upper.to_double();
    CHECK(bound >= 1.0 + 36.0 * std::sqrt(2.0));
    CHECK(bound <= (1.0 + 36.0 * std::sqrt(2.0)) * 1.05);
}

TEST_CASE("on a shell too, half of the query part looks away from the values [R40] [R22]") {
    // One head whose values and keys read different entries: u . P A^T dx is zero. It asks and
    // answers along one direction only, so that its two score parts cannot peak together either.
    GraphBuilder builder;
    Matrix first = Matrix::Zero(2, 4);
    first(0, 0) = 3.0;
    Matrix last = Matrix::Zero(2, 4);
    last(0, 2) = last(1, 3) = 1.0;
    Attention attention;
    attention.query = attention.key = builder.linear(first);
    attention.value = builder.linear(last);
    attention.output = builder.linear(Matrix(last.transpose()));
    attention.heads = attention.key_value_heads = 1;
    attention.score_scale = Interval::exact(1.0);
    attention.causal = false;
    const Architecture architecture = behind_norm(builder, attention);
    const NetworkBounds bounds = on_long_tokens(builder, architecture);
    CHECK(bounds.blocks_l2.rule.find("R40") != std::string::npos);
    CHECK(bounds.blocks_l2.rule.find("R22") != std::string::npos);
    // k = 4 * 9 = 36. R40 alone: sqrt(2) sqrt(1 + 36^2) = 50.9; R22 alone: sqrt(1 + 36^2) + 18
    // = 54.
    const double bound = bounds.blocks_l2.upper.to_double();
    CHECK(bound >= (std::sqrt(2.0) + 1.0) / 2.0 * std::hypot(1.0, 36.0));
    CHECK(bound <= 45.0);
    Random random(953);
    const ForwardModel model(architecture, builder.checkpoint());
    double best = 0.0;
    for (int i = 0; i < 200; ++i) {
        Matrix x = random.gaussian(4, 4);
        x.rowwise().normalize();
        x *= 2.0;
        Matrix y = x + random.gaussian(4, 4, 1e-5);
        y.rowwise().normalize();
        y *= 2.0;
        const double moved = (model.blocks(x) - model.blocks(y)).rowwise().norm().maxCoeff();
        best = std::max(best, moved / (x - y).rowwise().norm().maxCoeff());
    }
    CHECK(best <= bound);
    CHECK(best > 0.1);
}

TEST_CASE("on a shell and behind any norm, what a key says of itself counts [R24] [R39] [R40]") {
    // Nobody asks: as dot products these scores would be constant and each bound of the block 1.
    GraphBuilder builder;
    Matrix row = Matrix::Zero(2, 4);
    row(0, 0) = 3.0;
    Attention attention;
    attention.query = builder.linear(Matrix::Zero(2, 4));
    attention.key = builder.linear(row);
    attention.value = attention.output = builder.linear(Matrix::Identity(4, 4));
    attention.heads = attention.key_value_heads = 1;
    attention.score_scale = Interval::exact(1.0);
    attention.causal = false;
    attention.squared_distance = true;
    const double s = 72.0;  // 2 tau d |Wk|^2
    const auto moved = [&](const ForwardModel& model, double along, double across, bool turned) {
        Matrix keys{{along, across, 0.0, 0.0}, {-along, across, 0.0, 0.0}};
        Matrix by{{1.0, 0.0, 0.0, 0.0}, {1.0, 0.0, 0.0, 0.0}};
        if (turned) {
            by << across, -along, 0.0, 0.0, across, along, 0.0, 0.0;
            by.rowwise().normalize();
        }
        return quotient(model, keys, by, 1e-6);
    };
    // Two thirds of the keys' squares lie along the head's axis; they turn.
    const Architecture architecture = behind_norm(builder, attention);
    const NetworkBounds shell = on_long_tokens(builder, architecture);
    const ForwardModel model(architecture, builder.checkpoint());
    const double turned = moved(model, 2.001 * std::sqrt(2.0 / 3.0), 2.001 / std::sqrt(3.0), true);
    CHECK(turned <= shell.blocks_l2.upper.to_double());
    CHECK(turned >= 0.37 * s);
    CHECK(shell.blocks_l2.upper.to_double() <= 1.05 * (s + std::sqrt(2.0)));

    // |z|^2 = 0.4 d, |p|^2 = epsilon d 2/3, along the axis: (0.4 s - 1) 0.6^1.5 / sqrt(epsilon).
    const double epsilon = 0.01;
    const std::vector<Module> modules = {
        {residual({{builder.norm(NormKind::rms, epsilon)}, {attention}}, 0.0)}};
    const BlockBound block = proved(builder, modules, Probe{}).layers[0].blocks[0];
    CHECK(block.rule.find("R39") != std::string::npos);
    const double length = std::sqrt(epsilon * 4.0 * 2.0 / 3.0);
    const double seen = moved(builder.model(modules), length, 0.0, false) * std::sqrt(epsilon);
    CHECK(seen <= block.lipschitz.to_double() * std::sqrt(epsilon));
    CHECK(seen == doctest::Approx((0.4 * s - 1.0) * std::pow(0.6, 1.5)).epsilon(1e-3));
    CHECK(block.lipschitz.to_double() * std::sqrt(epsilon) <= std::hypot(1.0, s) * (1.0 + 1e-4));
}

TEST_CASE("the joint bound of a small ball's normalisation and gated MLP is no half of it [R39]") {
    // z^2 behind z(x) = x/sqrt(x^2 + eps): steepest at x^2 = eps/3, where z = 1/2. A gated MLP
    // without a normalisation makes the domain a ball of just that radius.
    GraphBuilder builder;
    const Matrix one = Matrix::Ones(1, 1);
    GatedMlp square;
    square.gate = square.up = square.down = builder.linear(one);
    square.activation = Activation::identity;
    GatedMlp nothing = square;
    nothing.down = builder.linear(Matrix::Zero(1, 1));
    const Normalisation norm = builder.norm(NormKind::rms, 1.0);
    Probe probe;
    probe.width = 1;
    probe.radius = 1.0 / std::sqrt(3.0);
    const std::vector<Module> modules = {{residual({{nothing}})},
                                         {residual({{norm}, {square}}, 0.0)}};
    const double exact = 9.0 / (8.0 * std::sqrt(3.0));
    const double bound = proved(builder, modules, probe).blocks_l2.upper.to_double();
    CHECK(bound >= exact);
    CHECK(bound <= 1.0 + 1e-6);
}

TEST_CASE("a bound on the tokens that enter a block is used, and its place must exist [R37]") {
    Random random(952);
    GraphBuilder builder;
    AttentionShape shape;
    Probe probe;
    probe.radius = 4.0;
    const std::vector<Module> modules = {{residual({{random_attention(builder, random, shape)}})}};
    const Architecture architecture = probed_architecture(builder, modules, probe);
    const auto bound_for = [&](double norm) {
        Conditions conditions;
        conditions.maximum_norm["layer 0 attention"] = {norm, Upper::exact(norm)};
        ComposeOptions options;
        options.conditions = &conditions;
        return compose(architecture, builder.checkpoint(), options).blocks_l2.upper;
    };
    probe.radius = 1.0;
    const Upper of_small_ball =
        compose(probed_architecture(builder, modules, probe), builder.checkpoint(), {})
            .blocks_l2.upper;
    CHECK(bound_for(1.0).to_double() == doctest::Approx(of_small_ball.to_double()).epsilon(1e-4));
    CHECK(bound_for(1.0) < bound_for(8.0));
    Conditions misnamed;
    misnamed.maximum_norm["layer 1 attention"] = {1.0, Upper::exact(1.0)};
    CHECK_THROWS_WITH_AS(
        (void)resolved(misnamed, architecture), doctest::Contains("layer 0 attention"), Error);
}

TEST_CASE("a bound on what enters a block is about it as it is, gamma applied [R37]") {
    GraphBuilder builder;
    Attention attention;
    Matrix sharp = Matrix::Zero(4, 4);
    sharp(0, 0) = 100.0;
    attention.query = attention.key = builder.linear(sharp);
    attention.value = attention.output = builder.linear(Matrix::Identity(4, 4));
    attention.heads = attention.key_value_heads = 1;
    attention.score_scale = Interval::exact(1.0);
    attention.causal = false;
    const std::vector<Module> modules = {
        {builder.norm(NormKind::rms, 1.0, Vector(Vector::Constant(4, 0.1)))}, {attention}};
    Probe probe;
    probe.width = 4;
    probe.radius = 2.0;
    const Architecture architecture = probed_architecture(builder, modules, probe);
    // Both inputs have |y| <= 0.1415 in front of the attention.
    Matrix first = Matrix::Zero(3, 4);
    first(0, 0) = 2.0;
    first(1, 0) = -2.0;
    first(2, 1) = 1.99;
    Matrix second = first;
    second(2, 0) = 1e-3;
    Conditions conditions;
    conditions.maximum_norm["layer 0 attention"] = {0.2, Upper::exact(0.2)};
    const ForwardModel model(architecture, builder.checkpoint());
    const double moved =
        (model.blocks(first) - model.blocks(second)).rowwise().norm().maxCoeff() / 1e-3;
    CHECK(moved > 9.0);
    CHECK(conditional_bound(builder, architecture, conditions) >= moved);
}

TEST_CASE("places have names of their own, also where tensors are shared or missing [R37]") {
    GraphBuilder builder;
    const Normalisation shared = builder.norm(NormKind::rms, 1e-5, Vector::Ones(4));
    const Normalisation bare = builder.norm(NormKind::rms, 1e-5);
    const LinearMap map = builder.linear(Matrix::Identity(4, 4));
    const Architecture architecture = one_layer({{residual({{shared}, {map}})},
                                                 {residual({{shared}, {map}})},
                                                 {residual({{bare}, {map}})},
                                                 {bare}});
    const NamedPoints points = named_points(architecture);
    REQUIRE(points.normalisations.size() == 4);
    CHECK(points.normalisations[0].first == shared.weight);
    CHECK(points.normalisations[1].first == shared.weight + " #2");
    CHECK(points.normalisations[2].first == "layer 0 linear norm");
    CHECK(points.normalisations[3].first == "layer 0 norm");
    REQUIRE(points.blocks.size() == 4);
    CHECK(points.blocks[0].first == "layer 0 linear");
    CHECK(points.blocks[2].first == "layer 0 linear #3");
}

}  // namespace lipcert::test
