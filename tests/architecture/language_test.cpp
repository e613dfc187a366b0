#include "lipcert/architecture/description.hpp"
#include "lipcert/architecture/stability.hpp"
#include "lipcert/architecture/weight_use.hpp"
#include "lipcert/error.hpp"

#include <algorithm>
#include <string>

#include "architecture/placement.hpp"
#include "support/model_builder.hpp"
#include "support/program.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown.hpp"
#include <doctest/doctest.h>

using lipcert::Architecture;
using lipcert::Attention;
using lipcert::Error;
using lipcert::ErrorKind;
using lipcert::FamilyDescription;
using lipcert::Matrix;
using lipcert::Normalisation;
using lipcert::Parallel;
using lipcert::Residual;
using lipcert::SoftCap;
using lipcert::Vector;
using lipcert::test::error_of;
using lipcert::test::Random;
using lipcert::test::says;
using lipcert::test::TinyModel;
using lipcert::test::TinyTensors;
using nlohmann::json;

namespace {

/// A small family that uses most of the language; each test damages it in one way.
json small_family() {
    return json::parse(R"json({
        "family": "small",
        "prefix": ["a.", "b."],
        "recognise": {"tensors": {"{prefix}e": ["V", "d"], "{prefix}0.in": ["4*d", "d"]}},
        "parameters": {
            "layers": {"count": "depth"},
            "epsilon": {"positive": ["eps", 1e-3]},
            "kind": {"choice": "norm", "among": ["none", "layernorm"]},
            "gain": {"number": "=epsilon/layers"}},
        "require": {"fast": [null, false]},
        "ignore": ["{prefix}{i}.mask"],
        "model": [
            {"embedding": "{prefix}e"},
            {"repeat": "layers", "index": "i", "body": [
                {"residual": [
                    {"norm": {"kind": "kind", "epsilon": "epsilon"}},
                    {"mlp": {"in": "{prefix}{i}.in", "out": "{prefix}{i}.out",
                             "activation": "relu", "scale": "gain*(i+1)"}}]}]},
            {"unembedding": ["{prefix}e"]},
            {"scale": 2}]})json");
}

TinyModel small_model(const std::string& prefix = "a.") {
    TinyTensors tensors;
    tensors.matrices[prefix + "e"] = Matrix::Ones(5, 2);
    for (const std::string layer : {"0", "1"}) {
        tensors.matrices[prefix + layer + ".in"] = Matrix::Ones(8, 2);
        tensors.matrices[prefix + layer + ".out"] = Matrix::Ones(2, 8);
    }
    return make_model(tensors, {{"depth", 2}, {"norm", "none"}});
}

Architecture built(const json& document, const TinyModel& model = small_model()) {
    return build_architecture(
        {"small", "my.json", document}, *model.checkpoint, model.configuration);
}

/// What is said about the small family after `damage`; with the place that is blamed.
std::string complaint(const std::string& pointer, const json& damage) {
    json document = small_family();
    document[json::json_pointer(pointer)] = damage;
    const Error error = error_of([&] { return built(document); });
    CHECK(error.kind() == ErrorKind::architecture);
    return error.where() + " " + error.what();
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

/// The JSON of the block ```json KIND in docs/architectures.md.
json documented(const std::string& kind) {
    const std::string text =
        lipcert::test::read_file(lipcert::test::source_folder() / "docs" / "architectures.md");
    const std::string fence = "```json " + kind + "\n";
    const std::size_t begin = text.find(fence) + fence.size();
    return json::parse(text.substr(begin, text.find("```", begin) - begin));
}

void add_two_stage_wide_layer(Random& random, TinyTensors& tensors) {
    for (const auto& [name, rows, cols] : {std::tuple("q", 16, 16),
                                           std::tuple("k", 8, 16),
                                           std::tuple("v", 8, 16),
                                           std::tuple("o", 16, 16),
                                           std::tuple("gate", 20, 16),
                                           std::tuple("up", 20, 16),
                                           std::tuple("down", 16, 20)}) {
        tensors.matrices["net.wide.0." + std::string(name) + ".weight"] =
            random.gaussian(rows, cols);
    }
    tensors.vectors["net.wide.0.norm.weight"] = Vector::Zero(16);
    tensors.vectors["net.wide.0.q_norm.weight"] = Vector::Ones(4);
    tensors.vectors["net.wide.0.k_norm.weight"] = Vector::Ones(4);
}

TinyModel two_stage_model() {
    Random random(0x2e);
    TinyTensors tensors;
    tensors.matrices["net.tokens.weight"] = random.gaussian(9, 8);
    for (const std::string layer : {"0", "1"}) {
        tensors.matrices["net.narrow." + layer + ".qkv.weight"] = random.gaussian(24, 8);
        tensors.matrices["net.narrow." + layer + ".out.weight"] = random.gaussian(8, 8);
        tensors.vectors["net.narrow." + layer + ".norm.weight"] = Vector::Ones(8);
        tensors.matrices["net.narrow." + layer + ".mask"] = Matrix::Ones(4, 4);
    }
    tensors.matrices["net.widen.skip.weight"] = random.gaussian(16, 8);
    tensors.matrices["net.widen.in.weight"] = random.gaussian(12, 8);
    tensors.vectors["net.widen.in.bias"] = Vector::Ones(12);
    tensors.matrices["net.widen.out.kernel"] = random.gaussian(12, 16);
    add_two_stage_wide_layer(random, tensors);
    tensors.vectors["net.norm.weight"] = Vector::Ones(16);
    tensors.matrices["net.head.weight"] = random.gaussian(9, 16);
    return make_model(tensors, documented("config"));
}

}  // namespace

TEST_CASE("the worked example of docs/architectures.md builds as it says") {
    const TinyModel model = two_stage_model();
    const Architecture graph = built(documented("family"), model);
    CHECK(graph.family == "two-stage");
    CHECK(graph.source == "my.json");
    REQUIRE(graph.layers.size() == 4);
    CHECK(graph.layers[3].index == 3);
    const auto& widen = std::get<Residual>(graph.layers[2].modules.front().kind);
    REQUIRE(widen.projection);
    CHECK(widen.projection->weight == "net.widen.skip.weight");
    CHECK(widen.branch_scale.magnitude() == lipcert::Upper::exact(0.5));
    const auto& wide = std::get<Residual>(graph.layers[3].modules.front().kind);
    CHECK(std::get<Normalisation>(wide.body.front().kind).weight_plus_one);
    const auto& parallel = std::get<Parallel>(wide.body.back().kind);
    const auto& attention = std::get<Attention>(parallel.branches.front().front().kind);
    CHECK(attention.heads == 4);
    CHECK(attention.key_value_heads == 2);
    REQUIRE(attention.query_norm);
    CHECK(attention.query_norm->weight == "net.wide.0.q_norm.weight");
    CHECK(std::holds_alternative<SoftCap>(graph.after_unembedding.front().kind));
    CHECK(graph.ignored == std::vector<std::string>{"net.narrow.0.mask", "net.narrow.1.mask"});
    CHECK(stability_measures(graph) ==
          std::vector<std::string>{"layer_norm", "rms_norm", "qk_norm", "logit_soft_cap"});
    bool has_projection = false;
    for (const auto& role : roles_of(graph)) {
        has_projection = has_projection || role.role == "skip projection";
    }
    CHECK(has_projection);
}

TEST_CASE("attention takes a cap of the scores and a sink, whose scores are placed and checked") {
    json document = small_family();
    json& body = document["model"][1]["body"][0]["residual"];
    body[1] = {{"attention",
                {{"q", "{prefix}{i}.w"},
                 {"k", "{prefix}{i}.w"},
                 {"v", "{prefix}{i}.w"},
                 {"o", "{prefix}{i}.w"},
                 {"heads", "2"},
                 {"score_scale", "gain"},
                 {"rotary", "none"},
                 {"causal", true},
                 {"score_cap", "30*layers"},
                 {"sink", {{"scores", "{prefix}{i}.sinks"}}}}}};
    document["recognise"]["tensors"] = {{"{prefix}e", {"V", "d"}}};
    TinyTensors tensors;
    tensors.matrices["a.e"] = Matrix::Ones(5, 2);
    for (const std::string layer : {"0", "1"}) {
        tensors.matrices["a." + layer + ".w"] = Matrix::Ones(2, 2);
        tensors.vectors["a." + layer + ".sinks"] = Vector::Ones(2);
    }
    const json configuration = {{"depth", 2}, {"norm", "none"}};
    const Architecture graph = built(document, make_model(tensors, configuration));
    const auto& residual = std::get<Residual>(graph.layers[1].modules.front().kind);
    const auto& attention = std::get<Attention>(residual.body.back().kind);
    REQUIRE(attention.score_cap);
    CHECK(attention.score_cap->magnitude() == lipcert::Upper::exact(60.0));
    REQUIRE(attention.sink);
    CHECK(attention.sink->scores == "a.1.sinks");
    CHECK(stability_measures(graph) ==
          std::vector<std::string>{"score_soft_cap", "attention_sink"});
    const auto roles = roles_of(graph);
    CHECK(std::any_of(roles.begin(), roles.end(), [](const auto& role) {
        return role.tensor == "a.0.sinks" && role.role == "attention sink";
    }));

    tensors.vectors["a.1.sinks"] = Vector::Ones(3);
    const TinyModel wrong = make_model(tensors, configuration);
    CHECK(says(error_of([&] { return built(document, wrong); }), "one score for each head"));
    body[1]["attention"]["sink"] = json::object();
    body[1]["attention"]["score_cap"] = "0-1";
    tensors.vectors.clear();
    const TinyModel bare = make_model(tensors, configuration);
    CHECK(says(error_of([&] { return built(document, bare); }), "the cap of the scores"));
    body[1]["attention"]["score_cap"] = 5;
    const Architecture plus_one = built(document, bare);
    const auto& last = std::get<Residual>(plus_one.layers[1].modules.front().kind);
    CHECK(std::get<Attention>(last.body.back().kind).sink->scores.empty());

    body[1]["attention"]["q_norm"] = {{"unit_norm", {{"epsilon", "1/1000"}}}};
    const Architecture cosine = built(document, bare);
    const auto& asks = std::get<Residual>(cosine.layers[1].modules.front().kind);
    const auto& query_norm = std::get<Attention>(asks.body.back().kind).query_norm;
    REQUIRE(query_norm);
    CHECK(query_norm->kind == lipcert::NormKind::unit);
    CHECK_FALSE(std::get<Attention>(asks.body.back().kind).key_norm);
}

TEST_CASE("scores can be squared distances, beside which only what has a proof is read") {
    json document = small_family();
    json& body = document["model"][1]["body"][0]["residual"];
    body[1] = {{"attention",
                {{"q", "{prefix}{i}.w"},
                 {"k", "{prefix}{i}.w"},
                 {"v", "{prefix}{i}.w"},
                 {"o", "{prefix}{i}.w"},
                 {"heads", "1"},
                 {"score_scale", "gain"},
                 {"scores", "squared_distance"},
                 {"rotary", "none"},
                 {"causal", true}}}};
    document["recognise"]["tensors"] = {{"{prefix}e", {"V", "d"}}};
    TinyTensors tensors;
    tensors.matrices["a.e"] = Matrix::Ones(5, 2);
    tensors.matrices["a.0.w"] = tensors.matrices["a.1.w"] = Matrix::Ones(2, 2);
    const TinyModel model = make_model(tensors, json{{"depth", 2}, {"norm", "none"}});
    const auto is_distance = [&] {
        const Architecture graph = built(document, model);
        const auto& residual = std::get<Residual>(graph.layers[1].modules.front().kind);
        return std::get<Attention>(residual.body.back().kind).squared_distance;
    };
    CHECK(is_distance());
    json& attention = body[1]["attention"];
    const auto refusal = [&] { return error_of([&] { return built(document, model); }); };
    const json plain = attention;
    attention["score_cap"] = 5;
    CHECK(says(refusal(), "without \"score_cap\" only"));
    attention = plain;
    attention["sink"] = json::object();
    CHECK(says(refusal(), "without \"sink\" only"));
    attention = plain;
    attention["k_norm"] = {{"unit_norm", {{"epsilon", "1/1000"}}}};
    CHECK(says(refusal(), "without \"k_norm\" only"));
    CHECK(contains(refusal().where(), "/model/1/body/0/residual/1/attention/k_norm"));
    attention = plain;
    attention["rotary"] = "half_split";
    CHECK(says(refusal(), "without rotary positions only"));
    CHECK(contains(refusal().where(), "/model/1/body/0/residual/1/attention/rotary"));
    attention = plain;
    attention["scores"] = "cosine";
    CHECK(says(refusal(), "\"cosine\" is no kind of scores"));
    attention["scores"] = "dot_product";
    CHECK_FALSE(is_distance());
}

TEST_CASE("a wrong projection on the skip path is refused") {
    json document = documented("family");
    document["model"][2].erase("projection");
    const TinyModel model = two_stage_model();
    CHECK(says(error_of([&] { return built(document, model); }), "the skip path"));
}

TEST_CASE("every built-in family reads, and has a name of its own") {
    std::vector<std::string> names;
    for (const FamilyDescription& family : lipcert::built_in_families()) {
        CHECK(family.source == "built-in");
        names.push_back(family.name);
    }
    CHECK(names.size() >= 20);
    for (const char* name : {"gpt2", "lipschitz-transformer", "llama", "nanogpt"}) {
        CHECK(std::count(names.begin(), names.end(), name) == 1);
    }
    std::sort(names.begin(), names.end());
    CHECK(std::adjacent_find(names.begin(), names.end()) == names.end());
}

TEST_CASE("a small family builds; the prefix that fits is taken, formulas know the layer") {
    const Architecture graph = built(small_family(), small_model("b."));
    CHECK(graph.embedding.weight == "b.e");
    const auto scale_of = [&](std::size_t layer) {
        const auto& residual = std::get<Residual>(graph.layers[layer].modules.front().kind);
        CHECK(residual.body.size() == 1);
        return std::get<lipcert::Mlp>(residual.body.back().kind).activation_scale;
    };
    CHECK(scale_of(0).magnitude().to_double() == doctest::Approx(0.0005));
    CHECK(scale_of(1).magnitude().to_double() == doctest::Approx(0.001));
}

TEST_CASE("an unknown key is refused with its place and what can stand there") {
    CHECK(contains(complaint("/modle", 1), "my.json: /modle"));
    CHECK(contains(complaint("/recognise/shapes", 1), "/recognise/shapes"));
    CHECK(contains(complaint("/parameters/layers/default", 1), "/parameters/layers/default"));
    CHECK(contains(complaint("/model/1/bodies", 1), "/model/1/bodies"));
    const std::string mlp = complaint("/model/1/body/0/residual/1/mlp/gate", "x");
    CHECK(contains(mlp, "/model/1/body/0/residual/1/mlp/gate"));
    CHECK(contains(mlp, "\"activation\""));
    CHECK(contains(complaint("/model/1/body/0/scales", 1), "/model/1/body/0/scales"));
    CHECK(contains(complaint("/model/1/body/0/residual/0/norm/eps", 1), "norm/eps"));
    CHECK(contains(complaint("/a~1b\x1b", 1), "/a~1b\\x1b"));
}

TEST_CASE("missing and misplaced parts are refused with their place") {
    CHECK(contains(complaint("/model/0", {{"embedding", json::object()}}),
                   "/model/0/embedding the key \"weight\" is missing"));
    CHECK(contains(complaint("/model/0", {{"scale", 2}}), "begins with its embedding"));
    CHECK(contains(complaint("/model/3", {{"embedding", "{prefix}e"}}), "begins with"));
    CHECK(contains(complaint("/model/3", {{"linear", "{prefix}e"}}), "after the unembedding"));
    CHECK(contains(complaint("/model/1", {{"scale", 2}}), "no layers"));
    CHECK(contains(complaint("/model/1/body", json::array()), "empty"));
    CHECK(contains(complaint("/model/1/body/0", {{"tanh", 1}}), "/model/1/body/0/tanh"));
    CHECK(contains(complaint("/model/1/body/0", json::object()), "one key"));
    CHECK(contains(complaint("/model/1/body/0", {{"scale", 1}, {"soft_cap", 1}}), "one key"));
    CHECK(contains(complaint("/model", "x"), "a list"));
    CHECK(contains(complaint("/layout", "transposed"), "no layout"));
    CHECK(contains(complaint("/model/1/body/0/residual/1/mlp/in",
                             {{"weight", "{prefix}{i}.in"}, {"slice", {1}}}),
                   "[first output, number of outputs]"));
}

TEST_CASE("names that mean nothing, twice something or are never used are refused") {
    CHECK(contains(complaint("/model/1/repeat", "depth"), "the name of no parameter"));
    CHECK(contains(complaint("/model/1/repeat", "kind"), "not a number"));
    CHECK(contains(complaint("/model/3/scale", "i"), "the name of no parameter"));
    CHECK(contains(complaint("/parameters/unused", {{"count", "x"}}), "never used"));
    CHECK(contains(complaint("/parameters/d", {{"count", "x"}}), "already"));
    CHECK(contains(complaint("/parameters/2x", {{"count", "x"}}), "cannot be a name"));
    CHECK(contains(complaint("/model/1/index", "layers"), "taken"));
    CHECK(contains(complaint("/parameters/layers", {{"size", "x"}}), "/parameters/layers/size"));
    CHECK(contains(complaint("/parameters/layers", {{"count", "x"}, {"number", "y"}}), "one kind"));
    CHECK(contains(complaint("/parameters/layers", {{"count", nullptr}}), "\"=value\""));
    CHECK(contains(complaint("/parameters/gain", {{"number", "=gain/2"}}), "defined by itself"));
    CHECK(contains(complaint("/parameters/gain", {{"number", "=epsilon/(layers-2)"}}),
                   "layers = 2 (config.json: depth)"));
    CHECK(contains(complaint("/model/3/scale", "2*"), "column 3"));
    CHECK(contains(complaint("/model/1/body/0/residual/1/mlp/activation", "snake"), "\"relu\""));
    CHECK(contains(complaint("/model/1/body/0/residual/1/mlp/activation", "epsilon"), "kind"));
    CHECK(contains(complaint("/recognise/tensors/{prefix}e", {"V", "2*w"}), "how large \"w\" is"));
}

TEST_CASE("patterns are checked: placeholders, wildcards, what may be optional") {
    CHECK(contains(complaint("/model/0/embedding", "{i}.e"), "{i}"));
    CHECK(contains(complaint("/model/0/embedding", "{prefix.e"), "braces"));
    CHECK(contains(complaint("/model/0/embedding", "*.e"), "one tensor's name"));
    CHECK(contains(complaint("/model/0/embedding", "{prefix}e?"), "cannot be optional"));
    const std::string bias = "/model/1/body/0/residual/1/mlp/in";
    CHECK(contains(complaint(bias, {{"weight", "{prefix}{i}.in"}, {"bias", "{prefix}b?layers"}}),
                   "\"layers\" stands behind the ?"));
    CHECK(contains(complaint(bias, {{"weight", "{prefix}{i}.in"}, {"bias", "{prefix}b?x"}}),
                   "of the kind \"flag\""));
    CHECK(contains(complaint("/model/0/embedding", ""), "a text in quotes"));
    CHECK(contains(complaint("/ignore/0", "*"), "everything"));
    CHECK(contains(complaint("/model/0/embedding", "{prefix}f"), "there is no tensor a.f"));
    CHECK(contains(complaint("/model/2/unembedding/0", "{prefix}f"), "no unembedding"));
    CHECK(contains(complaint("/recognise/tensors/{prefix}e", {"V", 3}), "a.e is 5 x 2, not V x 3"));
    CHECK(contains(complaint("/require/norm", {"layernorm"}), "\"norm\" is \"none\""));
}

TEST_CASE("a user's file is read, and what is wrong with it is said with its place") {
    const lipcert::test::TemporaryFolder folder;
    const auto path = folder / "my.json";
    lipcert::test::write_file(path, small_family().dump());
    CHECK(lipcert::read_family(path).name == "small");
    const auto refusal = [&](const std::string& text) {
        lipcert::test::write_file(path, text);
        Error error = error_of([&] { return lipcert::read_family(path); });
        CHECK(error.kind() == ErrorKind::architecture);
        CHECK(contains(error.where(), "my.json"));
        return error;
    };
    CHECK_FALSE(std::string(refusal("{\"family\":").what()).empty());
    CHECK_FALSE(std::string(refusal("[]").what()).empty());
    CHECK(says(refusal("{\"family\": \"x\", \"family\": \"y\"}"), "family"));
    CHECK(says(refusal("{}"), "\"family\" is missing"));
    CHECK(says(refusal(std::string(3 << 20, ' ')), "larger"));
    CHECK(error_of([&] { return lipcert::read_family(folder / "none.json"); }).kind() ==
          ErrorKind::architecture);
    CHECK(error_of([&] { return lipcert::read_family(folder / ""); }).kind() ==
          ErrorKind::architecture);
}

TEST_CASE("several families that fit one file are refused, naming them") {
    const TinyModel model = small_model();
    json other = small_family();
    other["family"] = "other";
    const std::vector<FamilyDescription> families = {{"small", "built-in", small_family()},
                                                     {"other", "my.json", other}};
    const Error error = error_of([&]() -> std::string {
        return recognise(families, *model.checkpoint, model.configuration).name;
    });
    CHECK(says(error, "small, other"));
}
