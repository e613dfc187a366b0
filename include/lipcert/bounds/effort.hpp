#pragma once

namespace lipcert {

/// How much time goes into tight bounds; every choice gives valid ones.
enum class Effort {
    fast,     ///< closed forms only: what plans are made with
    standard  ///< also what needs a search [R10, R12]
};

}  // namespace lipcert
