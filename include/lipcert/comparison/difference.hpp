#pragma once

#include "lipcert/comparison/measures.hpp"

#include <optional>
#include <string>
#include <vector>

namespace lipcert {

enum class ChangeState { same, better, worse, added, removed };

[[nodiscard]] std::string name_of(ChangeState state);

/// One quantity in two certificates.
struct Change {
    std::string rule, place;
    std::optional<Upper> before, now;
    ChangeState state = ChangeState::same;
    double log10_ratio = 0.0;  ///< of now over before where both are; for people and for sorting

    /// A bound or a matrix that got worse; blocks are shown and do not decide, because a block's
    /// constant also depends on what comes before it.
    [[nodiscard]] bool is_regression() const;
};

/// A limit that held and does not hold any more.
struct BrokenLimit {
    std::string kind, quantity, text;
};

struct Difference {
    Measures now, before;
    std::vector<Change> changes;  ///< in the order of `now`, then what was removed
    std::vector<BrokenLimit> broken;

    [[nodiscard]] bool has_regression() const;
};

/// Compares by rule and place. `tolerance` (relative, >= 0): see `is_worse`.
[[nodiscard]] Difference compare(Measures now, Measures before, double tolerance);

}  // namespace lipcert
