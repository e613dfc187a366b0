#pragma once

#include "lipcert/certificate/certificate.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace lipcert {

/// What became of a quantity that was held against a limit or a baseline.
enum class CheckState {
    holds,     ///< proved to be at most the limit
    known,     ///< beyond the limit, but no worse than the baseline says: no finding
    waived,    ///< beyond the limit or worse than the baseline, and a waiver says why: no finding
    exceeded,  ///< not proved to be at most the limit: a finding
    worse      ///< above what the baseline says: a finding
};

[[nodiscard]] std::string name_of(CheckState state);

/// One quantity against one limit. `rule` and `place` name it for good: neither depends on the
/// order of tensors or on other findings.
struct Check {
    std::string rule;   ///< "max-lipschitz", "max-spectral-norm", "max-activation"
    std::string place;  ///< a bound's name, a tensor, "residual stream"
    std::optional<std::size_t> layer;
    std::string limit;  ///< as the user wrote it, or as the baseline has it
    Upper actual;
    CheckState state = CheckState::holds;
    std::string reason;  ///< of the waiver

    [[nodiscard]] bool is_finding() const {
        return state == CheckState::exceeded || state == CheckState::worse;
    }
};

/// Every limit of the certificate, that on spectral norms once for each matrix.
[[nodiscard]] std::vector<Check> checks_of(const Certificate& certificate);

/// How far beyond its limit, as a factor rounded up; for sorting only.
[[nodiscard]] Upper excess(const Check& check);

}  // namespace lipcert
