#include "lipcert/architecture/description.hpp"
#include "lipcert/architecture/weight_use.hpp"
#include "lipcert/error.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>

#include "support/published_models.hpp"
#include "support/thrown.hpp"
#include <doctest/doctest.h>

using lipcert::Architecture;
using lipcert::architecture_of;
using lipcert::Error;
using lipcert::Matrix;
using lipcert::test::error_of;
using lipcert::test::ForwardModel;
using lipcert::test::make_model;
using lipcert::test::published_models;
using lipcert::test::PublishedModel;
using lipcert::test::Random;
using lipcert::test::says;
using lipcert::test::Stream;
using lipcert::test::TinyModel;
using lipcert::test::TinyTensors;

namespace {

Architecture graph_of(const TinyModel& model) {
    return architecture_of(*model.checkpoint, model.configuration);
}

const PublishedModel& of_family(const std::vector<PublishedModel>& models,
                                const std::string& family) {
    const auto found = std::find_if(models.begin(), models.end(), [&](const PublishedModel& model) {
        return model.family == family;
    });
    REQUIRE(found != models.end());
    return *found;
}

std::map<std::string, std::string> roles(const Architecture& graph) {
    std::map<std::string, std::string> result;
    for (const lipcert::Role& role : roles_of(graph)) {
        result[role.tensor] = role.role;
    }
    return result;
}

Error refusal(const PublishedModel& model, const nlohmann::json& changes) {
    nlohmann::json configuration = model.configuration;
    configuration.update(changes);
    const TinyModel tiny = make_model(model.tensors, configuration);
    return error_of([&] { (void)graph_of(tiny); });
}

}  // namespace

TEST_CASE("every published family is recognised, and its graph computes what its class computes") {
    Random random(81);
    const std::vector<PublishedModel> models = published_models(random);
    CHECK(models.size() == 24);
    for (const PublishedModel& model : models) {
        CAPTURE(model.family);
        const TinyModel tiny = make_model(model.tensors, model.configuration);
        const Architecture graph = graph_of(tiny);
        CHECK(graph.family == model.family);
        CHECK(graph.layers.size() == 2);
        const ForwardModel forward(graph, *tiny.checkpoint, model.rotation);
        for (int i = 0; i < 3; ++i) {
            const Matrix stream = random.gaussian(5, 8, 1.5);
            const Matrix computed = forward.logits(Stream<double>(stream));
            const Matrix expected = model.forward(model.tensors, stream);
            REQUIRE(computed.rows() == expected.rows());
            REQUIRE(computed.cols() == expected.cols());
            CHECK((computed - expected).norm() <= 1e-11 * (1.0 + expected.norm()));
        }
    }
}

TEST_CASE("every tensor of a published model has a role or is ignored by name and shape") {
    Random random(82);
    for (const PublishedModel& model : published_models(random)) {
        CAPTURE(model.family);
        const TinyModel tiny = make_model(model.tensors, model.configuration);
        const Architecture graph = graph_of(tiny);
        std::set<std::string> known(graph.ignored.begin(), graph.ignored.end());
        CHECK(known.size() == (model.family == "bert" ? 2 : 0));
        for (const auto& [tensor, role] : roles(graph)) {
            known.insert(tensor);
        }
        CHECK(known.size() == tiny.checkpoint->tensors().size());
        CHECK(graph.placements.size() + graph.ignored.size() == known.size());
    }
}

TEST_CASE("the roles of a few published tensors are what their names say") {
    Random random(83);
    const std::vector<PublishedModel> models = published_models(random);
    const auto role = [&](const std::string& family, const std::string& tensor) {
        const PublishedModel& model = of_family(models, family);
        return roles(graph_of(make_model(model.tensors, model.configuration))).at(tensor);
    };
    CHECK(role("gpt-neox", "gpt_neox.layers.1.attention.query_key_value.weight") ==
          "fused query key value");
    CHECK(role("gpt-neox", "embed_out.weight") == "unembedding");
    CHECK(role("phi3", "model.layers.0.mlp.gate_up_proj.weight") == "fused gate up");
    CHECK(role("qwen3", "model.layers.0.self_attn.k_norm.weight") == "key norm");
    CHECK(role("opt", "model.decoder.embed_positions.weight") == "position");
    CHECK(role("bert", "bert.embeddings.token_type_embeddings.weight") == "token type");
    CHECK(role("bert-classifier", "bert.pooler.dense.bias") == "linear bias");
    CHECK(role("roberta-classifier", "classifier.out_proj.weight") == "unembedding");
    CHECK(role("phi", "lm_head.bias") == "unembedding bias");
    CHECK(role("bert-masked-lm", "cls.predictions.transform.dense.weight") == "linear");
    CHECK(role("roberta-masked-lm", "lm_head.bias") == "unembedding bias");
    CHECK(role("vit", "vit.embeddings.patch_embeddings.projection.weight") == "linear");
    CHECK(role("vit-classifier", "vit.embeddings.cls_token") == "constant token");
    CHECK(role("t5-encoder",
               "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight") ==
          "relative bias");
    CHECK(role("t5-encoder-gated", "encoder.block.1.layer.1.DenseReluDense.wi_1.weight") == "up");
    CHECK(role("distilbert-classifier", "pre_classifier.weight") == "mlp in");
    CHECK(role("modula", "blocks.1.attn.c_proj.weight") == "attention output");
    CHECK(role("gemma", "model.layers.1.mlp.up_proj.weight") == "up");
    CHECK(role("gemma2", "model.layers.0.post_feedforward_layernorm.weight") == "norm");
}

TEST_CASE("a published model whose class would compute something else is refused") {
    Random random(84);
    const std::vector<PublishedModel> models = published_models(random);
    CHECK(says(refusal(of_family(models, "opt"), {{"do_layer_norm_before", false}}),
               "do_layer_norm_before"));
    CHECK(says(refusal(of_family(models, "phi"), {{"qk_layernorm", true}}), "qk_layernorm"));
    CHECK(says(refusal(of_family(models, "bert"), {{"position_embedding_type", "relative_key"}}),
               "position_embedding_type"));
    CHECK(says(refusal(of_family(models, "bert"), {{"is_decoder", true}}), "is_decoder"));
    CHECK(says(refusal(of_family(models, "gemma"), {{"hidden_act", "silu"}}), "hidden_act"));
    CHECK(says(refusal(of_family(models, "gemma"), {{"model_type", "gemma2"}}), "gemma2"));
    CHECK(says(refusal(of_family(models, "gemma2"), {{"attn_logit_softcapping", nullptr}}),
               "attn_logit_softcapping"));
    CHECK(says(refusal(of_family(models, "gemma2"), {{"final_logit_softcapping", 0.0}}),
               "final_logit_softcapping"));
    CHECK(says(refusal(of_family(models, "gemma2"), {{"query_pre_attn_scalar", nullptr}}),
               "query_pre_attn_scalar"));
    CHECK(says(refusal(of_family(models, "gemma2"), {{"hidden_activation", "gelu"}}),
               "hidden_activation"));
    CHECK(
        says(refusal(of_family(models, "gemma2"), {{"model_type", "gemma3_text"}}), "model_type"));
    CHECK(says(refusal(of_family(models, "phi3"), {{"rope_scaling", {{"type", "longrope"}}}}),
               "rope_scaling"));
    CHECK(says(refusal(of_family(models, "gpt-neox"), {{"rotary_pct", 2.0}}), "rotary_pct"));
    CHECK(says(refusal(of_family(models, "qwen3"), {{"attention_bias", true}}), "attention_bias"));
    CHECK(says(refusal(of_family(models, "nanogpt-lipschitz"), {{"attention_output_scale", 0.5}}),
               "is no key of family nanogpt-lipschitz"));
    CHECK(says(refusal(of_family(models, "nanogpt-lipschitz"), {{"w_max", nullptr}}), "w_max"));
    CHECK(says(refusal(of_family(models, "t5-encoder"), {{"feed_forward_proj", "gated-gelu"}}),
               "feed_forward_proj"));
    CHECK(says(refusal(of_family(models, "t5-encoder"), {{"is_decoder", true}}), "is_decoder"));
    CHECK(says(refusal(of_family(models, "t5-encoder-gated"), {{"feed_forward_proj", nullptr}}),
               "feed_forward_proj"));
    CHECK(says(refusal(of_family(models, "vit"), {{"patch_size", 4}}), "expected 8 x 32"));
    CHECK(says(refusal(of_family(models, "vit"), {{"qkv_bias", false}}), "qkv_bias"));
    CHECK(says(refusal(of_family(models, "vit"), {{"largest_pixel", nullptr}}), "largest_pixel"));
    CHECK(says(refusal(of_family(models, "bert-masked-lm"), {{"tie_word_embeddings", false}}),
               "tie_word_embeddings"));
    CHECK(says(refusal(of_family(models, "modula"), {{"layernorm_substitute", "batchnorm"}}),
               "layernorm_substitute"));
    CHECK(says(refusal(of_family(models, "modula-tanh"), {{"softmax_scale", nullptr}}),
               "softmax_scale"));
}

TEST_CASE("caps, scales and both norms of a branch of Gemma 2 are where its class has them") {
    Random random(89);
    const std::vector<PublishedModel> models = published_models(random);
    const PublishedModel& model = of_family(models, "gemma2");
    const Architecture graph = graph_of(make_model(model.tensors, model.configuration));
    const auto is_about = [](const lipcert::Interval& interval, double value) {
        return interval.magnitude() >= lipcert::Upper::exact(value * (1.0 - 1e-15)) &&
               interval.magnitude() <= lipcert::Upper::exact(value * (1.0 + 1e-15));
    };
    const auto& branch = std::get<lipcert::Residual>(graph.layers.at(1).modules.front().kind).body;
    REQUIRE(branch.size() == 3);
    CHECK(std::get<lipcert::Normalisation>(branch.front().kind).weight_plus_one);
    CHECK(std::get<lipcert::Normalisation>(branch.back().kind).weight ==
          "model.layers.1.post_attention_layernorm.weight");
    const auto& attention = std::get<lipcert::Attention>(branch.at(1).kind);
    REQUIRE(attention.score_cap);
    CHECK(is_about(*attention.score_cap, 2.0));
    CHECK(is_about(attention.score_scale, 1.0 / 3.0));
    REQUIRE(graph.after_unembedding.size() == 1);
    CHECK(is_about(std::get<lipcert::SoftCap>(graph.after_unembedding.front().kind).cap, 3.0));
    CHECK(is_about(graph.embedding.scale, std::sqrt(8.0)));
}

TEST_CASE("a head that a published encoder's family does not describe stops certification") {
    Random random(85);
    const std::vector<PublishedModel> models = published_models(random);
    for (const char* name : {"bert", "distilbert"}) {
        PublishedModel model = of_family(models, name);
        model.tensors.matrices["qa_outputs.weight"] = Matrix::Ones(2, 8);
        CHECK(says(refusal(model, nlohmann::json::object()), "has no place in family"));
    }
    PublishedModel tokens = of_family(models, "bert");
    tokens.tensors.matrices["classifier.weight"] = Matrix::Ones(3, 8);
    for (const char* part : {"weight", "bias"}) {
        tokens.tensors.matrices.erase(std::string("bert.pooler.dense.") + part);
        tokens.tensors.vectors.erase(std::string("bert.pooler.dense.") + part);
    }
    CHECK(refusal(tokens, nlohmann::json::object()).kind() == lipcert::ErrorKind::architecture);
}

TEST_CASE("the head of a masked language model is tied to the embeddings, or refused") {
    Random random(87);
    PublishedModel model = of_family(published_models(random), "distilbert-masked-lm");
    CHECK(graph_of(make_model(model.tensors, model.configuration)).unembedding->weight ==
          "vocab_projector.weight");
    model.tensors.matrices["vocab_projector.weight"](0, 0) += 1.0;
    CHECK(says(refusal(model, nlohmann::json::object()), "is stored and differs from"));
    model.tensors.matrices.erase("vocab_projector.weight");
    CHECK(graph_of(make_model(model.tensors, model.configuration)).unembedding->weight ==
          "distilbert.embeddings.word_embeddings.weight");

    PublishedModel bert = of_family(published_models(random), "bert-masked-lm");
    bert.tensors.vectors["cls.predictions.decoder.bias"] =
        bert.tensors.vectors.at("cls.predictions.bias");
    CHECK(graph_of(make_model(bert.tensors, bert.configuration)).ignored.size() == 1);
    bert.tensors.vectors["cls.predictions.decoder.bias"](3) += 1.0;
    CHECK(says(refusal(bert, nlohmann::json::object()), "only a copy of cls.predictions.bias"));
}

TEST_CASE("a decoder beside the encoder of T5, or another table of embeddings, is refused") {
    Random random(88);
    const PublishedModel t5 = of_family(published_models(random), "t5-encoder");
    PublishedModel model = t5;
    model.tensors.matrices["decoder.block.0.layer.0.SelfAttention.q.weight"] = Matrix::Ones(8, 8);
    CHECK(says(refusal(model, nlohmann::json::object()), "has no place in family t5-encoder"));
    model = t5;
    model.tensors.matrices["encoder.embed_tokens.weight"] = model.tensors.matrices["shared.weight"];
    CHECK(graph_of(make_model(model.tensors, model.configuration)).ignored.size() == 1);
    model.tensors.matrices["encoder.embed_tokens.weight"](0, 0) += 1.0;
    CHECK(says(refusal(model, nlohmann::json::object()), "only a copy of shared.weight"));
}

TEST_CASE("buffers of published models are ignored in their own shape only") {
    Random random(86);
    PublishedModel model = of_family(published_models(random), "gpt-neox");
    model.tensors.vectors["gpt_neox.layers.0.attention.rotary_emb.inv_freq"] =
        lipcert::Vector::Ones(1);
    CHECK(graph_of(make_model(model.tensors, model.configuration)).ignored.size() == 1);
    model.tensors.matrices["gpt_neox.layers.0.attention.bias"] = Matrix::Ones(6, 6);
    CHECK(says(refusal(model, nlohmann::json::object()), "only 1 x 1 x 6 x 6 is ignored"));
}
