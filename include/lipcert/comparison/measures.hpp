#pragma once

#include "lipcert/rounding/bound.hpp"

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lipcert {

/// A certified quantity that can get better or worse from one model to the next. `rule` and `place`
/// identify it; the order of tensors does not.
struct Measure {
    std::string rule;   ///< "max-lipschitz", "max-spectral-norm", "max-activation", "block"
    std::string place;  ///< a bound's name, a tensor, "residual stream", "layer 3 attention"
    std::optional<std::size_t> layer;
    Upper upper;
};

/// What a stored limit said.
struct StoredLimit {
    std::string kind, quantity, text;
    bool holds = false;
};

/// A stored certificate as far as it is compared.
struct Measures {
    std::string model;   ///< path as stored
    std::string sha256;  ///< of the model
    std::string domain;  ///< "all", "ball of L2 radius 12.6"
    /// What was asked for that makes the domain smaller; empty: nothing. Bounds on smaller sets are
    /// other quantities, not better ones.
    std::string restriction;
    std::vector<Measure> values;
    std::vector<StoredLimit> limits;

    /// nullptr where it is not there.
    [[nodiscard]] const Measure* find(std::string_view rule, std::string_view place) const;
};

/// Reads schema "lipcert-certificate-1". Throws Error{input} that names `where` and the field for
/// anything else.
[[nodiscard]] Measures read_measures(const nlohmann::json& certificate, const std::string& where);

/// Bounds are printed with six digits, and another machine's BLAS moves the last one: what is above
/// by at most this part of it counts as the same.
constexpr double kComparisonTolerance = 1e-5;

/// `now` is above `before` by more than `tolerance` (relative).
[[nodiscard]] bool is_worse(const Upper& now, const Upper& before, double tolerance);

}  // namespace lipcert
