// Vectors in place of tokens, constants in scores, activations on their own, copies of tensors.
#include "lipcert/architecture/description.hpp"
#include "lipcert/architecture/weight_use.hpp"
#include "lipcert/error.hpp"

#include <string>

#include "support/model_builder.hpp"
#include "support/thrown.hpp"
#include <doctest/doctest.h>

using lipcert::Architecture;
using lipcert::Error;
using lipcert::ErrorKind;
using lipcert::Matrix;
using lipcert::test::error_of;
using lipcert::test::make_model;
using lipcert::test::says;
using lipcert::test::TinyModel;
using lipcert::test::TinyTensors;
using nlohmann::json;

namespace {

/// Reads 2 x 2 pixels of 3 channels; two heads with a table of constants.
json pixels_family() {
    return json::parse(R"json({
        "family": "pixels",
        "recognise": {"tensors": {"patch": ["d", "c", "p", "p"]}},
        "parameters": {"largest": {"positive": "largest_pixel"}, "heads": {"count": 2}},
        "ignore": [{"tensor": "copy", "copy_of": "patch"}],
        "model": [
            {"input": {"width": "c*p*p", "largest_entry": "largest", "added": "places", "beside": "class"}},
            {"linear": "patch"},
            {"repeat": "heads/2", "index": "i", "body": [
                {"residual": [
                    {"rms_norm": {"epsilon": 1}},
                    {"attention": {"q": "{i}.m", "k": "{i}.m", "v": "{i}.m", "o": "{i}.m",
                                   "heads": "heads", "score_scale": 1, "rotary": "none", "causal": false,
                                   "relative_bias": {"table": "{i}.bias", "farthest": 20}}}]}]},
            {"activation": "gelu"}]})json");
}

TinyTensors pixels() {
    TinyTensors tensors;
    tensors.matrices["patch"] = Matrix::Ones(4, 12);
    tensors.shapes["patch"] = {4, 3, 2, 2};
    tensors.matrices["places"] = Matrix::Ones(1, 20);
    tensors.shapes["places"] = {1, 5, 4};
    tensors.matrices["class"] = Matrix::Ones(1, 4);
    tensors.shapes["class"] = {1, 1, 4};
    tensors.matrices["0.m"] = Matrix::Ones(4, 4);
    tensors.matrices["0.bias"] = Matrix::Ones(8, 2);
    return tensors;
}

Architecture built(const json& document, const TinyTensors& tensors = pixels()) {
    const TinyModel model = make_model(tensors, {{"largest_pixel", 2.5}});
    return build_architecture(
        {"pixels", "my.json", document}, *model.checkpoint, model.configuration);
}

/// What is said after `damage` at `pointer`; with the place that is blamed.
std::string complaint(const std::string& pointer, const json& damage) {
    json document = pixels_family();
    document[json::json_pointer(pointer)] = damage;
    const Error error = error_of([&] { (void)built(document); });
    CHECK(error.kind() == ErrorKind::architecture);
    return error.where() + " " + error.what();
}

Error refusal(const TinyTensors& tensors) {
    return error_of([&] { (void)built(pixels_family(), tensors); });
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a model may read vectors, with constants added to them and beside them") {
    const Architecture graph = built(pixels_family());
    REQUIRE(graph.embedding.vectors);
    CHECK(graph.embedding.weight.empty());
    CHECK(graph.embedding.vectors->width == 12);
    CHECK(graph.embedding.vectors->largest_entry.magnitude() >= lipcert::Upper::exact(2.5));
    CHECK(graph.embedding.vectors->added == "places");
    CHECK(graph.embedding.vectors->beside == "class");
    CHECK(graph.stem.size() == 1);
    const auto& residual = std::get<lipcert::Residual>(graph.layers.at(0).modules.at(0).kind);
    const auto& attention = std::get<lipcert::Attention>(residual.body.at(1).kind);
    REQUIRE(attention.relative_bias);
    CHECK(attention.relative_bias->table == "0.bias");
    CHECK(attention.relative_bias->farthest == 20);
    CHECK(std::get<lipcert::Elementwise>(graph.head.at(0).kind).activation ==
          lipcert::Activation::gelu_erf);
    std::string roles;
    for (const lipcert::Role& role : roles_of(graph)) {
        roles += role.tensor + ": " + role.role + "; ";
    }
    CHECK(roles ==
          "patch: linear; places: added constant; class: constant token; 0.m: fused query key "
          "value; 0.bias: relative bias; ");
}

TEST_CASE("what a family file says of vectors and constants in scores is checked") {
    CHECK(contains(complaint("/model/0/input/width", "c*p"), "expected 4 x 6"));
    CHECK(contains(complaint("/model/0/input/colour", 1), "colour"));
    CHECK(contains(complaint("/model/0/input/added", "patch"), "rows of 4 entries"));
    CHECK(contains(complaint("/model/0/input/beside", "nowhere"), "nowhere"));
    CHECK(contains(complaint("/model/0/input/largest_entry", "0*largest"), "largest entry"));
    CHECK(contains(complaint("/model/2/input", 1), "my.json: /model/2"));
    CHECK(contains(complaint("/model/1", json{{"input", json::object()}}), "my.json: /model/1"));
    CHECK(contains(complaint("/model/1/linear", json{{"weight", "patch"}, {"layout", "in_out"}}),
                   "two dimensions"));
    const std::string bias = "/model/2/body/0/residual/1/attention/relative_bias";
    CHECK(contains(complaint(bias + "/farthest", 8), "fewer rows than the farthest distance"));
    CHECK(contains(complaint(bias + "/table", "0.m"), "one column for each of the 2 heads"));
    CHECK(contains(complaint(bias + "/slope", 1), "slope"));
    CHECK(contains(complaint("/model/3/activation", "sigmoid"), "sigmoid"));
    CHECK(contains(complaint("/ignore/0/shape", json::array({1})), "shape"));
}

TEST_CASE("a copy of a tensor is ignored, and one that differs has no place") {
    TinyTensors tensors = pixels();
    tensors.matrices["copy"] = Matrix::Ones(4, 12);
    CHECK(says(refusal(tensors), "only a copy of patch is ignored"));  // in its own shape
    tensors.shapes["copy"] = {4, 3, 2, 2};
    CHECK(built(pixels_family(), tensors).ignored == std::vector<std::string>{"copy"});
    tensors.matrices["copy"](3, 11) = 1.5;
    CHECK(says(refusal(tensors), "only a copy of patch is ignored"));
}
