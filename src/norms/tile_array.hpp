#pragma once

#include <cstddef>
#include <memory>
#include <new>

#include "norms/tile_unit.hpp"

namespace lipcert {

/// Numbers where the tile unit wants them.
template <typename Number>
class TileArray {
public:
    TileArray() = default;

    /// Uninitialised.
    explicit TileArray(std::ptrdiff_t count)
        : first_(static_cast<Number*>(
              ::operator new[](static_cast<std::size_t>(count) * sizeof(Number), kAlignment))) {}

    [[nodiscard]] Number* get() const { return first_.get(); }

private:
    static constexpr std::align_val_t kAlignment{tile_unit::kAlignment};

    struct Free {
        void operator()(Number* first) const { ::operator delete[](first, kAlignment); }
    };

    std::unique_ptr<Number[], Free> first_;
};

}  // namespace lipcert
