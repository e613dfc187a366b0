#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/hdf5_storage.hpp"

namespace lipcert::hdf5 {

/// Undoes gzip, LZF, shuffle and fletcher32 by itself: libhdf5 1.10.8 reads beyond the end of a
/// chunk that decodes to fewer bytes than its shape has, and what lies there would become weights.
class ChunkDecoder {
public:
    /// `filters` have passed `require_readable`; a chunk decodes to `decoded_bytes`.
    ChunkDecoder(const std::vector<Filter>& filters, std::size_t decoded_bytes, std::string where);

    /// The most bytes that an honest chunk has in the file, whichever of its filters were used.
    [[nodiscard]] std::size_t largest_stored() const;

    /// Replaces the stored bytes of a chunk by those of its elements. Bit i of `left_out` says that
    /// filter i was not used. Throws Error{input} for a checksum that does not match and for
    /// anything but the bytes that the shape needs.
    void decode(std::vector<std::byte>& bytes, std::uint32_t left_out);

private:
    void undo(const Filter& filter, std::vector<std::byte>& bytes, std::size_t bytes_before);
    [[noreturn]] void refuse_size(std::size_t stored) const;

    const std::vector<Filter>& filters_;
    std::size_t decoded_bytes_;
    std::string where_;
    std::vector<std::byte> spare_;
};

/// The checksum of the filter fletcher32: that of `bytes` as big-endian 16-bit words.
[[nodiscard]] std::uint32_t fletcher32(std::span<const std::byte> bytes);

}  // namespace lipcert::hdf5
