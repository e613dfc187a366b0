#pragma once

#include "lipcert/capping/frontier.hpp"
#include "lipcert/certificate/certificate.hpp"
#include "lipcert/report/terminal_report.hpp"

#include <string>
#include <vector>

namespace lipcert {

/// The trade-off curve of a checkpoint: its limits against the certified bound and the change.
struct Frontier {
    ModelIdentity model;
    std::string method;
    std::string bound;  ///< the bound that is shown: "max_token_rms"
    std::vector<FrontierPoint> points;
};

/// One line per limit. Bounds and changes are rounded up.
[[nodiscard]] std::string render_frontier(const Frontier& frontier);
/// The same with one column per matrix; fields that need it are quoted.
[[nodiscard]] std::string frontier_csv(const Frontier& frontier);
/// log10 of the bound over the relative change, one labelled dot per limit; a figure of its own,
/// without scripts or fonts from elsewhere.
[[nodiscard]] std::string frontier_svg(const Frontier& frontier);
/// schema "lipcert-frontier-1".
[[nodiscard]] std::string frontier_json(const Frontier& frontier);

}  // namespace lipcert
