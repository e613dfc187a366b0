#pragma once

#include "lipcert/architecture/graph.hpp"
#include "lipcert/checkpoint/checkpoint.hpp"
#include "lipcert/checkpoint/configuration.hpp"

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace lipcert {

/// A family of models in the declarative language of docs/architectures.md.
// clang-tidy takes the assertions inside nlohmann::json for exceptions of the move constructor.
// NOLINTNEXTLINE(bugprone-exception-escape)
struct FamilyDescription {
    std::string name;
    std::string source;  ///< "built-in" or a path
    nlohmann::json document;
};

/// The families that are compiled in from src/architecture/families/*.json.
[[nodiscard]] const std::vector<FamilyDescription>& built_in_families();

/// A user's description (--architecture FILE). Throws Error{architecture} with the position of what
/// is wrong.
[[nodiscard]] FamilyDescription read_family(const std::filesystem::path& path);

/// The one family whose conditions the checkpoint meets. Throws Error{architecture} where none or
/// several do, with what was looked for.
[[nodiscard]] const FamilyDescription& recognise(const std::vector<FamilyDescription>& families,
                                                 const Checkpoint& checkpoint,
                                                 const Configuration& configuration);

/// Builds the graph: resolves hyper-parameters, expands patterns, checks every shape, and checks
/// that every float matrix of the checkpoint has a place. Throws Error{architecture} for anything
/// that is missing, contradictory or left over.
[[nodiscard]] Architecture build_architecture(const FamilyDescription& family,
                                              const Checkpoint& checkpoint,
                                              const Configuration& configuration);

/// Recognise, then build; the door that commands use.
[[nodiscard]] Architecture architecture_of(const Checkpoint& checkpoint,
                                           const Configuration& configuration);

}  // namespace lipcert
