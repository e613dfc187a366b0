#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace lipcert {

/// Non-negative integers of a dataset of one or two dimensions, row by row.
struct IntegerTable {
    std::vector<std::uint64_t> values;
    std::size_t columns = 0;  ///< 0: one dimension
};

/// Reads the integers of `dataset` ("/val/tokens") of an HDF5 file under the rules for checkpoints;
/// an empty name means the only dataset. Throws Error{input} for a dataset that is not there, is
/// not of integers, has other than one or two dimensions, or holds a negative number.
[[nodiscard]] IntegerTable read_hdf5_integers(const std::filesystem::path& path,
                                              const std::string& dataset);

}  // namespace lipcert
