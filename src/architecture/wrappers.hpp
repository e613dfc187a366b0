#pragma once

#include "lipcert/checkpoint/checkpoint.hpp"

#include <string>
#include <vector>

namespace lipcert {

/// The beginnings under which the tensor `name` is in the checkpoint: "" where it is there as it is
/// called, and any sequence of the words of src/architecture/wrappers.json ("_orig_mod.",
/// "model.module.", ...). Shortest first.
[[nodiscard]] std::vector<std::string> wrappers_around(const std::string& name,
                                                       const Checkpoint& checkpoint);

/// `name`, or the name that older programs gave the same tensor where the checkpoint has that and
/// not `name`.
[[nodiscard]] std::string spelling_in(const Checkpoint& checkpoint, const std::string& name);

/// Names of what training leaves beside a model, outside of its wrapper; * is any text.
[[nodiscard]] const std::vector<std::string>& names_beside_models();

}  // namespace lipcert
