#include "lipcert/architecture/description.hpp"
#include "lipcert/bounds/affine.hpp"
#include "lipcert/error.hpp"

#include <cmath>
#include <string>

#include "support/model_builder.hpp"
#include "support/thrown.hpp"
#include <doctest/doctest.h>

using lipcert::Architecture;
using lipcert::Attention;
using lipcert::end_of;
using lipcert::Error;
using lipcert::LinearMap;
using lipcert::Matrix;
using lipcert::outputs_of;
using lipcert::OutputSlice;
using lipcert::Residual;
using lipcert::Vector;
using lipcert::test::error_of;
using lipcert::test::says;
using lipcert::test::TinyModel;
using lipcert::test::TinyTensors;
using nlohmann::json;

namespace {

/// One attention whose query, key and value lie in one tensor, as these slices say.
json fused_family(const json& q, const json& k, const json& v) {
    json document = json::parse(R"json({
        "family": "fused",
        "recognise": {"tensors": {"e": ["V", "d"]}},
        "model": [
            {"embedding": {"weight": "e", "types": "t", "type_rows": 2}},
            {"repeat": 1, "index": "i", "body": [{"residual": [{"attention": {
                "q": {"weight": "{i}.qkv", "bias": "{i}.bias"},
                "k": {"weight": "{i}.qkv", "bias": "{i}.bias"},
                "v": {"weight": "{i}.qkv", "bias": "{i}.bias"},
                "o": "{i}.o", "heads": 2, "score_scale": 1, "rotary": "none",
                "causal": true}}]}]}]})json");
    json& attention = document["model"][1]["body"][0]["residual"][0]["attention"];
    attention["q"]["slice"] = q;
    attention["k"]["slice"] = k;
    attention["v"]["slice"] = v;
    return document;
}

json every(int first) {
    return {{"first", first}, {"count", 2}, {"times", 2}, {"every", 6}};
}

TinyModel fused_model() {
    TinyTensors tensors;
    tensors.matrices["e"] = Matrix::Ones(5, 4);
    tensors.matrices["t"] = Matrix::Ones(2, 4);
    tensors.matrices["0.qkv"] = Matrix::Random(12, 4);
    tensors.vectors["0.bias"] = Vector::LinSpaced(12, 0.0, 11.0);
    tensors.matrices["0.o"] = Matrix::Ones(4, 4);
    return make_model(tensors, json::object());
}

Architecture built(const json& document) {
    const TinyModel model = fused_model();
    return build_architecture(
        {"fused", "my.json", document}, *model.checkpoint, model.configuration);
}

Error refusal(const json& document) {
    return error_of([&] { (void)built(document); });
}

}  // namespace

TEST_CASE("a slice may take some outputs of each head") {
    const OutputSlice slice{2, 4, 2, 6};
    CHECK(outputs_of(slice) == std::vector<std::ptrdiff_t>{2, 3, 8, 9});
    CHECK(end_of(slice) == 10);
    CHECK(outputs_of({1, 3}) == std::vector<std::ptrdiff_t>{1, 2, 3});
    CHECK(end_of({1, 3}) == 4);
    const Architecture graph = built(fused_family(every(0), every(2), every(4)));
    const auto& residual = std::get<Residual>(graph.layers[0].modules[0].kind);
    const auto& attention = std::get<Attention>(residual.body[0].kind);
    CHECK(attention.key.slice == slice);
    CHECK(graph.embedding.types == "t");
}

TEST_CASE("an interleaved slice is read with its own rows and biases") {
    const TinyModel model = fused_model();
    LinearMap map;
    map.weight = "0.qkv";
    map.bias = "0.bias";
    map.slice = OutputSlice{2, 4, 2, 6};
    const lipcert::AffineMap read = read_affine(*model.checkpoint, map, "test");
    const Matrix whole = model.checkpoint->read(*model.checkpoint->find("0.qkv"));
    REQUIRE(read.weight.rows() == 4);
    const Matrix stored =
        read.weight.centre() * std::ldexp(1.0, static_cast<int>(read.weight.exponent()));
    CHECK(stored.row(1) == whole.row(3));
    CHECK(stored.row(2) == whole.row(8));
    const Matrix bias =
        read.bias.centre() * std::ldexp(1.0, static_cast<int>(read.bias.exponent()));
    CHECK(bias(3, 0) == 9.0);
}

TEST_CASE("interleaved slices must fit the tensor and cover it") {
    CHECK(says(refusal(fused_family(every(0), every(2), every(2))), "slices"));
    CHECK(says(refusal(fused_family(every(0), every(2), every(5))), "outputs 5 to 13 are needed"));
    json overlapping = every(0);
    overlapping["every"] = 1;
    CHECK(says(refusal(fused_family(overlapping, every(2), every(4))), "overlap"));
    json half = every(0);
    half.erase("every");
    CHECK(says(refusal(fused_family(half, every(2), every(4))), "every"));
}

TEST_CASE("a family can name tensors that must not be there") {
    json document = fused_family(every(0), every(2), every(4));
    document["recognise"]["absent"] = json::array({"0.o"});
    CHECK(says(refusal(document), "there is a tensor 0.o"));
    document["recognise"]["absent"] = json::array({"1.o"});
    CHECK(built(document).family == "fused");
}

TEST_CASE("token types must have the width of the embedding and the rows that are stated") {
    json document = fused_family(every(0), every(2), every(4));
    document["model"][0]["embedding"]["type_rows"] = 3;
    CHECK(says(refusal(document), "the number of rows is 2; expected 3"));
    document["model"][0]["embedding"]["type_rows"] = 12;
    document["model"][0]["embedding"]["types"] = "0.qkv";
    CHECK(refusal(document).kind() == lipcert::ErrorKind::architecture);
}
