#pragma once

#include <cmath>
#include <string>

#include "support/plain_layers.hpp"
#include "support/published_models.hpp"

/// What the tiny published models share.
namespace lipcert::test::published {

inline constexpr Eigen::Index kWidth = 8;
inline constexpr Eigen::Index kInner = 12;
inline constexpr Eigen::Index kHeads = 2;
inline constexpr Eigen::Index kHeadWidth = 4;
inline constexpr Eigen::Index kVocabulary = 11;
inline constexpr Eigen::Index kPositions = 6;
inline constexpr int kLayers = 2;

inline std::string numbered(const std::string& before, int layer, const std::string& after = ".") {
    return before + std::to_string(layer) + after;
}

/// Draws tensors by their names.
class Names {
public:
    Names(Random& random, TinyTensors& tensors) : random_(random), tensors_(tensors) {}

    void map(const std::string& name, Eigen::Index outputs, Eigen::Index inputs, bool bias) {
        tensors_.matrices[name + ".weight"] =
            random_.gaussian(outputs, inputs, 1.0 / std::sqrt(static_cast<double>(inputs)));
        if (bias) {
            tensors_.vectors[name + ".bias"] = random_.gaussian_vector(outputs, 0.1);
        }
    }

    void table(const std::string& name, Eigen::Index rows) {
        tensors_.matrices[name + ".weight"] = random_.gaussian(rows, kWidth);
    }

    void norm(const std::string& name, bool bias, Eigen::Index width = kWidth) {
        tensors_.vectors[name + ".weight"] =
            Vector::Ones(width) + random_.gaussian_vector(width, 0.1);
        if (bias) {
            tensors_.vectors[name + ".bias"] = random_.gaussian_vector(width, 0.1);
        }
    }

private:
    Random& random_;
    TinyTensors& tensors_;
};

inline PlainAttention causal_heads(Eigen::Index key_value_heads, Eigen::Index width, double share) {
    PlainAttention attention;
    attention.heads = kHeads;
    attention.key_value_heads = key_value_heads;
    attention.scale = 1.0 / std::sqrt(static_cast<double>(width));
    attention.rotated = static_cast<Eigen::Index>(share * static_cast<double>(width));
    return attention;
}

/// The encoders: BERT and its kin (published_encoders.cpp).
[[nodiscard]] std::vector<PublishedModel> encoders(Random& random);
/// ViT, T5's encoder, Modula (published_others.cpp).
[[nodiscard]] std::vector<PublishedModel> others(Random& random);

}  // namespace lipcert::test::published
