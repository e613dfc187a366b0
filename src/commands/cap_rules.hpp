#pragma once

#include "lipcert/capping/cap_items.hpp"

#include <optional>
#include <string>

#include "commands/options.hpp"

namespace lipcert {

/// A limit beyond every double: everything is in scope and nothing has to move.
constexpr const char* kNoLimit = "1e400";

/// A method that promises no limit unless it is repeated.
[[nodiscard]] inline bool is_decay(CapMethod method) {
    return method == CapMethod::weight_decay || method == CapMethod::spectral_decay;
}

/// What --limit, --embedding-limit, --norm and --exclude say. `everywhere` is a limit on every
/// linear map that comes before the user's own. Throws Error{usage} where there is no limit at all.
[[nodiscard]] LimitRules limit_rules(const CapArguments& arguments,
                                     const std::optional<std::string>& everywhere);

}  // namespace lipcert
