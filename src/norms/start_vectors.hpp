#pragma once

#include "lipcert/tensor/matrix.hpp"

#include <cstdint>

namespace lipcert::estimate {

/// Fixed pseudo-random numbers in [-1, 1] to start iterations from: the same input gives the same
/// bytes in every run.
class StartVectors {
public:
    explicit StartVectors(std::uint64_t state) : state_(state) {}

    /// The next `count` vectors of `size` numbers, as rows.
    [[nodiscard]] Matrix next(Eigen::Index count, Eigen::Index size);

private:
    std::uint64_t state_;
};

}  // namespace lipcert::estimate
