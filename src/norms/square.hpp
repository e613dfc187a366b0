#pragma once

#include <cstddef>
#include <cstring>
#include <utility>

#include "norms/vector_variants.hpp"

/// Squares of numbers that vectors of 64 bytes hold, as many vectors as each has numbers: read and
/// written across. Shorter vectors of a processor do the same in more steps.
namespace lipcert::square {

inline constexpr std::size_t kBytes = 64;

template <typename Number>
using Vector __attribute__((vector_size(kBytes))) = Number;

template <typename Number>
inline constexpr std::size_t kLength = kBytes / sizeof(Number);

/// Exchanges the two squares of kStep numbers that lie off the diagonal of each square of twice as
/// many, and goes on with half of the step, down to single numbers.
template <typename Number, std::size_t kStep, std::size_t... kLanes>
LIPCERT_INSIDE void exchange(Vector<Number>* rows, std::index_sequence<kLanes...> lanes) {
    constexpr std::size_t kSide = sizeof...(kLanes);
    for (std::size_t i = 0; i < kSide; ++i) {
        if ((i & kStep) != 0) {
            continue;
        }
        // A lane of the second vector counts on from those of the first.
        const Vector<Number> a = rows[i];
        const Vector<Number> b = rows[i + kStep];
        rows[i] = __builtin_shufflevector(
            a, b, ((kLanes & kStep) == 0 ? kLanes : kLanes - kStep + kSide)...);
        rows[i + kStep] = __builtin_shufflevector(
            a, b, ((kLanes & kStep) == 0 ? kLanes + kStep : kLanes + kSide)...);
    }
    if constexpr (kStep > 1) {
        exchange<Number, kStep / 2>(rows, lanes);
    }
}

/// Transposes as many vectors as each has numbers.
template <typename Number>
LIPCERT_INSIDE void transpose(Vector<Number>* rows) {
    constexpr std::size_t kSide = kLength<Number>;
    exchange<Number, kSide / 2>(rows, std::make_index_sequence<kSide>());
}

/// Reads a square, row by row, as its columns.
template <typename Number>
LIPCERT_INSIDE void read(const Number* from, std::ptrdiff_t stride, Vector<Number>* to) {
    for (std::size_t i = 0; i < kLength<Number>; ++i, from += stride) {
        std::memcpy(&to[i], from, kBytes);
    }
    transpose<Number>(to);
}

/// The way back; `from` is used up.
template <typename Number>
LIPCERT_INSIDE void write(Vector<Number>* from, std::ptrdiff_t stride, Number* to) {
    transpose<Number>(from);
    for (std::size_t i = 0; i < kLength<Number>; ++i, to += stride) {
        std::memcpy(to, &from[i], kBytes);
    }
}

}  // namespace lipcert::square
