#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

/// The tile unit of a processor (AMX): eight registers of kTile rows, whose products it adds.
namespace lipcert::tile_unit {

inline constexpr std::ptrdiff_t kTile = 16;  ///< rows of a register, and sums in each
inline constexpr std::ptrdiff_t kBytesOfRow = 64;
inline constexpr std::size_t kAlignment = 64;  ///< of what is loaded and stored, bytes

/// What a unit multiplies.
enum class Numbers { bfloat16, int8 };

/// Whether this processor has a unit for such numbers, and AVX-512 beside it, and the system lets
/// this process use it.
[[nodiscard]] bool multiplies(Numbers numbers);

/// How the registers are used, in the order in which the processor reads it.
struct Configuration {
    std::uint8_t palette = 1;
    std::uint8_t start_row = 0;
    std::array<std::uint8_t, 14> reserved{};
    std::array<std::uint16_t, 16> bytes_of_row{};
    std::array<std::uint8_t, 16> rows{};
};

constexpr Configuration full_tiles() {
    constexpr std::size_t kTiles = 8;
    Configuration result;
    for (std::size_t tile = 0; tile < kTiles; ++tile) {
        result.bytes_of_row.at(tile) = kBytesOfRow;
        result.rows.at(tile) = kTile;
    }
    return result;
}

/// All of every register.
inline constexpr Configuration kFullTiles = full_tiles();

}  // namespace lipcert::tile_unit
