#pragma once

#include <cstddef>
#include <optional>
#include <span>

namespace lipcert {

/// Decodes LZF, the compression of h5py's filter "lzf": runs of literal bytes, and copies of up to
/// 264 bytes from at most 8192 bytes back. Gives how many bytes of `plain` were filled; nothing
/// where `packed` ends within an instruction, copies from before the beginning, or does not fit.
[[nodiscard]] std::optional<std::size_t> decode_lzf(std::span<const std::byte> packed,
                                                    std::span<std::byte> plain);

}  // namespace lipcert
