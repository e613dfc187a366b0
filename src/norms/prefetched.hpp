#pragma once

#include <cstddef>
#include <cstdint>

#include "norms/tile_unit.hpp"
#include "norms/vector_variants.hpp"

namespace lipcert {

/// Bytes that are wanted soon in the second cache, some lines of them with each step: what lies
/// `ahead` bytes further on, or nothing of ours.
class Prefetched {
public:
    Prefetched(const void* from, std::ptrdiff_t ahead)
        : next_(reinterpret_cast<std::uintptr_t>(from) + static_cast<std::uintptr_t>(ahead)) {}

    LIPCERT_INSIDE void fetch_some() {
        constexpr int kLinesOfStep = 8;
        for (int line = 0; line < kLinesOfStep; ++line, next_ += tile_unit::kAlignment) {
            // An address, for it may lie beyond the array.
            // NOLINTNEXTLINE(performance-no-int-to-ptr)
            __builtin_prefetch(reinterpret_cast<const void*>(next_), 0, 2);
        }
    }

private:
    std::uintptr_t next_;
};

}  // namespace lipcert
