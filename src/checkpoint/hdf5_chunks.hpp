#pragma once

#include "lipcert/tensor/tensor_info.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/hdf5_limits.hpp"
#include "checkpoint/hdf5_object.hpp"
#include "checkpoint/hdf5_storage.hpp"
#include "checkpoint/hdf5_types.hpp"

namespace lipcert::hdf5 {

/// The index of the first element of a chunk.
using Position = std::array<hsize_t, kLargestRank>;

/// Calls `visit` for every place where a chunk may stand, the last dimension fastest. At least one
/// dimension; all extents of `shape` and `chunk` are positive.
void for_each_chunk(const std::vector<std::size_t>& shape,
                    const std::vector<hsize_t>& chunk,
                    const std::function<void(const Position&)>& visit);

/// How many bytes are stored of a chunk; 0 where it was never written. Throws Error{input}.
[[nodiscard]] std::uint64_t stored_chunk_bytes(hid_t dataset,
                                               const Position& position,
                                               const std::string& where);

/// A chunk as it lies in the file.
struct StoredChunk {
    std::uint32_t left_out = 0;  ///< bit i: filter i was not used
    std::vector<std::byte> bytes;

    bool operator==(const StoredChunk&) const = default;
};

/// Replaces `chunk` by what is stored, undecoded: `size` bytes, as `stored_chunk_bytes` says; its
/// memory is used again. Throws Error{input}.
void read_stored_chunk(hid_t dataset,
                       const Position& position,
                       std::uint64_t size,
                       StoredChunk& chunk,
                       const std::string& where);

/// All values of a chunked dataset that has passed `require_readable`, in row-major order. Throws
/// Error{input} for damaged chunks and for chunks that were never written.
void read_chunks(const Object& dataset,
                 const Storage& storage,
                 const TensorInfo& tensor,
                 const ElementType& element,
                 std::span<double> values);

}  // namespace lipcert::hdf5
