#pragma once

#include "lipcert/execution/evaluate.hpp"

#include <optional>
#include <string>
#include <vector>

namespace lipcert {

/// What one block of the stem, a layer or the head wrote and used, over all tokens of a run.
struct BlockMeasurement {
    std::string name;         ///< as conditions and reports name it: "layer 0 attention"
    Observer::Extent extent;  ///< of the stream behind it
    std::optional<double> largest_score;      ///< |tau q.k|, where it attends
    std::optional<double> smallest_norm_rms;  ///< at its normalisations, where it has any
};

/// What a model did on data: measurements, never bounds.
struct Measurement {
    Evaluation evaluation;
    double largest_embedding_entry = 0.0;
    double largest_embedding_rms = 0.0;
    std::vector<BlockMeasurement> blocks;  ///< in the order of execution: stem, layers, head
    /// The smallest RMS at each normalisation, by the names of docs/conditions.md.
    std::vector<std::pair<std::string, double>> smallest_rms;
};

/// Runs the model over the sequences in float64. `progress` as in `evaluate`.
[[nodiscard]] Measurement measure(const Transformer& model,
                                  const std::vector<TokenSequence>& sequences,
                                  const std::function<void(std::size_t, std::size_t)>& progress);

/// A file of conditions in the format of docs/conditions.md: (1 - margin) times the smallest RMS at
/// every normalisation where it is positive. `data` says where the tokens came from.
[[nodiscard]] std::string conditions_text(const Measurement& measurement,
                                          double margin,
                                          const std::string& data);

}  // namespace lipcert
