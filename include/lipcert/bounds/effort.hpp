#pragma once

#include <map>
#include <string>

namespace lipcert {

/// How much time goes into tight bounds; every choice gives valid ones.
enum class Effort {
    fast,      ///< closed forms only: what plans are made with
    standard,  ///< also what needs a search [R10] [R11] [R12] [R20], and [R30] on narrow streams
    max        ///< longer searches, and [R30] on streams of every width
};

/// By the names that users and certificates give: "fast", "default", "max".
[[nodiscard]] const std::map<std::string, Effort>& efforts_by_name();

[[nodiscard]] std::string name_of(Effort effort);

}  // namespace lipcert
