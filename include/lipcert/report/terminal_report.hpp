#pragma once

#include "lipcert/certificate/certificate.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace lipcert {

/// How a report for people is laid out.
struct TerminalStyle {
    std::size_t width = 100;  ///< columns; at least 60 are used
    bool color = false;
    bool verbose = false;  ///< every matrix, every hyper-parameter and its source
    std::size_t top = 5;   ///< matrices shown in a certificate; the others are folded into one line
};

/// The whole report of `certify`, lines ended by newlines. Bounds are rounded up, lower ends down.
[[nodiscard]] std::string render_certificate(const Certificate& certificate,
                                             const TerminalStyle& style);

/// The one line of `certify --quiet`.
[[nodiscard]] std::string render_verdict(const Certificate& certificate);

/// The table of `norms`: every matrix, in the order given.
[[nodiscard]] std::string render_norms(const ModelIdentity& model,
                                       const std::vector<MatrixBound>& matrices,
                                       const TerminalStyle& style);

}  // namespace lipcert
