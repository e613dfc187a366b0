#pragma once

#include <cstddef>
#include <vector>

#include "capping/change.hpp"

/// Sums of squares of what rounding a multiple did, each number read once.
namespace lipcert::capping::distance_kernel {

/// Numbers of W, of B, and of Y that stands for a multiple of B, in the same places.
struct Operands {
    const double* stored;
    const double* base;
    const double* rounded;
    std::ptrdiff_t size;
};

/// What they are multiplied by before they are subtracted.
struct Units {
    PowerOfTwo change;     ///< W and Y in W - Y
    PowerOfTwo base;       ///< B, in both others
    PowerOfTwo departure;  ///< Y, in both others
    double factor;         ///< and B, in units of its own
};

struct Sums {
    double departure = 0.0;  ///< of Y - factor B
    double change = 0.0;     ///< of W - Y
    double frobenius = 0.0;  ///< of Y
};

/// A square passes through fewer than `size` additions. The result is the same for every length of
/// vectors.
using Kernel = Sums (*)(const Operands& operands, const Units& units);

/// One for each length of vectors that this processor has, the longest first.
[[nodiscard]] std::vector<Kernel> kernels();

/// The longest.
[[nodiscard]] Kernel longest();

}  // namespace lipcert::capping::distance_kernel
