#pragma once

#include "lipcert/capping/cap_items.hpp"

#include <optional>
#include <string>

#include "commands/options.hpp"

namespace lipcert {

/// A limit beyond every double: everything is in scope and nothing has to move.
constexpr const char* kNoLimit = "1e400";

/// What --limit, --embedding-limit, --norm and --exclude say. `everywhere` is a limit on every
/// linear map that comes before the user's own. Throws Error{usage} where there is no limit at all.
[[nodiscard]] LimitRules limit_rules(const CapArguments& arguments,
                                     const std::optional<std::string>& everywhere);

}  // namespace lipcert
