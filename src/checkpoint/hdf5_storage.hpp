#pragma once

#include "lipcert/tensor/tensor_info.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <hdf5.h>

namespace lipcert::hdf5 {

/// The number under which h5py registered LZF.
inline constexpr H5Z_filter_t kFilterLzf = 32000;

struct Filter {
    H5Z_filter_t number = H5Z_FILTER_NONE;
    std::size_t parameter = 0;  ///< the first one; 0 where there is none

    bool operator==(const Filter&) const = default;
};

/// How the values of a dataset lie in its file.
struct Storage {
    H5D_layout_t layout = H5D_LAYOUT_ERROR;
    std::vector<hsize_t> chunk;    ///< the extents of one chunk; empty unless the layout is chunked
    std::vector<Filter> filters;   ///< in the order of writing
    bool has_plain_edges = false;  ///< chunks that reach beyond the shape are not filtered

    bool operator==(const Storage&) const = default;
};

[[nodiscard]] Storage read_storage(hid_t dataset, const std::string& where);

/// "chunks of 64 x 64, shuffle, gzip"; empty where the bytes lie as they are.
[[nodiscard]] std::string packing_text(const Storage& storage);

/// The bytes of one decoded chunk; 0 where there are no chunks. `storage` has passed
/// `require_readable`.
[[nodiscard]] std::uint64_t chunk_bytes(const Storage& storage, const TensorInfo& tensor);

/// Refuses what is not read of a dataset with at least one element: filters other than gzip,
/// LZF, shuffle and fletcher32, chunks that are a bomb or too many, sizes that do not fit the
/// shape, values that were never written. Throws Error{input}.
void require_readable(const Storage& storage, const TensorInfo& tensor, const std::string& where);

}  // namespace lipcert::hdf5
