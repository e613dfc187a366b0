#pragma once

#include "lipcert/tensor/matrix.hpp"
#include "lipcert/tensor/tensor_info.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace lipcert {

/// A matrix whose every entry is an exact value of the type in which a checkpoint stores it, kept
/// in that type: what is certified from it holds for the bytes that a file will hold.
class StoredValues {
public:
    /// Each entry rounded to the nearest value of `type`, ties to even, subnormals kept. Throws
    /// Error{internal} where a finite entry would overflow to infinity or the type is unsupported.
    [[nodiscard]] static StoredValues rounded(DataType type, const Matrix& values);

    [[nodiscard]] DataType type() const { return type_; }

    [[nodiscard]] Eigen::Index rows() const { return rows_; }

    [[nodiscard]] Eigen::Index cols() const { return cols_; }

    /// The entries as doubles, exact.
    [[nodiscard]] Matrix values() const;

    /// The elements row by row, little-endian.
    [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

private:
    DataType type_ = DataType::unsupported;
    Eigen::Index rows_ = 0, cols_ = 0;
    std::vector<std::byte> bytes_;
};

}  // namespace lipcert
