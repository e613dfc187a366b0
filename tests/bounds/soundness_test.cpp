#include "support/soundness.hpp"

#include "lipcert/architecture/description.hpp"
#include "lipcert/bounds/compose.hpp"
#include "lipcert/error.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "support/forward.hpp"
#include "support/graph_builder.hpp"
#include "support/model_builder.hpp"
#include "support/random.hpp"
#include "support/random_graph.hpp"
#include <doctest/doctest.h>
#include <fmt/format.h>

namespace lipcert::test {

namespace {

template <class Value>
Value one_of(Random& random, const std::vector<Value>& values) {
    return values.at(random.integer(0, values.size() - 1));
}

/// Zeroes a matrix, or scales it, or repeats one row: what training never does and files may.
void spoil(TinyTensors& tensors, Random& random) {
    auto chosen = tensors.matrices.begin();
    std::advance(chosen,
                 static_cast<std::ptrdiff_t>(random.integer(0, tensors.matrices.size() - 1)));
    Matrix& matrix = chosen->second;
    switch (random.integer(0, 3)) {
        case 0:
            matrix.setZero();
            break;
        case 1:
            matrix *= std::pow(10.0, random.uniform(-3.0, 3.0));
            break;
        case 2:
            matrix.rowwise() = Eigen::RowVectorXd(matrix.row(0));
            break;
        default:
            break;
    }
}

/// What every family has, from degenerate to wild.
template <class Options>
Options hostile_options(Random& random, const std::vector<std::size_t>& head_widths) {
    Options options;
    options.layers = random.integer(1, 3);
    options.heads = random.integer(1, 3);
    options.width = options.heads * one_of(random, head_widths);
    options.vocabulary = random.integer(1, 8);
    options.weight_gain = std::pow(10.0, random.uniform(-3.0, 2.0));
    options.bias_gain = random_gain(random, -2.0, 1.0);
    options.norm_gain = random_gain(random, -2.0, 1.0);
    options.embedding_gain = std::pow(10.0, random.uniform(-2.0, 1.0));
    if (random.integer(0, 2) == 0) {
        options.edit = [&random](TinyTensors& tensors) { spoil(tensors, random); };
    }
    return options;
}

double hostile_epsilon(Random& random) {
    return std::pow(10.0, random.uniform(-12.0, -1.0));
}

std::string hostile_activation(Random& random) {
    return one_of<std::string>(random,
                               {"relu",
                                "gelu",
                                "gelu_new",
                                "silu",
                                "quick_gelu",
                                "mish",
                                "tanh",
                                "hardswish",
                                "relu2",
                                "linear"});
}

TinyModel hostile_llama(Random& random) {
    auto options = hostile_options<LlamaOptions>(random, {2, 4});
    options.key_value_heads = options.heads == 2 ? random.integer(1, 2) : 1;
    options.head_width = random.integer(0, 1) * 2;
    options.inner_width = random.integer(1, 8);
    options.attention_biases = random.integer(0, 1) == 0;
    options.tied = random.integer(0, 1) == 0;
    options.epsilon = hostile_epsilon(random);
    options.activation = hostile_activation(random);
    return tiny_llama(random, options);
}

TinyModel hostile_gpt2(Random& random) {
    auto options = hostile_options<Gpt2Options>(random, {1, 2});
    options.inner_width = random.integer(0, 8);
    options.positions = random.integer(4, 6);
    options.lm_head_stored = false;
    options.epsilon = hostile_epsilon(random);
    options.activation = hostile_activation(random);
    return tiny_gpt2(random, options);
}

TinyModel hostile_nanogpt(Random& random) {
    auto options = hostile_options<NanoGptOptions>(random, {1, 2});
    options.positions = random.integer(4, 6);
    options.biases = random.integer(0, 1) == 0;
    options.lm_head_stored = false;
    return tiny_nanogpt(random, options);
}

TinyModel hostile_lipschitz_transformer(Random& random) {
    const bool rotates = random.integer(0, 1) == 0;
    auto options = rotates ? hostile_options<LipschitzOptions>(random, {2, 4})
                           : hostile_options<LipschitzOptions>(random, {1, 2, 3});
    options.inner_width = random.integer(1, 8);
    options.softmax_scale = std::pow(10.0, random.uniform(-1.0, 1.0));
    options.attention_output_scale = one_of<double>(random, {1.0 / 3.0, 1.0, 3.0});
    options.activation = hostile_activation(random);
    options.activation_scale = one_of<double>(random, {1.0 / 1.1289, 1.0, 2.0});
    // a = residual_scale / (2 layers): beyond 1 too, where 1 - a is negative.
    options.residual_scale = std::pow(10.0, random.uniform(-1.0, 1.2));
    options.rope = nullptr;
    if (rotates) {
        options.rope = {{"base", 10000.0}, {"fraction", one_of<double>(random, {0.5, 1.0})}};
    }
    options.norm = one_of<std::string>(random, {"none", "none", "rmsnorm", "layernorm"});
    options.norm_epsilon = hostile_epsilon(random);
    options.causal = random.integer(0, 2) != 0;
    if (random.integer(0, 1) == 0) {
        options.final_scale = std::pow(10.0, random.uniform(-2.0, 2.0));
    }
    return tiny_lipschitz_transformer(random, options);
}

/// Bounds of 10^100 and more are out of the reach of doubles, not of the proof.
bool within_reach(const NetworkBounds& bounds) {
    return bounds.max_token_l2.upper.to_double() < 1e100 &&
           bounds.max_activation.to_double() < 1e100;
}

ForwardOptions random_rotation(Random& random) {
    ForwardOptions options;
    options.rotary_base = std::pow(10.0, random.uniform(0.0, 5.0));
    options.rotary_fraction = one_of<double>(random, {0.25, 0.5, 1.0});
    options.rotary_interleaved = random.integer(0, 1) == 0;
    return options;
}

/// The embeddings themselves lie in the ball that the certificate names.
void check_embeddings(const ForwardModel& model, const NetworkBounds& bounds, std::size_t rows) {
    std::vector<std::size_t> tokens;
    for (std::size_t position = 0; position < 4; ++position) {
        for (std::size_t row = 0; row < rows; ++row) {
            tokens.assign(position + 1, row);
            const double longest = model.embed(tokens).rowwise().norm().maxCoeff();
            CHECK(longest <= bounds.domain.radius.to_double() * (1.0 + 1e-14));
        }
    }
}

/// Attacks one model; what it finds, with a name to find the model again, becomes a failure.
void check_model(const Architecture& architecture,
                 const Checkpoint& checkpoint,
                 const std::string& name,
                 Random& random) {
    const std::size_t tokens = random.integer(1, 4);
    const NetworkBounds bounds = compose(architecture, checkpoint, {tokens, {}});
    if (!within_reach(bounds)) {
        return;
    }
    const ForwardModel model(architecture, checkpoint, random_rotation(random));
    const TensorInfo* table = checkpoint.find(architecture.embedding.weight);
    REQUIRE(table != nullptr);
    check_embeddings(model, bounds, table->shape.at(0));
    const Soundness found = attack(model, bounds, tokens, {}, random);
    CAPTURE(name);
    for (const std::string& violation : found.violations) {
        FAIL_CHECK(violation);
    }
}

void check_family(const std::string& family,
                  std::uint64_t stream,
                  const std::function<TinyModel(Random&)>& draw) {
    for (std::size_t i = 0; i < repetitions(1000); ++i) {
        // One source of randomness a model: any of them can be drawn again on its own.
        Random random(stream * 1000003 + i);
        const TinyModel model = draw(random);
        const Architecture architecture = architecture_of(*model.checkpoint, model.configuration);
        check_model(architecture, *model.checkpoint, fmt::format("{} {}", family, i), random);
    }
}

/// The largest share of the bound that a search reaches, over a few models of one family.
template <class Draw>
double reached_share(std::uint64_t stream, const Draw& draw) {
    double best = 0.0;
    for (std::uint64_t i = 0; i < 3; ++i) {
        Random random(stream + i);
        const TinyModel tiny = draw(random);
        const Architecture architecture = architecture_of(*tiny.checkpoint, tiny.configuration);
        const NetworkBounds bounds = compose(architecture, *tiny.checkpoint, {});
        const ForwardModel model(architecture, *tiny.checkpoint);
        const Soundness found = attack(model, bounds, 3, {300, 24, 60, 3}, random);
        CHECK(found.violations.empty());
        best = std::max(best, found.best_share_of_blocks);
    }
    return best;
}

template <class Options>
Options one_block(std::size_t heads) {
    Options options;
    options.layers = 1;
    options.width = 4;
    options.heads = heads;
    options.bias_gain = 0.1;
    return options;
}

}  // namespace

TEST_CASE("whole models with working branches reach a stated share of their bound") {
    // One layer each. What is lost: the parts do not peak together, and the search is heuristic.
    const double constrained = reached_share(0x910, [](Random& random) {
        auto options = one_block<LipschitzOptions>(2);
        options.rope = nullptr;
        return tiny_lipschitz_transformer(random, options);
    });
    const double rotary = reached_share(0x920, [](Random& random) {
        return tiny_lipschitz_transformer(random, one_block<LipschitzOptions>(1));
    });
    const double gpt2 = reached_share(
        0x930, [](Random& random) { return tiny_gpt2(random, one_block<Gpt2Options>(2)); });
    const double llama = reached_share(
        0x940, [](Random& random) { return tiny_llama(random, one_block<LlamaOptions>(1)); });
    CHECK(constrained >= 1.0 / 5.0);
    CHECK(rotary >= 1.0 / 7.0);
    // Behind a norm the bound is that of a stream near its singularity, at every token at once.
    CHECK(llama >= 1.0 / 40.0);
    CHECK(gpt2 >= 1.0 / 250.0);
}

TEST_CASE("no input refutes a bound of any hostile llama") {
    check_family("llama", 901, hostile_llama);
}

TEST_CASE("no input refutes a bound of any hostile GPT-2") {
    check_family("gpt2", 902, hostile_gpt2);
}

TEST_CASE("no input refutes a bound of any hostile nanoGPT") {
    check_family("nanogpt", 903, hostile_nanogpt);
}

TEST_CASE("no input refutes a bound of any hostile lipschitz-transformer") {
    check_family("lipschitz-transformer", 904, hostile_lipschitz_transformer);
}

TEST_CASE("no input refutes a bound of any graph that is not refused") {
    std::size_t refused = 0;
    const std::size_t count = repetitions(1000);
    for (std::size_t i = 0; i < count; ++i) {
        Random random(std::size_t{905} * 1000003 + i);
        GraphBuilder builder;
        const Architecture architecture = random_graph(builder, random);
        try {
            check_model(architecture, builder.checkpoint(), fmt::format("graph {}", i), random);
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::architecture);
            ++refused;
        }
    }
    CHECK(refused * 4 < count);
}

TEST_CASE("no input refutes a bound of a sample model") {
    const std::filesystem::path folder =
        std::filesystem::path(LIPCERT_SOURCE_DIR) / "sample_models";
    constexpr std::uintmax_t kTinyBytes = 100000;
    std::size_t count = 0;
    Random random(908);
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() != ".h5") {
            continue;
        }
        const auto checkpoint = open_checkpoint(entry.path());
        const Architecture architecture =
            architecture_of(*checkpoint, find_configuration(*checkpoint, std::nullopt));
        const std::size_t tokens = 4;
        const NetworkBounds bounds = compose(architecture, *checkpoint, {tokens, {}});
        const ForwardModel model(architecture, *checkpoint);
        // Derivatives of the trained model are out of a test's time; pairs are not.
        const bool tiny = std::filesystem::file_size(entry.path()) < kTinyBytes;
        const SoundnessBudget budget =
            tiny ? SoundnessBudget{40, 4, 8, 4} : SoundnessBudget{6, 0, 0, 0};
        CAPTURE(entry.path().filename().string());
        CHECK(fmt::format(
                  "{}",
                  fmt::join(attack(model, bounds, tokens, budget, random).violations, "; ")) == "");
        ++count;
    }
    CHECK(count >= 4);
}

TEST_CASE("a model whose branches are zero is bounded as tightly as its embedding and head allow") {
    // The stream passes unchanged; logits are E z(x), steepest at the origin.
    Random random(906);
    LlamaOptions options;
    options.norm_gain = 0.0;
    options.width = 4;
    options.edit = [](TinyTensors& tensors) {
        for (auto& [name, matrix] : tensors.matrices) {
            if (name.ends_with("o_proj.weight") || name.ends_with("down_proj.weight")) {
                matrix.setZero();
            }
        }
    };
    const TinyModel tiny = tiny_llama(random, options);
    const Architecture architecture = architecture_of(*tiny.checkpoint, tiny.configuration);
    const NetworkBounds bounds = compose(architecture, *tiny.checkpoint, {});
    CHECK(bounds.blocks_l2.upper.to_double() <= 1.0 + 1e-9);
    const ForwardModel model(architecture, *tiny.checkpoint);
    const Soundness found = attack(model, bounds, 2, {200, 4, 20, 3}, random);
    CHECK(found.violations.empty());
    CHECK(found.best_share_of_blocks >= 0.999999);
    CHECK(found.best_share_of_logit >= 0.9);
}

TEST_CASE("the attack refutes every kind of bound that is too small") {
    // Linear maps only: the search comes close to every constant, and to the radii.
    Random random(907);
    GraphBuilder builder;
    Architecture architecture = one_layer({{residual({{builder.linear(random.gaussian(4, 4))}})}});
    architecture.embedding.weight = builder.store(random.gaussian(5, 4));
    architecture.unembedding = builder.linear(random.gaussian(6, 4));
    const ForwardModel model(architecture, builder.checkpoint());
    const NetworkBounds honest = compose(architecture, builder.checkpoint(), {2, {}});
    const SoundnessBudget budget{40, 12, 20, 10};
    CHECK(attack(model, honest, 2, budget, random).violations.empty());

    const Upper share = Upper::parse("0.3");
    const auto refuted = [&](const std::string& name,
                             const std::function<Upper&(NetworkBounds&)>& of) {
        NetworkBounds shrunk = honest;
        of(shrunk) *= share;
        const std::vector<std::string> found = attack(model, shrunk, 2, budget, random).violations;
        const auto names_it = [&](const std::string& line) { return line.find(name) == 0; };
        CAPTURE(name);
        CHECK(!found.empty());
        CHECK(std::all_of(found.begin(), found.end(), names_it));
    };
    refuted("blocks_l2", [](auto& bounds) -> Upper& { return bounds.blocks_l2.upper; });
    refuted("max_token_l2", [](auto& bounds) -> Upper& { return bounds.max_token_l2.upper; });
    refuted("max_token_rms", [](auto& bounds) -> Upper& { return bounds.max_token_rms.upper; });
    refuted("logit:", [](auto& bounds) -> Upper& { return bounds.logit.upper; });
    refuted("logit_difference",
            [](auto& bounds) -> Upper& { return bounds.logit_difference.upper; });
    refuted("frobenius", [](auto& bounds) -> Upper& { return bounds.frobenius->upper; });
    refuted("cumulative of layer 0",
            [](auto& bounds) -> Upper& { return bounds.layers[0].cumulative; });
    refuted("layer 0 block 0 lipschitz",
            [](auto& bounds) -> Upper& { return bounds.layers[0].blocks[0].lipschitz; });
    refuted("layer 0 module 0 radius_out",
            [](auto& bounds) -> Upper& { return bounds.layers[0].blocks[0].radius_out; });
    refuted("layer 0 module 0 max_activation",
            [](auto& bounds) -> Upper& { return bounds.max_activation; });
}

}  // namespace lipcert::test
