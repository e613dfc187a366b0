#pragma once

#include "lipcert/checkpoint/checkpoint.hpp"

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace lipcert::test {

/// A way to store the tensors of a checkpoint without changing a value.
struct Layout {
    std::string name;
    /// Writes into a folder and gives what to name as MODEL; empty where nobody stores such a model
    /// so.
    std::function<std::filesystem::path(const Checkpoint&, const std::filesystem::path&)> write;
};

/// Flat HDF5 first.
[[nodiscard]] std::vector<Layout> lossless_layouts();

}  // namespace lipcert::test
