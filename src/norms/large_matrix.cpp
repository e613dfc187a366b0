#include "norms/large_matrix.hpp"

#include <cstdint>
#include <sys/mman.h>

namespace lipcert {

void prefer_huge_pages(void* data, std::size_t bytes) {
    constexpr std::uintptr_t kHugePage = std::uintptr_t{1} << 21U;
    constexpr std::size_t kWorthIt = 4 * kHugePage;
    if (bytes < kWorthIt) {
        return;
    }
    const auto begin = reinterpret_cast<std::uintptr_t>(data);
    const std::uintptr_t first = (begin + kHugePage - 1) / kHugePage * kHugePage;
    const std::uintptr_t end = (begin + bytes) / kHugePage * kHugePage;
    // NOLINTNEXTLINE(performance-no-int-to-ptr): an address inside the same allocation
    static_cast<void>(madvise(reinterpret_cast<void*>(first), end - first, MADV_HUGEPAGE));
}

}  // namespace lipcert
