// The forward engine against the plain loops of tests/support, which share nothing with it.
#include "lipcert/execution/transformer.hpp"

#include "lipcert/architecture/description.hpp"
#include "lipcert/error.hpp"
#include "lipcert/execution/evaluate.hpp"
#include "lipcert/execution/tokens.hpp"

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "execution/relative_row.hpp"
#include "support/forward.hpp"
#include "support/model_builder.hpp"
#include "support/probe.hpp"
#include "support/program.hpp"
#include "support/published_models.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown.hpp"
#include <doctest/doctest.h>

using namespace lipcert;
using namespace lipcert::test;

namespace {

void check_same_logits(const TinyModel& model, Random& random) {
    const Architecture architecture = architecture_of(*model.checkpoint, model.configuration);
    const Transformer engine(architecture, *model.checkpoint);
    const ForwardModel oracle(architecture, *model.checkpoint);
    for (const std::size_t length : {1U, 2U, 7U}) {
        std::vector<std::size_t> tokens(length);
        for (std::size_t& token : tokens) {
            token = random.integer(0, 10);
        }
        const Matrix expected = oracle.logits<double>(oracle.embed(tokens));
        const Matrix found = engine.logits(engine.embed(tokens));
        REQUIRE(found.rows() == expected.rows());
        REQUIRE(found.cols() == expected.cols());
        CHECK((found - expected).cwiseAbs().maxCoeff() <=
              1e-10 * (1.0 + expected.cwiseAbs().maxCoeff()));
    }
}

Configuration characters(const std::string& vocabulary) {
    Configuration configuration;
    configuration.values["vocabulary"] = vocabulary;
    return configuration;
}

}  // namespace

TEST_CASE("every family runs as the plain loops do") {
    Random random(801);
    for (std::size_t i = 0; i < repetitions(20); ++i) {
        LlamaOptions llama;
        llama.attention_biases = i % 2 == 0;
        llama.tied = i % 3 == 0;
        check_same_logits(tiny_llama(random, llama), random);
        check_same_logits(tiny_gpt2(random), random);
        check_same_logits(tiny_nanogpt(random), random);
        LipschitzOptions lipschitz;
        lipschitz.norm = i % 3 == 0 ? "none" : i % 3 == 1 ? "rmsnorm" : "layernorm";
        lipschitz.causal = i % 2 == 0;
        check_same_logits(tiny_lipschitz_transformer(random, lipschitz), random);
    }
}

TEST_CASE("distances share the rows of a table of relative biases as in T5") {
    // _relative_position_bucket of transformers, run on these distances.
    const std::vector<std::ptrdiff_t> distances = {-500, -128, -127, -64, -33, -32, -16, -15, -11,
                                                   -9,   -8,   -7,   -1,  0,   1,   7,   8,   9,
                                                   16,   32,   64,   91,  127, 128, 1000};
    const std::vector<std::ptrdiff_t> two_sided = {15, 15, 15, 14, 12, 12, 10, 9,  8,  8,  8,  7, 1,
                                                   0,  17, 23, 24, 24, 26, 28, 30, 31, 31, 31, 31};
    const std::vector<std::ptrdiff_t> causal = {31, 31, 31, 26, 21, 21, 16, 15, 11, 9, 8, 7, 1,
                                                0,  0,  0,  0,  0,  0,  0,  0,  0,  0, 0, 0};
    for (std::size_t i = 0; i < distances.size(); ++i) {
        CAPTURE(distances[i]);
        CHECK(relative_row(distances[i], 32, 128, false) == two_sided[i]);
        CHECK(relative_row(distances[i], 32, 128, true) == causal[i]);
    }
}

TEST_CASE("models that read vectors run as their own class does, one sequence or several") {
    Random random(804);
    const std::vector<PublishedModel> models = models_of_vectors(random);
    CHECK(models.size() == 2);
    for (const PublishedModel& published : models) {
        CAPTURE(published.family);
        const TinyModel tiny = make_model(published.tensors, published.configuration);
        const Architecture architecture = architecture_of(*tiny.checkpoint, tiny.configuration);
        REQUIRE(architecture.embedding.vectors);
        const Transformer engine(architecture, *tiny.checkpoint);
        const auto width = static_cast<Eigen::Index>(architecture.embedding.vectors->width);
        const Eigen::Index longest = engine.longest_sequence();
        REQUIRE(longest == 5);  // six positions, the first of the class token
        const Matrix x = random.gaussian(3, width);
        const Matrix y = random.gaussian(3, width);
        const Matrix behind_x = published.forward(published.tensors, x);
        const Matrix behind_y = published.forward(published.tensors, y);
        REQUIRE(behind_x.rows() == 4);
        CHECK((engine.logits(x) - behind_x).norm() <= 1e-10 * behind_x.norm());
        Matrix both(6, width);
        both << x, y;
        Matrix behind_both(8, behind_x.cols());
        behind_both << behind_x, behind_y;
        CHECK((engine.logits(both, {3, nullptr}) - behind_both).norm() <=
              1e-10 * behind_both.norm());
        const Error long_one =
            error_of([&] { (void)engine.logits(random.gaussian(longest + 1, width)); });
        CHECK(long_one.kind() == ErrorKind::input);
        CHECK(says(long_one, "the model has 5 positions"));
        const Error token = error_of([&] { (void)engine.embed(std::vector<std::size_t>{0}); });
        CHECK(token.kind() == ErrorKind::architecture);
        CHECK(says(token, "reads vectors, not tokens"));
    }
}

TEST_CASE("a model without a position for any token is not run") {
    GraphBuilder builder;
    Architecture architecture = one_layer({{Elementwise{Activation::relu}}});
    architecture.embedding.vectors = VectorInput{2,
                                                 Interval::exact(1.0),
                                                 builder.store(Matrix(Matrix::Ones(1, 2))),
                                                 builder.store(Matrix(Matrix::Ones(1, 2)))};
    const Error error =
        error_of([&] { const Transformer engine(architecture, builder.checkpoint()); });
    CHECK(error.kind() == ErrorKind::architecture);
    CHECK(says(error, "none is left"));
}

TEST_CASE("capped scores, sinks and constants in scores run as the plain loops do") {
    Random random(803);
    for (std::size_t i = 0; i < repetitions(12); ++i) {
        GraphBuilder builder;
        AttentionShape shape;
        shape.causal = i % 2 == 0;
        Attention attention = random_attention(builder, random, shape);
        if (i % 3 != 0) {
            attention.score_cap = Interval::exact(random.uniform(0.1, 2.0));
        }
        if (i % 3 != 1) {
            attention.sink = Sink{i % 2 == 0 ? "" : builder.store(random.gaussian_vector(2))};
        }
        if (i % 4 != 0) {
            attention.relative_bias = RelativeBias{builder.store(random.gaussian(8, 2)), 20};
        }
        const Architecture architecture = probed_architecture(builder, {{attention}}, Probe{});
        const Transformer engine(architecture, builder.checkpoint());
        const ForwardModel oracle(architecture, builder.checkpoint());
        const Matrix stream = random.gaussian(5, 4);
        CHECK((engine.blocks(stream) - oracle.blocks<double>(stream)).cwiseAbs().maxCoeff() <=
              1e-12);
    }
}

TEST_CASE("every activation runs as the plain loops do") {
    Random random(802);
    for (const char* activation :
         {"relu", "gelu", "gelu_new", "silu", "quick_gelu", "mish", "tanh", "hardswish"}) {
        CAPTURE(activation);
        Gpt2Options options;
        options.activation = activation;
        check_same_logits(tiny_gpt2(random, options), random);
    }
}

TEST_CASE("the trained sample gives the logits that NumPy gave") {
    const nlohmann::json check =
        nlohmann::json::parse(read_file(sample_model("moby_dick_check.json")));
    const auto checkpoint = open_checkpoint(sample_model("moby_dick.h5"));
    const Architecture architecture =
        architecture_of(*checkpoint, find_configuration(*checkpoint, std::nullopt));
    const Transformer engine(architecture, *checkpoint);
    const auto tokens = check.at("token_ids").get<std::vector<std::size_t>>();
    const Matrix logits = engine.logits(engine.embed(tokens));
    const auto position = check.at("position").get<Eigen::Index>();
    const auto first = check.at("first_logits").get<std::vector<double>>();
    for (std::size_t i = 0; i < first.size(); ++i) {
        CHECK(std::abs(logits(position, static_cast<Eigen::Index>(i)) - first[i]) <= 1e-9);
    }
}

TEST_CASE("an angle that the configuration does not say is not guessed") {
    Random random(803);
    LlamaOptions options;
    options.configure = [](nlohmann::json& values) {
        values["rope_scaling"] = {{"rope_type", "llama3"}, {"factor", 8.0}};
    };
    const TinyModel model = tiny_llama(random, options);
    const Architecture architecture = architecture_of(*model.checkpoint, model.configuration);
    const Transformer engine(architecture, *model.checkpoint);
    const std::vector<std::size_t> tokens = {1, 2, 3};
    const Error error = error_of([&] { (void)engine.logits(engine.embed(tokens)); });
    CHECK(error.kind() == ErrorKind::architecture);
    CHECK(says(error, "certified but not run"));
}

TEST_CASE("tokens beyond the vocabulary, and more tokens than positions, are refused") {
    Random random(804);
    const TinyModel model = tiny_gpt2(random);
    const Architecture architecture = architecture_of(*model.checkpoint, model.configuration);
    const Transformer engine(architecture, *model.checkpoint);
    CHECK(error_of([&] { (void)engine.embed(std::vector<std::size_t>{11}); }).kind() ==
          ErrorKind::input);
    CHECK(error_of([&] { (void)engine.embed(std::vector<std::size_t>(17, 0)); }).kind() ==
          ErrorKind::input);
}

TEST_CASE(
    "loss and accuracy are those of the logits, over all tokens but the first of each window") {
    Random random(805);
    const TinyModel model = tiny_gpt2(random);
    const Architecture architecture = architecture_of(*model.checkpoint, model.configuration);
    const Transformer engine(architecture, *model.checkpoint);
    const ForwardModel oracle(architecture, *model.checkpoint);
    const std::vector<TokenSequence> sequences = {{1, 2, 3, 4}, {5}, {}, {6, 7}};
    double loss = 0.0;
    double right = 0.0;
    for (const TokenSequence& sequence : sequences) {
        for (std::size_t i = 0; i + 1 < sequence.size(); ++i) {
            const std::vector<std::size_t> seen(sequence.begin(),
                                                sequence.begin() + static_cast<long>(i) + 1);
            const Matrix logits = oracle.logits<double>(oracle.embed(seen));
            const auto last = logits.row(logits.rows() - 1);
            const auto next = static_cast<Eigen::Index>(sequence[i + 1]);
            loss -= last(next) - std::log(last.array().exp().sum());
            right += last(next) == last.maxCoeff() ? 1.0 : 0.0;
        }
    }
    const lipcert::Evaluation found = evaluate(engine, sequences, {});
    CHECK(found.predicted == 4);
    CHECK(found.loss == doctest::Approx(loss / 4.0).epsilon(1e-12));
    CHECK(found.accuracy == doctest::Approx(right / 4.0));
}

TEST_CASE(
    "windows share their border tokens, so that every token but the first is predicted once") {
    const TokenSequence tokens = {0, 1, 2, 3, 4, 5, 6};
    CHECK(windows(tokens, 3) == std::vector<TokenSequence>{{0, 1, 2, 3}, {3, 4, 5, 6}});
    CHECK(windows(tokens, 4) == std::vector<TokenSequence>{{0, 1, 2, 3, 4}, {4, 5, 6}});
    CHECK(windows(tokens, 100) == std::vector<TokenSequence>{tokens});
    CHECK(windows({1}, 4).empty());
    CHECK(error_of([&] { (void)windows(tokens, 0); }).kind() == ErrorKind::usage);
}

TEST_CASE("texts become tokens by the vocabulary's characters, and nothing is dropped") {
    const TemporaryFolder folder;
    write_file(folder / "text", "b\u00e4a");
    CHECK(read_character_file(folder / "text", characters("ab\u00e4")) == TokenSequence{1, 2, 0});
    const Error foreign =
        error_of([&] { (void)read_character_file(folder / "text", characters("ab")); });
    CHECK(foreign.kind() == ErrorKind::input);
    CHECK(says(foreign, "\u00e4"));
    CHECK(error_of([&] { (void)read_character_file(folder / "text", Configuration()); }).kind() ==
          ErrorKind::architecture);
    CHECK(error_of([&] { (void)read_character_file(folder / "none", characters("a")); }).kind() ==
          ErrorKind::input);
}

TEST_CASE("token files are 16-bit numbers, little end first") {
    const TemporaryFolder folder;
    write_file(folder / "tokens.bin", std::string("\x01\x00\xff\x01", 4));
    CHECK(read_token_file(folder / "tokens.bin") == TokenSequence{1, 511});
    write_file(folder / "odd.bin", std::string("\x01\x00\xff", 3));
    CHECK(error_of([&] { (void)read_token_file(folder / "odd.bin"); }).kind() == ErrorKind::input);
}
