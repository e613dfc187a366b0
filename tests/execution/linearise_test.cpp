// Derivatives, interval arithmetic and float32 against the plain loops of tests/support.
#include "lipcert/execution/linearise.hpp"

#include "lipcert/architecture/description.hpp"
#include "lipcert/error.hpp"
#include "lipcert/execution/transformer.hpp"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "support/activations.hpp"
#include "support/forward.hpp"
#include "support/graph_builder.hpp"
#include "support/model_builder.hpp"
#include "support/probe.hpp"
#include "support/published_models.hpp"
#include "support/random_graph.hpp"
#include "support/witness.hpp"
#include <doctest/doctest.h>

namespace lipcert::test {

namespace {

using LongStream = Stream<long double>;

/// The oracle turns the whole head in halves where the options say nothing else.
void set_angles(std::vector<Module>& modules) {
    for (Module& module : modules) {
        if (auto* attention = std::get_if<Attention>(&module.kind)) {
            attention->rotary_angles =
                attention->rotary == Rotary::none ? std::nullopt : std::optional(RotaryAngles{});
        } else if (auto* residual = std::get_if<Residual>(&module.kind)) {
            set_angles(residual->body);
        } else if (auto* parallel = std::get_if<Parallel>(&module.kind)) {
            for (std::vector<Module>& branch : parallel->branches) {
                set_angles(branch);
            }
        }
    }
}

Architecture drawn_graph(GraphBuilder& builder, Random& random) {
    Architecture architecture = random_graph(builder, random);
    set_angles(architecture.stem);
    for (Layer& layer : architecture.layers) {
        set_angles(layer.modules);
    }
    set_angles(architecture.head);
    return architecture;
}

bool has_unknown_angles(const Architecture& architecture) {
    const auto unknown = [](const auto& self, const std::vector<Module>& modules) -> bool {
        for (const Module& module : modules) {
            if (const auto* attention = std::get_if<Attention>(&module.kind)) {
                if (attention->rotary != Rotary::none && !attention->rotary_angles) {
                    return true;
                }
            } else if (const auto* residual = std::get_if<Residual>(&module.kind)) {
                if (self(self, residual->body)) {
                    return true;
                }
            } else if (const auto* parallel = std::get_if<Parallel>(&module.kind)) {
                for (const std::vector<Module>& branch : parallel->branches) {
                    if (self(self, branch)) {
                        return true;
                    }
                }
            }
        }
        return false;
    };
    return unknown(unknown, architecture.layers.front().modules);
}

/// J dx by central differences of the oracle in extended precision.
Matrix difference(const ForwardModel& oracle, const Matrix& input, const Matrix& direction) {
    const long double step = 1e-6L;
    const LongStream middle = input.cast<long double>();
    const LongStream along = step * direction.cast<long double>();
    const LongStream ahead = oracle.logits<long double>(middle + along);
    const LongStream behind = oracle.logits<long double>(middle - along);
    return ((ahead - behind) / (2.0L * step)).cast<double>();
}

/// <dy, J dx> = <J^T dy, dx> for the product that `push` gives.
void check_adjoint(const Linearisation& at, const Matrix& dx, Random& random) {
    const Matrix pushed = at.push(dx);
    const Matrix dy = random.gaussian(pushed.rows(), pushed.cols());
    const Matrix pulled = at.pull(dy);
    REQUIRE(pulled.rows() == dx.rows());
    REQUIRE(pulled.cols() == dx.cols());
    const double there = dy.cwiseProduct(pushed).sum();
    const double back = pulled.cwiseProduct(dx).sum();
    CHECK(std::abs(there - back) <=
          1e-11 * (dy.norm() * pushed.norm() + pulled.norm() * dx.norm()));
}

/// Four tokens, or four vectors where the model reads such.
Matrix input_of(const Transformer& engine, Random& random) {
    const auto& vectors = engine.architecture().embedding.vectors;
    return vectors ? random.gaussian(4, static_cast<Eigen::Index>(vectors->width))
                   : engine.embed(std::vector<std::size_t>{1, 0, 3, 2});
}

void check_gradients(const Architecture& architecture,
                     const Checkpoint& checkpoint,
                     Random& random,
                     const ForwardOptions& rotation = {}) {
    const Transformer engine(architecture, checkpoint);
    const ForwardModel oracle(architecture, checkpoint, rotation);
    const Matrix input = input_of(engine, random);
    const Linearisation at = linearise_logits(engine, input);
    CHECK((at.value - engine.logits(input)).norm() <= 1e-12 * (1.0 + at.value.norm()));
    const Matrix direction = random.gaussian(input.rows(), input.cols());
    const Matrix seen = difference(oracle, input, direction);
    CHECK((at.push(direction) - seen).norm() <= 1e-6 * (1e-6 + seen.norm()));
    check_adjoint(at, direction, random);
}

using NamedModule = std::pair<std::string, Module>;

/// One of every kind of module, six entries wide; attention in every variety.
std::vector<NamedModule> modules_of_every_kind(GraphBuilder& builder, Random& random) {
    const auto map = [&](Eigen::Index outputs, Eigen::Index inputs) {
        return builder.linear(random.gaussian(outputs, inputs, 0.5),
                              random.gaussian_vector(outputs, 0.3));
    };
    const auto norm = [&](NormKind kind, Eigen::Index width) {
        return builder.norm(
            kind, 0.01, random.gaussian_vector(width), random.gaussian_vector(width));
    };
    std::vector<NamedModule> modules = {{"linear", {map(5, 6)}},
                                        {"layer norm", {norm(NormKind::layer, 6)}},
                                        {"rms norm", {norm(NormKind::rms, 6)}},
                                        {"scale", {Scale{Interval::exact(-0.7)}}},
                                        {"soft-cap", {SoftCap{Interval::exact(0.8)}}}};
    for (int k = 0; k <= static_cast<int>(Activation::identity); ++k) {
        const auto activation = static_cast<Activation>(k);
        const Interval scale = Interval::exact(0.9);
        modules.push_back(
            {"mlp " + std::to_string(k), {Mlp{map(9, 6), map(6, 9), activation, scale}}});
        modules.push_back({"gated mlp " + std::to_string(k),
                           {GatedMlp{map(9, 6), map(9, 6), map(6, 9), activation, scale}}});
    }
    Attention attention;
    attention.query = map(4 * 4, 6);
    attention.key = map(2 * 4, 6);
    attention.value = map(2 * 3, 6);
    attention.output = map(6, 4 * 3);
    attention.heads = 4;
    attention.key_value_heads = 2;
    attention.score_scale = Interval::exact(0.6);
    modules.push_back({"causal attention, grouped queries", {attention}});
    attention.causal = false;
    modules.push_back({"full attention", {attention}});
    attention.squared_distance = true;
    modules.push_back({"squared distances", {attention}});
    attention.causal = true;
    modules.push_back({"causal squared distances", {attention}});
    attention.causal = attention.squared_distance = false;
    attention.rotary = Rotary::half_split;
    attention.rotary_angles = RotaryAngles{};
    modules.push_back({"rotary", {attention}});
    attention.rotary = Rotary::partial;
    attention.rotary_angles = RotaryAngles{50.0, 2};
    modules.push_back({"rotary in part", {attention}});
    attention.query_norm = norm(NormKind::layer, 4);
    attention.key_norm = norm(NormKind::rms, 4);
    modules.push_back({"norms of queries and keys", {attention}});
    attention.query_norm->kind = NormKind::unit;
    attention.key_norm->kind = NormKind::unit;
    modules.push_back({"cosine attention", {attention}});
    attention.key_norm->epsilon = Interval::exact(2.5);  // longer than some keys
    modules.push_back({"cosine attention with short keys", {attention}});
    attention.key_norm = norm(NormKind::rms, 4);
    attention.score_cap = Interval::exact(1.1);
    modules.push_back({"capped scores", {attention}});
    attention.sink = Sink{builder.store(random.gaussian_vector(4))};
    modules.push_back({"sink", {attention}});
    Residual projected = residual({{norm(NormKind::rms, 6)}, {map(5, 6)}}, 0.4, 1.3);
    projected.projection = map(5, 6);
    modules.push_back({"residual", {residual({{attention}}, 0.8, -0.5)}});
    modules.push_back({"residual with a projection", {projected}});
    modules.push_back({"parallel", {Parallel{{{Module{attention}}, {Module{map(6, 6)}}}}}});
    return modules;
}

/// Every entry of the oracle's value, computed in extended precision, is near a narrow enclosure.
void check_enclosed(const Stream<EnclosedNumber>& enclosed, const LongStream& expected) {
    REQUIRE(enclosed.rows() == expected.rows());
    REQUIRE(enclosed.cols() == expected.cols());
    const auto size = static_cast<double>(expected.cwiseAbs().maxCoeff());
    for (Eigen::Index i = 0; i < enclosed.size(); ++i) {
        const EnclosedNumber& entry = enclosed.data()[i];
        const auto value = static_cast<double>(expected.data()[i]);
        CHECK(entry.width() <= 1e-18 * (1.0 + size));
        CHECK(std::abs(entry.near() - value) <=
              1e-9 * (1.0 + size));  // the oracle's angles are doubles
    }
}

}  // namespace

TEST_CASE("products with the Jacobian agree with finite differences to 1e-6 for every family") {
    Random random(811);
    for (std::size_t i = 0; i < repetitions(3); ++i) {
        for (const PublishedModel& published : published_models(random)) {
            CAPTURE(published.family);
            const TinyModel tiny = make_model(published.tensors, published.configuration);
            const Architecture architecture = architecture_of(*tiny.checkpoint, tiny.configuration);
            if (has_unknown_angles(architecture)) {
                const Transformer engine(architecture, *tiny.checkpoint);
                const Matrix input = engine.embed(std::vector<std::size_t>{1, 0});
                CHECK_THROWS_WITH_AS(
                    (void)linearise_logits(engine, input), doctest::Contains("not run"), Error);
                CHECK(published.rotation.rotary_fraction == 1.0);  // a part is no reason
                continue;
            }
            check_gradients(architecture, *tiny.checkpoint, random, published.rotation);
        }
        for (const TinyModel& tiny : {tiny_llama(random),
                                      tiny_gpt2(random),
                                      tiny_nanogpt(random),
                                      tiny_lipschitz_transformer(random)}) {
            check_gradients(
                architecture_of(*tiny.checkpoint, tiny.configuration), *tiny.checkpoint, random);
        }
    }
}

TEST_CASE("products with the Jacobian agree with finite differences to 1e-6 for every module") {
    Random random(815);
    for (std::size_t i = 0; i < repetitions(2); ++i) {
        GraphBuilder builder;
        for (const NamedModule& named : modules_of_every_kind(builder, random)) {
            CAPTURE(named.first);
            const Module& module = named.second;
            const Architecture architecture =
                probed_architecture(builder, {module}, Probe{.width = 6});
            const Transformer engine(architecture, builder.checkpoint());
            const Matrix input = random.gaussian(4, 6);
            const Linearisation at = linearise(engine, module, input);
            CHECK((at.value - engine.apply(module, input)).norm() <= 1e-12 * at.value.norm());
            const Matrix direction = random.gaussian(4, 6);
            constexpr double kStep = 1e-6;
            const Matrix seen = (engine.apply(module, input + kStep * direction) -
                                 engine.apply(module, input - kStep * direction)) /
                                (2.0 * kStep);
            CHECK((at.push(direction) - seen).norm() <= 1e-6 * seen.norm());
            CHECK(seen.norm() > 1e-3);
            const Matrix dy = random.gaussian(at.value.rows(), at.value.cols());
            CHECK(std::abs(at.pull(dy).cwiseProduct(direction).sum() -
                           dy.cwiseProduct(seen).sum()) <= 1e-6 * dy.norm() * seen.norm());
        }
    }
}

TEST_CASE("products with the Jacobian are those of exact derivatives, whatever the graph") {
    Random random(812);
    for (std::size_t i = 0; i < repetitions(150); ++i) {
        CAPTURE(i);
        GraphBuilder builder;
        const Architecture architecture = drawn_graph(builder, random);
        const Transformer engine(architecture, builder.checkpoint());
        const ForwardModel oracle(architecture, builder.checkpoint());
        const Matrix input =
            engine.embed(std::vector<std::size_t>{2, 0, 4}) +
            random.gaussian(3, 1).replicate(1, oracle.embed(std::vector<std::size_t>{0}).cols());
        const Matrix exact = jacobian(
            StreamFunction::of([&](const auto& stream) { return oracle.logits(stream); }), input);
        const Linearisation at = linearise_logits(engine, input);
        const Matrix direction = random.gaussian(input.rows(), input.cols());
        const Vector expected = exact * direction.reshaped<Eigen::RowMajor>();
        const Vector pushed = at.push(direction).reshaped<Eigen::RowMajor>();
        const double scale = exact.norm() * direction.norm();
        // Where a normalisation is saturated, its derivative is what cancellation leaves.
        CHECK((pushed - expected).norm() <= 1e-8 * scale + 1e-12 * direction.norm());
        const Matrix dy = random.gaussian(at.value.rows(), at.value.cols());
        const Vector back = exact.transpose() * dy.reshaped<Eigen::RowMajor>();
        const Vector pulled = at.pull(dy).reshaped<Eigen::RowMajor>();
        CHECK((pulled - back).norm() <= (1e-8 * exact.norm() + 1e-12) * dy.norm());
    }
}

TEST_CASE("interval runs enclose the exact value narrowly, whatever the graph") {
    Random random(813);
    for (std::size_t i = 0; i < repetitions(60); ++i) {
        CAPTURE(i);
        GraphBuilder builder;
        const Architecture architecture = drawn_graph(builder, random);
        const Transformer engine(architecture, builder.checkpoint());
        const EnclosingTransformer enclosing(architecture, builder.checkpoint());
        const ForwardModel oracle(architecture, builder.checkpoint());
        const Matrix input = engine.embed(std::vector<std::size_t>{2, 0, 4});
        const Stream<EnclosedNumber> exact =
            input.unaryExpr([](double entry) { return EnclosedNumber::exact(entry); });
        check_enclosed(enclosing.logits(exact),
                       oracle.logits<long double>(input.cast<long double>()));
    }
}

TEST_CASE("a rotation of the leading part of each head runs as the plain loops do") {
    Random random(816);
    for (const std::size_t rotated : {2U, 4U, 6U, 8U}) {
        CAPTURE(rotated);
        GraphBuilder builder;
        AttentionShape shape;
        shape.width = 8;
        shape.head_width = 8;
        shape.key_value_heads = 1;
        shape.rotary = Rotary::partial;
        Attention attention = random_attention(builder, random, shape);
        attention.rotary_angles = RotaryAngles{50.0, rotated};
        const Architecture architecture =
            probed_architecture(builder, {{attention}}, Probe{.width = 8});
        const Transformer engine(architecture, builder.checkpoint());
        const FastTransformer fast(architecture, builder.checkpoint());
        const EnclosingTransformer enclosing(architecture, builder.checkpoint());
        const ForwardModel oracle(
            architecture,
            builder.checkpoint(),
            {.rotary_base = 50.0, .rotary_fraction = static_cast<double>(rotated) / 8.0});
        const Matrix input = random.gaussian(5, 8);
        const Matrix expected = oracle.blocks<double>(input);
        CHECK((engine.blocks(input) - expected).norm() <= 1e-13 * expected.norm());
        CHECK((fast.blocks(input.cast<float>()).cast<double>() - expected).norm() <=
              1e-5 * expected.norm());
        check_enclosed(enclosing.blocks(input.unaryExpr(
                           [](double entry) { return EnclosedNumber::exact(entry); })),
                       oracle.blocks<long double>(input.cast<long double>()));
    }
}

TEST_CASE("a rotated part that is not of whole pairs is not guessed") {
    Random random(817);
    std::size_t tried = 0;
    for (const PublishedModel& published : published_models(random)) {
        if (published.family != "phi") {
            continue;
        }
        ++tried;
        nlohmann::json configuration = published.configuration;
        configuration["partial_rotary_factor"] = 0.4;
        const TinyModel tiny = make_model(published.tensors, configuration);
        const Architecture architecture = architecture_of(*tiny.checkpoint, tiny.configuration);
        const Transformer engine(architecture, *tiny.checkpoint);
        const Matrix input = engine.embed(std::vector<std::size_t>{1, 0});
        CHECK_THROWS_WITH_AS((void)engine.logits(input), doctest::Contains("not run"), Error);
    }
    CHECK(tried == 1);
}

TEST_CASE("a run of several sequences at once is a run of each, in float32 to its precision") {
    Random random(814);
    const TinyModel tiny = tiny_gpt2(random);
    const Architecture architecture = architecture_of(*tiny.checkpoint, tiny.configuration);
    const Transformer engine(architecture, *tiny.checkpoint);
    const FastTransformer fast(architecture, *tiny.checkpoint);
    const std::vector<std::size_t> first = {1, 2, 3};
    const std::vector<std::size_t> second = {3, 0, 5};
    const std::vector<std::size_t> both = {1, 2, 3, 3, 0, 5};
    const Pass pass{3, nullptr};
    const Matrix together = engine.logits(engine.embed(both, 3), pass);
    CHECK((together.topRows(3) - engine.logits(engine.embed(first))).norm() <= 1e-12);
    CHECK((together.bottomRows(3) - engine.logits(engine.embed(second))).norm() <= 1e-12);
    const Matrix rough = fast.logits(fast.embed(both, 3), pass).cast<double>();
    CHECK((rough - together).norm() <= 1e-5 * together.norm());
    CHECK((rough - together).norm() > 0.0);
}

}  // namespace lipcert::test
