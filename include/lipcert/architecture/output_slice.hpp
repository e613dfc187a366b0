#pragma once

#include <cstddef>
#include <vector>

namespace lipcert {

/// Some outputs of a stored map: one projection of a fused one. They lie in `runs` runs of
/// count / runs outputs each, which begin at begin, begin + period, begin + 2 period, ...
struct OutputSlice {
    std::size_t begin = 0;
    std::size_t count = 0;   ///< in all; `runs` divides it
    std::size_t runs = 1;    ///< positive
    std::size_t period = 0;  ///< where runs > 1: at least count / runs

    bool operator==(const OutputSlice&) const = default;
};

/// The outputs of a slice, in its order.
[[nodiscard]] std::vector<std::ptrdiff_t> outputs_of(const OutputSlice& slice);
/// One more than the last output of a slice.
[[nodiscard]] std::size_t end_of(const OutputSlice& slice);

}  // namespace lipcert
