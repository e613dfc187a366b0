#pragma once

#include "lipcert/bounds/block_extents.hpp"
#include "lipcert/certificate/certificate.hpp"
#include "lipcert/execution/attack.hpp"
#include "lipcert/execution/measurement.hpp"
#include "lipcert/execution/witness.hpp"
#include "lipcert/report/terminal_report.hpp"

#include <optional>
#include <string>
#include <vector>

namespace lipcert {

/// What is certified of a measured block, over the ball of the embeddings. Nothing of a stream
/// whose gamma and beta are counted with what reads it.
struct CertifiedBlock {
    std::optional<Upper> largest_entry, largest_rms, largest_score;
};

/// One for each block of the measurement, in its order.
[[nodiscard]] std::vector<CertifiedBlock> certified_blocks(const std::vector<BlockExtent>& extents,
                                                           const Measurement& measurement);

/// What running a model showed, beside what is certified of it.
struct ProbeResult {
    Certificate certificate;
    std::string data;  ///< where the tokens came from, in words
    std::optional<Measurement> measurement;
    std::optional<Witnesses> witnesses;
    std::string witness_file;  ///< where the network's witness is stored; empty: nowhere
    std::vector<AttackPoint> attack;
    /// What is certified beside the measurement, one for each of its blocks.
    std::vector<CertifiedBlock> certified;
};

[[nodiscard]] std::string render_probe(const ProbeResult& result, const TerminalStyle& style);

/// The table of upper and lower bounds, block by block and for the network.
[[nodiscard]] std::string witness_table(const Witnesses& witnesses, const TerminalStyle& style);

/// schema "lipcert-probe-1".
[[nodiscard]] std::string probe_json(const ProbeResult& result);

/// The row of arXiv 2507.13338's table with its head, for a measurement: model, largest activation
/// (measured, certified), stability measures, accuracy, loss, median margin over the bound of a
/// logit difference, Lipschitz bound; and which low-precision formats hold every activation.
[[nodiscard]] std::string probe_markdown(const ProbeResult& result);

/// Accuracy under attack and by measured margins over the radius; a figure of its own.
[[nodiscard]] std::string attack_svg(const std::vector<AttackPoint>& points);

/// A format that activations may be stored in.
struct LowPrecision {
    std::string name;
    double largest = 0.0;         ///< finite number
    bool by_measurement = false;  ///< holds every activation that was measured
    bool by_certificate = false;  ///< holds every activation of the residual stream that can occur
};

/// float16, bfloat16, fp8 E4M3 and E5M2. About overflow only: rounding is another matter.
[[nodiscard]] std::vector<LowPrecision> low_precision(const Measurement& measurement,
                                                      const NetworkBounds& bounds);

}  // namespace lipcert
