#pragma once

#include <cstddef>
#include <cstdint>

namespace lipcert::hdf5 {

// Far above every real checkpoint, far below what exhausts a machine.
inline constexpr std::size_t kDeepestGroup = 64;
inline constexpr std::size_t kMostObjects = 1'000'000;
inline constexpr std::size_t kLongestName = 1024;           ///< of a whole path, in bytes
inline constexpr std::size_t kMostNameBytes = 256U << 20U;  ///< of all paths together
inline constexpr int kLargestRank = 8;
inline constexpr std::uint64_t kMostChunks = 4U << 20U;
inline constexpr std::size_t kLargestConfiguration = 16U << 20U;

/// gzip reaches 1 : 1032; more than that was never written by anybody.
inline constexpr std::uint64_t kLargestExpansion = 1000;
inline constexpr std::uint64_t kLargestUncheckedBytes = std::uint64_t{4} << 30U;
inline constexpr std::uint64_t kLargestUncheckedChunk = std::uint64_t{64} << 20U;

/// Whether `declared` bytes are over `floor` and out of proportion to the bytes that are stored.
[[nodiscard]] constexpr bool is_bomb(std::uint64_t declared,
                                     std::uint64_t stored,
                                     std::uint64_t floor) {
    return declared > floor && declared / kLargestExpansion > stored;
}

}  // namespace lipcert::hdf5
