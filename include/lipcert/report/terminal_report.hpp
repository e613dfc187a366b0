#pragma once

#include "lipcert/certificate/certificate.hpp"
#include "lipcert/report/run_report.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace lipcert {

/// What comes first in a table of matrices.
enum class MatrixOrder {
    norm,         ///< the largest upper end of the spectral norm
    name,         ///< in alphabetical order
    stored,       ///< as the model is walked, or as the file lists them
    stable_rank,  ///< the smallest: what a few directions dominate
    width         ///< the least certain: the largest relative width of the enclosure
};

/// How a report for people is laid out.
struct TerminalStyle {
    std::size_t width = 100;  ///< columns; at least 60 are used
    bool color = false;
    bool verbose = false;  ///< every matrix, every hyper-parameter and its source
    std::size_t top = 5;   ///< matrices shown; the others are folded into one line; 0: all
    MatrixOrder order = MatrixOrder::norm;
};

/// The whole report of `certify`, lines ended by newlines. Bounds are rounded up, lower ends down.
[[nodiscard]] std::string render_certificate(const Certificate& certificate,
                                             const TerminalStyle& style);

/// The one line of `certify --quiet`.
[[nodiscard]] std::string render_verdict(const Certificate& certificate);

/// The report of a run of `certify`: of one model its certificate, of several a line for each with
/// the worst findings below (with `verbose` every certificate before). Nothing for a single model
/// that could not be certified: the error has been said.
[[nodiscard]] std::string render_run(const RunResult& run, const TerminalStyle& style);

/// Its one line.
[[nodiscard]] std::string render_run_verdict(const RunResult& run);

/// The table of `norms`.
[[nodiscard]] std::string render_norms(const ModelIdentity& model,
                                       const std::vector<MatrixBound>& matrices,
                                       const TerminalStyle& style);

}  // namespace lipcert
