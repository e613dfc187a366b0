#pragma once

#include "lipcert/checkpoint/checkpoint.hpp"

#include <memory>
#include <string_view>

#include "files/regular_file.hpp"

namespace lipcert {

/// Whether a zip archive whose list of members is `listing` can be meant as a Keras 3 .keras file.
[[nodiscard]] bool lists_keras_model(std::string_view listing);

/// A .keras archive: the datasets of its model.weights.h5 under their own names, its config.json as
/// the configuration. The weights are unpacked into memory. Throws Error{input} for whatever
/// docs/checkpoints.md says is refused.
[[nodiscard]] std::unique_ptr<Checkpoint> open_keras_archive(const RegularFile& file);

}  // namespace lipcert
