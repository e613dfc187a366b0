#pragma once

#include "lipcert/tensor/matrix.hpp"

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace lipcert {

/// Writes a new HDF5 file of float64 datasets at the root and text attributes. The file appears
/// complete or not at all; one that is there is replaced. Throws Error{input} where it cannot be
/// written.
void write_matrix_file(const std::filesystem::path& path,
                       const std::vector<std::pair<std::string, Matrix>>& matrices,
                       const std::vector<std::pair<std::string, std::string>>& attributes);

}  // namespace lipcert
