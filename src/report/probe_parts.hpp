#pragma once

#include "lipcert/report/probe_report.hpp"

#include <string>
#include <vector>

#include "report/json_parts.hpp"

namespace lipcert {

/// The largest |entry| of the residual stream that was measured: embeddings and all blocks but
/// those of the head.
[[nodiscard]] double largest_activation(const Measurement& measurement);

/// Half of the margins are at most this. NaN where there are none.
[[nodiscard]] double median(std::vector<double> values);

/// The columns of the table of the paper, and a model's cells.
struct PaperRow {
    std::vector<std::string> titles, cells;
};

[[nodiscard]] PaperRow paper_row(const ProbeResult& result);

/// {"blocks", "witness", "witness_logits"}; `file`: where the network's inputs are stored.
[[nodiscard]] Json witnesses_json(const Witnesses& witnesses, const std::string& file);

}  // namespace lipcert
