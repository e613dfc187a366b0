#pragma once

#include "lipcert/architecture/graph.hpp"
#include "lipcert/certificate/certificate.hpp"

#include <string>

namespace lipcert {

/// Throws Error{usage} with the names that the model has where `block` is none of them: those that
/// conditions use too ("layer 0 attention").
void require_block(const Architecture& architecture, const std::string& block);

/// What each rule gives for one block, part by part, the least of each part marked. Values are
/// rounded up.
[[nodiscard]] std::string block_explanation(const Certificate& certificate,
                                            const std::string& block);

}  // namespace lipcert
