#pragma once

#include "lipcert/capping/cap_run.hpp"
#include "lipcert/certificate/certificate.hpp"
#include "lipcert/checkpoint/checkpoint_edit.hpp"

#include <optional>
#include <string>
#include <vector>

namespace lipcert {

/// What a run of `cap` did, for reports.
struct CapOutcome {
    ModelIdentity model;  ///< what was capped
    CapSettings settings;
    LimitNorm norm = LimitNorm::l2;
    std::vector<CapRow> rows;
    std::optional<NetworkBounds> before, after;  ///< none without an architecture
    std::optional<CapTarget> target;
    bool holds = false;         ///< every limit, and the target
    bool meets_target = false;  ///< the target alone
    std::optional<double> log10_floor;
    std::string obstacle;  ///< why the target is not met, where a stored type is why
    bool dry_run = false;
    std::optional<EditResult> written;  ///< none where nothing was written
};

}  // namespace lipcert
