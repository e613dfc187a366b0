#pragma once

#include <filesystem>
#include <vector>

namespace lipcert {

/// The checkpoints that the command line names, each once, in its order: a folder stands for the
/// checkpoints in it (not in folders below), sorted by name. A folder that is one checkpoint (it
/// holds an index of its parts) or holds none stays as it is.
[[nodiscard]] std::vector<std::filesystem::path> model_files(
    const std::vector<std::filesystem::path>& named);

}  // namespace lipcert
