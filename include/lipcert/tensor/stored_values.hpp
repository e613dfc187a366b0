#pragma once

#include "lipcert/tensor/matrix.hpp"
#include "lipcert/tensor/tensor_info.hpp"

#include <cstddef>
#include <memory>
#include <new>
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

    /// As `rounded` makes it, but to be written piece by piece; unspecified values until then.
    [[nodiscard]] static StoredValues unwritten(DataType type,
                                                Eigen::Index rows,
                                                Eigen::Index cols);

    /// Rounds `values` into the elements from `first` on, counted row by row, as `rounded` does.
    /// Several threads may write ranges that do not overlap.
    void write(Eigen::Index first, std::span<const double> values);

    /// The elements from `first` on as doubles, exact.
    void read(Eigen::Index first, std::span<double> values) const;

    [[nodiscard]] DataType type() const { return type_; }

    [[nodiscard]] Eigen::Index rows() const { return rows_; }

    [[nodiscard]] Eigen::Index cols() const { return cols_; }

    /// The entries as doubles, exact.
    [[nodiscard]] Matrix values() const;

    /// The elements row by row, little-endian.
    [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

private:
    /// Leaves new elements as they are: each one is written next, and zeros would cost a pass.
    template <typename T>
    struct Uninitialised : std::allocator<T> {
        template <typename U>
        struct rebind {  // NOLINT(readability-identifier-naming): what containers ask for
            using other = Uninitialised<U>;  // NOLINT(readability-identifier-naming)
        };

        void construct(T* place) noexcept { ::new (static_cast<void*>(place)) T; }
    };

    DataType type_ = DataType::unsupported;
    Eigen::Index rows_ = 0, cols_ = 0;
    std::vector<std::byte, Uninitialised<std::byte>> bytes_;
};

}  // namespace lipcert
