#include <utility>

#include "support/published_parts.hpp"

namespace lipcert::test::published {

namespace {

using nlohmann::json;

// BERT's kin: norms after each sum, no mask.

struct BertNames {
    std::string prefix, layer, query, key, value, output, first_norm, in, out, second_norm;
};

const BertNames kBert = {"bert.",
                         "encoder.layer.",
                         "attention.self.query",
                         "attention.self.key",
                         "attention.self.value",
                         "attention.output.dense",
                         "attention.output.LayerNorm",
                         "intermediate.dense",
                         "output.dense",
                         "output.LayerNorm"};
const BertNames kDistilBert = {"distilbert.",
                               "transformer.layer.",
                               "attention.q_lin",
                               "attention.k_lin",
                               "attention.v_lin",
                               "attention.out_lin",
                               "sa_layer_norm",
                               "ffn.lin1",
                               "ffn.lin2",
                               "output_layer_norm"};

void draw_encoder(Names& names, const BertNames& n, bool types) {
    names.table(n.prefix + "embeddings.word_embeddings", kVocabulary);
    names.table(n.prefix + "embeddings.position_embeddings", kPositions);
    if (types) {
        names.table(n.prefix + "embeddings.token_type_embeddings", 2);
    }
    names.norm(n.prefix + "embeddings.LayerNorm", true);
    for (int i = 0; i < kLayers; ++i) {
        const std::string layer = numbered(n.prefix + n.layer, i);
        for (const std::string& map : {n.query, n.key, n.value, n.output}) {
            names.map(layer + map, kWidth, kWidth, true);
        }
        names.map(layer + n.in, kInner, kWidth, true);
        names.map(layer + n.out, kWidth, kInner, true);
        names.norm(layer + n.first_norm, true);
        names.norm(layer + n.second_norm, true);
    }
}

Matrix encode(const PlainLayers& layers, const BertNames& n, double epsilon, const Matrix& stream) {
    PlainAttention attention = causal_heads(kHeads, kHeadWidth, 0.0);
    attention.causal = false;
    Matrix x = layers.layer_norm(n.prefix + "embeddings.LayerNorm", stream, epsilon);
    for (int i = 0; i < kLayers; ++i) {
        const std::string layer = numbered(n.prefix + n.layer, i);
        const Matrix attended = layers.linear(layer + n.output,
                                              attend(attention,
                                                     layers.linear(layer + n.query, x),
                                                     layers.linear(layer + n.key, x),
                                                     layers.linear(layer + n.value, x)));
        x = layers.layer_norm(layer + n.first_norm, x + attended, epsilon);
        const Matrix hidden = gelu(layers.linear(layer + n.in, x));
        x = layers.layer_norm(
            layer + n.second_norm, x + layers.linear(layer + n.out, hidden), epsilon);
    }
    return x;
}

json bert_configuration(const std::string& type, double epsilon) {
    return {{"model_type", type},
            {"num_hidden_layers", kLayers},
            {"num_attention_heads", kHeads},
            {"hidden_size", kWidth},
            {"intermediate_size", kInner},
            {"vocab_size", kVocabulary},
            {"max_position_embeddings", kPositions},
            {"type_vocab_size", 2},
            {"layer_norm_eps", epsilon},
            {"hidden_act", "gelu"},
            {"position_embedding_type", "absolute"}};
}

PublishedModel bert(Random& random) {
    PublishedModel model;
    model.family = "bert";
    Names names(random, model.tensors);
    draw_encoder(names, kBert, true);
    names.map("bert.pooler.dense", kWidth, kWidth, true);
    model.configuration = bert_configuration("bert", 1e-6);
    model.forward = [](const TinyTensors& tensors, const Matrix& stream) {
        return encode(PlainLayers(tensors), kBert, 1e-6, stream);
    };
    return model;
}

PublishedModel bert_classifier(Random& random, bool is_roberta) {
    PublishedModel model;
    model.family = is_roberta ? "roberta-classifier" : "bert-classifier";
    BertNames n = kBert;
    n.prefix = is_roberta ? "roberta." : "bert.";
    const std::string dense = is_roberta ? "classifier.dense" : "bert.pooler.dense";
    const std::string classes = is_roberta ? "classifier.out_proj" : "classifier";
    Names names(random, model.tensors);
    draw_encoder(names, n, true);
    names.map(dense, kWidth, kWidth, true);
    names.map(classes, 3, kWidth, true);
    model.configuration = bert_configuration(is_roberta ? "roberta" : "bert", 1e-5);
    model.forward = [n, dense, classes](const TinyTensors& tensors, const Matrix& stream) {
        const PlainLayers layers(tensors);
        const Matrix pooled = layers.linear(dense, encode(layers, n, 1e-5, stream)).array().tanh();
        return layers.linear(classes, pooled);
    };
    return model;
}

PublishedModel distilbert(Random& random) {
    PublishedModel model;
    model.family = "distilbert";
    Names names(random, model.tensors);
    draw_encoder(names, kDistilBert, false);
    model.configuration = {{"model_type", "distilbert"},
                           {"n_layers", kLayers},
                           {"n_heads", kHeads},
                           {"dim", kWidth},
                           {"hidden_dim", kInner},
                           {"vocab_size", kVocabulary},
                           {"max_position_embeddings", kPositions},
                           {"activation", "gelu"}};
    model.forward = [](const TinyTensors& tensors, const Matrix& stream) {
        return encode(PlainLayers(tensors), kDistilBert, 1e-12, stream);
    };
    return model;
}

PublishedModel distilbert_classifier(Random& random) {
    PublishedModel model = distilbert(random);
    model.family = "distilbert-classifier";
    Names names(random, model.tensors);
    names.map("pre_classifier", kWidth, kWidth, true);
    names.map("classifier", 2, kWidth, true);
    model.forward = [](const TinyTensors& tensors, const Matrix& stream) {
        const PlainLayers layers(tensors);
        return layers.linear(
            "classifier",
            relu(layers.linear("pre_classifier", encode(layers, kDistilBert, 1e-12, stream))));
    };
    return model;
}

PublishedModel masked_lm(Random& random, bool is_roberta) {
    PublishedModel model;
    model.family = is_roberta ? "roberta-masked-lm" : "bert-masked-lm";
    BertNames n = kBert;
    n.prefix = is_roberta ? "roberta." : "bert.";
    const std::string head = is_roberta ? "lm_head." : "cls.predictions.";
    const std::string dense = is_roberta ? "lm_head.dense" : "cls.predictions.transform.dense";
    const std::string norm =
        is_roberta ? "lm_head.layer_norm" : "cls.predictions.transform.LayerNorm";
    Names names(random, model.tensors);
    draw_encoder(names, n, true);
    names.map(dense, kWidth, kWidth, true);
    names.norm(norm, true);
    model.tensors.vectors[head + "bias"] = random.gaussian_vector(kVocabulary, 0.1);
    model.configuration = bert_configuration(is_roberta ? "roberta" : "bert", 1e-5);
    model.forward = [n, head, dense, norm](const TinyTensors& tensors, const Matrix& stream) {
        const PlainLayers layers(tensors);
        const Matrix hidden = gelu(layers.linear(dense, encode(layers, n, 1e-5, stream)));
        Matrix logits = layers.times_transposed(n.prefix + "embeddings.word_embeddings.weight",
                                                layers.layer_norm(norm, hidden, 1e-5));
        logits.rowwise() += tensors.vectors.at(head + "bias").transpose();
        return logits;
    };
    return model;
}

PublishedModel distilbert_masked_lm(Random& random) {
    PublishedModel model = distilbert(random);
    model.family = "distilbert-masked-lm";
    Names names(random, model.tensors);
    names.map("vocab_transform", kWidth, kWidth, true);
    names.norm("vocab_layer_norm", true);
    names.map("vocab_projector", kVocabulary, kWidth, true);
    model.tensors.matrices["vocab_projector.weight"] =
        model.tensors.matrices.at("distilbert.embeddings.word_embeddings.weight");
    model.forward = [](const TinyTensors& tensors, const Matrix& stream) {
        const PlainLayers layers(tensors);
        const Matrix hidden =
            gelu(layers.linear("vocab_transform", encode(layers, kDistilBert, 1e-12, stream)));
        return layers.linear("vocab_projector",
                             layers.layer_norm("vocab_layer_norm", hidden, 1e-12));
    };
    return model;
}

}  // namespace

std::vector<PublishedModel> encoders(Random& random) {
    std::vector<PublishedModel> models;
    models.push_back(bert(random));
    models.push_back(bert_classifier(random, false));
    models.push_back(bert_classifier(random, true));
    models.push_back(distilbert(random));
    models.push_back(distilbert_classifier(random));
    models.push_back(distilbert_masked_lm(random));
    models.push_back(masked_lm(random, false));
    models.push_back(masked_lm(random, true));
    return models;
}

}  // namespace lipcert::test::published
