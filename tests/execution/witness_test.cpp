// Lower bounds: proved, in the domain, near constants that are known, never above a certificate.
#include "lipcert/execution/witness.hpp"

#include "lipcert/architecture/description.hpp"
#include "lipcert/bounds/compose.hpp"
#include "lipcert/error.hpp"
#include "lipcert/execution/attack.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "execution/confirm.hpp"
#include "support/forward.hpp"
#include "support/graph_builder.hpp"
#include "support/model_builder.hpp"
#include "support/program.hpp"
#include "support/published_models.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown.hpp"
#include <doctest/doctest.h>

using namespace lipcert;
using namespace lipcert::test;

namespace {

WitnessOptions small_search() {
    WitnessOptions options;
    options.restarts = 4;
    options.steps = 12;
    options.tokens = 4;
    return options;
}

struct Searched {
    NetworkBounds bounds;
    Witnesses witnesses;
};

Searched searched(const Checkpoint& checkpoint,
                  const Architecture& architecture,
                  const WitnessOptions& options) {
    Searched result;
    result.bounds = compose(architecture, checkpoint, {});
    const Transformer model(architecture, checkpoint);
    result.witnesses = find_witnesses(model, checkpoint, result.bounds, options);
    return result;
}

Searched searched_file(const std::filesystem::path& file, const WitnessOptions& options) {
    const auto checkpoint = open_checkpoint(file);
    const Architecture architecture =
        architecture_of(*checkpoint, find_configuration(*checkpoint, std::nullopt));
    return searched(*checkpoint, architecture, options);
}

double proved(const NamedWitness& named) {
    REQUIRE(named.witness);
    REQUIRE(named.witness->ratio);
    return named.witness->ratio->to_double();
}

/// At most the bound, and what was measured is what was proved, but for rounding.
void check_below(const NamedWitness& named) {
    CAPTURE(named.name);
    if (!named.witness) {
        return;
    }
    const double ratio = proved(named);
    CHECK(named.witness->ratio->value().compare(named.bound.value()) <= 0);
    CHECK(ratio <= named.witness->estimate * (1.0 + 1e-6));
    CHECK(ratio >= named.witness->estimate * (1.0 - 1e-3));
}

void check_all_below(const Witnesses& witnesses) {
    for (const NamedWitness& block : witnesses.blocks) {
        check_below(block);
    }
    check_below(witnesses.network);
    check_below(witnesses.logits);
    CHECK_NOTHROW(require_no_contradiction(witnesses));
}

/// No blocks, the logits are the embedding stream.
Architecture bare_model(GraphBuilder& builder, const Matrix& table, const Matrix& unembedding) {
    Architecture architecture;
    architecture.family = "test";
    architecture.embedding.weight = builder.store(table);
    architecture.unembedding = builder.linear(unembedding);
    return architecture;
}

/// What the model itself finds most likely behind token 1, so that there is accuracy to lose.
TokenSequence likely_tokens(const Transformer& model) {
    TokenSequence tokens = {1};
    while (tokens.size() < 8 &&
           static_cast<Eigen::Index>(tokens.size()) < model.longest_sequence()) {
        const Matrix logits = model.logits(model.embed(tokens));
        Eigen::Index best = 0;
        logits.bottomRows(1).row(0).maxCoeff(&best);
        tokens.push_back(static_cast<std::size_t>(best));
    }
    return tokens;
}

/// Certified <= attacked <= clean accuracy, from radii at which all margins hold to large ones.
void check_attacks(const Checkpoint& checkpoint, const Architecture& architecture) {
    const Transformer model(architecture, checkpoint);
    const NetworkBounds bounds = compose(architecture, checkpoint, {});
    const TokenSequence tokens = likely_tokens(model);
    const Evaluation clean = evaluate(model, {tokens}, {});
    REQUIRE(clean.accuracy == 1.0);
    const double least = *std::min_element(clean.margins.begin(), clean.margins.end());
    const double safe = 0.25 * least / bounds.logit_difference.upper.to_double();
    AttackOptions options;
    options.radii = {safe, 1e-3, 1e-2, 0.1, 1.0};
    const std::vector<AttackPoint> points = attack(model, {tokens}, bounds, options);
    REQUIRE(points.size() == options.radii.size());
    double before = clean.accuracy;
    for (const AttackPoint& point : points) {
        CAPTURE(point.radius);
        CHECK(point.certified <= point.attacked);
        CHECK(point.attacked <= before);
        before = point.attacked;
        // Some tiny models are as sure of one token as of another: a margin of zero holds nowhere.
        CHECK((point.radius != safe || point.certified == 1.0 || least == 0.0));
    }
}

}  // namespace

TEST_CASE("the search reaches the constant of a linear map, and proves no more") {
    Random random(821);
    GraphBuilder builder;
    Matrix weight = Matrix::Zero(3, 3);
    weight.diagonal() << 7.0, 2.0, 1.0;
    Architecture architecture = bare_model(builder, Matrix::Identity(3, 3), Matrix::Identity(3, 3));
    architecture.layers.push_back({0, {Module{builder.linear(weight)}}});
    const Searched found = searched(builder.checkpoint(), architecture, small_search());
    CHECK(proved(found.witnesses.network) <= 7.0);
    CHECK(proved(found.witnesses.network) >= 7.0 * (1.0 - 1e-9));
    CHECK(proved(found.witnesses.blocks.front()) >= 7.0 * (1.0 - 1e-9));
}

TEST_CASE("the search comes near every constant that is known in closed form") {
    const nlohmann::json known = nlohmann::json::parse(read_file(sample_model("tiny_models.json")));
    REQUIRE(!known.empty());
    for (const char* name :
         {"tiny_lipschitz_transformer", "tiny_llama", "tiny_gpt2", "tiny_nanogpt"}) {
        CAPTURE(name);
        const Searched found =
            searched_file(sample_model(std::string(name) + ".h5"), small_search());
        check_all_below(found.witnesses);
        // The bounds are the constants up to rounding; attention's needs many tokens.
        const double share = std::string(name) == "tiny_lipschitz_transformer" ? 0.5 : 0.9;
        const double bound = found.bounds.max_token_l2.upper.to_double();
        CHECK(proved(found.witnesses.logits) >= share * bound);
    }
}

TEST_CASE("no witness of a trained sample is above its bound, block by block and for the whole") {
    for (const char* name : {"moby_dick.h5", "moby_dick_norm4.h5"}) {
        CAPTURE(name);
        WitnessOptions options = small_search();
        options.restarts = 1;
        options.tokens = 2;
        const Searched found = searched_file(sample_model(name), options);
        check_all_below(found.witnesses);
        REQUIRE(found.witnesses.blocks.size() >= 4);
        for (const NamedWitness& block : found.witnesses.blocks) {
            CHECK(proved(block) > 0.5);
        }
    }
}

TEST_CASE("no witness of the trained Llama is above its bound, block by block and for the whole") {
    const auto model = stories_checkpoint();
    if (model.empty()) {
        MESSAGE("skipped: shared/models/stories260K.h5 is not beside the project");
        return;
    }
    const Searched found = searched_file(model, small_search());
    check_all_below(found.witnesses);
    CHECK(proved(found.witnesses.network) > 1.0);
}

TEST_CASE("no witness of a model that reads vectors is above its bound") {
    Random random(823);
    const std::vector<PublishedModel> models = models_of_vectors(random);
    CHECK(models.size() == 2);
    for (const PublishedModel& published : models) {
        CAPTURE(published.family);
        const TinyModel tiny = make_model(published.tensors, published.configuration);
        const Architecture architecture = architecture_of(*tiny.checkpoint, tiny.configuration);
        REQUIRE(architecture.embedding.vectors);
        WitnessOptions options = small_search();
        options.tokens = 2;
        const Searched found = searched(*tiny.checkpoint, architecture, options);
        check_all_below(found.witnesses);
        REQUIRE(found.witnesses.network.witness);
        CHECK(found.witnesses.network.witness->first.cols() == 8);  // 2 channels of 2 x 2 pixels
        CHECK(proved(found.witnesses.network) > 1.0);
        CHECK(found.witnesses.blocks.size() >= 5);  // the map of patches, 2 layers of 2 blocks
    }
}

TEST_CASE("a ratio is proved only for inputs inside the domain, and not for equal ones") {
    const EnclosedFunction twice = [](const lipcert::Stream<EnclosedNumber>& x) {
        lipcert::Stream<EnclosedNumber> result = x;
        for (Eigen::Index i = 0; i < result.size(); ++i) {
            result.data()[i] = x.data()[i] + x.data()[i];
        }
        return result;
    };
    const Matrix first{{1.0, 0.0}, {0.0, 0.5}};
    const Matrix second{{0.0, 0.0}, {0.0, 0.25}};
    const auto ratio = proved_ratio(twice, first, second, Upper::exact(1.0));
    REQUIRE(ratio);
    CHECK(ratio->to_double() <= 2.0);
    CHECK(ratio->to_double() >= 2.0 * (1.0 - 1e-15));
    CHECK(!proved_ratio(twice, first, second, Upper::exact(0.99)));
    CHECK(!proved_ratio(twice, first, first, Upper::exact(1.0)));
}

TEST_CASE("a witness above its bound is an internal error that names both numbers") {
    GraphBuilder builder;
    const Architecture architecture =
        bare_model(builder, Matrix::Identity(2, 2), 3.0 * Matrix::Identity(2, 2));
    Searched found = searched(builder.checkpoint(), architecture, small_search());
    CHECK_NOTHROW(require_no_contradiction(found.witnesses));
    found.witnesses.logits.bound = Upper::exact(2.5);
    const Error error = error_of([&] { require_no_contradiction(found.witnesses); });
    CHECK(error.kind() == ErrorKind::internal);
    CHECK(exit_code(error.kind()) == ExitCode::rejected);
    CHECK(says(error, "CONTRADICTION"));
    CHECK(says(error, "2.5"));
}

TEST_CASE("accuracy by margins ends and attacks succeed on the two sides of the exact radius") {
    // Logits are the embeddings: token 0 has the margin 1, so its exact radius is 1/sqrt(2).
    GraphBuilder builder;
    const Architecture architecture =
        bare_model(builder, Matrix{{2.0, 1.0}, {1.0, 2.0}}, Matrix::Identity(2, 2));
    const Transformer model(architecture, builder.checkpoint());
    NetworkBounds bounds = compose(architecture, builder.checkpoint(), {});
    bounds.domain.radius = Upper::exact(10.0);  // linear: the bound holds on every ball
    AttackOptions options;
    options.radii = {0.72, 0.70};
    const std::vector<AttackPoint> points = attack(model, {{0, 0, 1, 1}}, bounds, options);
    REQUIRE(points.size() == 2);
    CHECK(points[0].radius == 0.70);
    CHECK(points[0].certified == doctest::Approx(2.0 / 3.0));  // one of three is wrong at once
    CHECK(points[0].attacked == doctest::Approx(2.0 / 3.0));
    CHECK(points[1].certified == 0.0);
    CHECK(points[1].attacked == 0.0);
}

TEST_CASE("a prediction from logits that are not finite is wrong") {
    GraphBuilder builder;
    const Architecture architecture =
        bare_model(builder, Matrix{{1e200, 0.0}, {0.0, 1e200}}, 1e200 * Matrix::Identity(2, 2));
    const Transformer model(architecture, builder.checkpoint());
    NetworkBounds bounds = compose(architecture, builder.checkpoint(), {});
    bounds.domain.radius = Upper::exact(1e201);
    AttackOptions options;
    options.radii = {0.5};
    const std::vector<AttackPoint> points = attack(model, {{0, 0, 1, 1}}, bounds, options);
    REQUIRE(points.size() == 1);
    CHECK(points[0].certified == 0.0);
    CHECK(points[0].attacked == 0.0);
}

TEST_CASE("accuracy by margins is never above accuracy under attack") {
    Random random(822);
    for (std::size_t i = 0; i < repetitions(6); ++i) {
        LipschitzOptions lipschitz;
        lipschitz.weight_gain = random.uniform(0.1, 1.0);
        const TinyModel tiny = tiny_lipschitz_transformer(random, lipschitz);
        check_attacks(*tiny.checkpoint, architecture_of(*tiny.checkpoint, tiny.configuration));
    }
}

TEST_CASE("accuracy by margins is never above accuracy under attack on any sample model") {
    std::vector<std::filesystem::path> files;
    for (const char* name : {"tiny_lipschitz_transformer",
                             "tiny_llama",
                             "tiny_gpt2",
                             "tiny_nanogpt",
                             "moby_dick",
                             "moby_dick_norm4"}) {
        files.push_back(sample_model(std::string(name) + ".h5"));
    }
    if (const auto stories = stories_checkpoint(); !stories.empty()) {
        files.push_back(stories);
    } else {
        MESSAGE("skipped: shared/models/stories260K.h5 is not beside the project");
    }
    for (const std::filesystem::path& file : files) {
        CAPTURE(file);
        const auto checkpoint = open_checkpoint(file);
        check_attacks(*checkpoint,
                      architecture_of(*checkpoint, find_configuration(*checkpoint, std::nullopt)));
    }
}
