#pragma once

#include "lipcert/certificate/checks.hpp"
#include "lipcert/comparison/measures.hpp"

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace lipcert {

/// The value that a quantity had when it was accepted.
struct BaselineEntry {
    std::string rule, place;
    std::string upper;  ///< a decimal, rounded up
};

/// Someone's decision that a finding does not count, until a day.
struct Waiver {
    std::string rule;     ///< exactly, or "*"
    std::string place;    ///< a glob over places
    std::string reason;   ///< not empty
    std::string expires;  ///< "2026-12-31": the last day on which it counts
};

/// What got accepted, and what is waived: schema "lipcert-baseline-1".
struct Baseline {
    std::vector<BaselineEntry> entries;
    std::vector<Waiver> waivers;
};

/// Throws Error{usage} that names `where` and the field for anything but a baseline; a waiver
/// without reason or expiry is none.
[[nodiscard]] Baseline read_baseline(const nlohmann::json& stored, const std::string& where);

[[nodiscard]] nlohmann::ordered_json baseline_json(const Baseline& baseline);

/// Every bound and matrix of a certificate as it is.
[[nodiscard]] Baseline new_baseline(const Measures& measures);

/// What an update did.
struct BaselineUpdate {
    Baseline baseline;
    std::size_t lowered = 0;   ///< now smaller
    std::size_t dropped = 0;   ///< no longer there
    std::size_t exceeded = 0;  ///< worse than the baseline, which stays
};

/// Entries only get smaller or vanish; nothing is added or raised, waivers stay.
[[nodiscard]] BaselineUpdate shrink(const Baseline& baseline,
                                    const Measures& measures,
                                    double tolerance);

/// Checks after a baseline, and what to tell the user about its waivers.
struct BaselineVerdict {
    std::vector<Check> checks;
    std::vector<std::string> notices;
};

/// A quantity with an entry is a finding only where it got worse than the entry; one without an
/// entry only where it exceeds its limit. Waivers that have not expired on `today` ("2026-11-25")
/// then take findings back; unused and expired ones are reported.
[[nodiscard]] BaselineVerdict apply_baseline(std::vector<Check> checks,
                                             const Measures& measures,
                                             const Baseline& baseline,
                                             double tolerance,
                                             const std::string& today);

}  // namespace lipcert
