#include "checkpoint/hdf5_storage.hpp"

#include "lipcert/error.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "checkpoint/hdf5_handle.hpp"
#include "checkpoint/hdf5_limits.hpp"
#include "tensor/element_bits.hpp"
#include <fmt/format.h>

namespace lipcert::hdf5 {

namespace {

[[noreturn]] void refuse(const std::string& where, const std::string& message) {
    throw Error(ErrorKind::input, where, message);
}

/// "gzip", or the number where it has no name here.
std::string filter_name(H5Z_filter_t filter) {
    struct Named {
        H5Z_filter_t filter;
        const char* name;
    };

    static constexpr std::array<Named, 17> kNames{{
        {H5Z_FILTER_DEFLATE, "gzip"},
        {H5Z_FILTER_SHUFFLE, "shuffle"},
        {H5Z_FILTER_FLETCHER32, "fletcher32"},
        {kFilterLzf, "lzf"},
        {H5Z_FILTER_SZIP, "szip"},
        {H5Z_FILTER_NBIT, "nbit"},
        {H5Z_FILTER_SCALEOFFSET, "scaleoffset"},
        {305, "lzo"},
        {307, "bzip2"},
        {32001, "blosc"},
        {32004, "lz4"},
        {32008, "bitshuffle"},
        {32013, "zfp"},
        {32015, "zstd"},
        {32017, "sz"},
        {32018, "fpzip"},
        {32026, "blosc2"},
    }};
    const auto* found = std::find_if(kNames.begin(), kNames.end(), [filter](const Named& named) {
        return named.filter == filter;
    });
    return found == kNames.end() ? fmt::format("number {}", filter) : found->name;
}

/// "blosc (number 32001)".
std::string numbered_name(H5Z_filter_t filter) {
    const std::string number = fmt::format("number {}", filter);
    const std::string name = filter_name(filter);
    return name == number ? name : fmt::format("{} ({})", name, number);
}

Filter read_filter(hid_t plist, unsigned index, const std::string& where) {
    unsigned flags = 0;
    unsigned parameter = 0;
    std::size_t parameter_count = 1;
    const H5Z_filter_t number =
        H5Pget_filter2(plist, index, &flags, &parameter_count, &parameter, 0, nullptr, nullptr);
    if (number < 0) {
        fail(where, "its filters cannot be read");
    }
    return {number, parameter_count > 0 ? parameter : 0};
}

/// Only filters that restore the values exactly and that lipcert undoes itself. They are checked by
/// number before a byte is read: what decodes the others is code from elsewhere, or known to
/// overrun its buffers (scaleoffset).
void refuse_filters(const Storage& storage, const std::string& where) {
    int compressions = 0;
    for (const Filter& filter : storage.filters) {
        const bool compresses = filter.number == H5Z_FILTER_DEFLATE || filter.number == kFilterLzf;
        if (!compresses && filter.number != H5Z_FILTER_SHUFFLE &&
            filter.number != H5Z_FILTER_FLETCHER32) {
            refuse(where,
                   fmt::format("is stored with the filter {}; gzip, lzf, shuffle and fletcher32 "
                               "are read: rewrite the file with `h5repack -f GZIP=4 IN OUT`",
                               numbered_name(filter.number)));
        }
        if (filter.number == H5Z_FILTER_SHUFFLE && filter.parameter == 0) {
            refuse(where, "is shuffled by elements of no size: the file is damaged");
        }
        compressions += compresses ? 1 : 0;
    }
    if (compressions > 1) {
        refuse(where, "is compressed twice: rewrite it with h5repack");
    }
}

/// One decoded chunk is held in memory; a chunk may not be a bomb where the shape is none.
void check_chunks(const Storage& storage, const TensorInfo& tensor, const std::string& where) {
    if (storage.chunk.size() != tensor.shape.size()) {
        refuse(where, "has chunks of another rank than itself: the file is damaged");
    }
    std::uint64_t bytes = element_size(tensor.type);
    std::uint64_t count = 1;
    for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
        // libhdf5 keeps the extents of a chunk in 32 bits; both products stay far below 2^64.
        const hsize_t extent = storage.chunk[i];
        if (extent == 0 || extent > kLargestUncheckedBytes / bytes) {
            refuse(where, "has chunks of more than 4 GiB, or empty ones: rewrite it with h5repack");
        }
        bytes *= extent;
        const std::uint64_t along = tensor.shape[i] / extent + 1;
        if (along > 2 * kMostChunks / count) {
            refuse(where,
                   fmt::format("is split in more than {} chunks: rewrite it with larger ones "
                               "(h5repack -l CHUNK=...)",
                               kMostChunks));
        }
        count *= along;
    }
    if (bytes > kLargestUncheckedChunk &&
        bytes / element_size(tensor.type) > element_count(tensor)) {
        refuse(where,
               fmt::format("declares chunks of {} bytes, which are larger than itself: rewrite it "
                           "with smaller ones (h5repack -l CHUNK=...)",
                           bytes));
    }
    if (is_bomb(bytes, tensor.stored_bytes, kLargestUncheckedChunk)) {
        refuse(where,
               fmt::format("declares chunks of {} bytes and stores {} in all: no honest "
                           "compression reaches that",
                           bytes,
                           tensor.stored_bytes));
    }
}

}  // namespace

Storage read_storage(hid_t dataset, const std::string& where) {
    const Handle plist = owned(
        H5Dget_create_plist(dataset), H5Pclose, where, "its storage description cannot be read");
    Storage storage;
    storage.layout =
        checked(H5Pget_layout(plist.get()), where, "its storage layout cannot be read");
    if (storage.layout == H5D_CHUNKED) {
        std::array<hsize_t, kLargestRank> extents{};
        const int rank = checked(H5Pget_chunk(plist.get(), kLargestRank, extents.data()),
                                 where,
                                 "its chunk shape cannot be read");
        storage.chunk.assign(extents.begin(), extents.begin() + std::min(rank, kLargestRank));
        unsigned options = 0;
        checked(H5Pget_chunk_opts(plist.get(), &options), where, "its chunks cannot be described");
        storage.has_plain_edges = (options & H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS) != 0;
    }
    const int count = checked(H5Pget_nfilters(plist.get()), where, "its filters cannot be read");
    for (int i = 0; i < count; ++i) {
        storage.filters.push_back(read_filter(plist.get(), static_cast<unsigned>(i), where));
    }
    return storage;
}

std::string packing_text(const Storage& storage) {
    if (storage.chunk.empty()) {
        return {};
    }
    std::string text = fmt::format("chunks of {}", fmt::join(storage.chunk, " x "));
    for (const Filter& filter : storage.filters) {
        text += ", " + filter_name(filter.number);
    }
    return text;
}

std::uint64_t chunk_bytes(const Storage& storage, const TensorInfo& tensor) {
    std::uint64_t bytes = storage.chunk.empty() ? 0 : element_size(tensor.type);
    for (const hsize_t extent : storage.chunk) {
        bytes *= extent;
    }
    return bytes;
}

void require_readable(const Storage& storage, const TensorInfo& tensor, const std::string& where) {
    refuse_filters(storage, where);
    if (storage.layout == H5D_CHUNKED) {
        check_chunks(storage, tensor, where);
    } else if (storage.layout != H5D_CONTIGUOUS && storage.layout != H5D_COMPACT) {
        refuse(where, "has a storage layout that is not read: rewrite it with h5repack");
    }
    if (tensor.stored_bytes == 0) {
        refuse(where,
               "was declared and never written; the zeros that HDF5 would fill in are no weights: "
               "write its values, or remove it from the file");
    }
    const std::uint64_t expected = element_count(tensor) * element_size(tensor.type);
    if (storage.layout != H5D_CHUNKED && tensor.stored_bytes != expected) {
        refuse(where,
               fmt::format("stores {} bytes where its shape {} needs {}: the file is damaged",
                           tensor.stored_bytes,
                           shape_text(tensor),
                           expected));
    }
}

}  // namespace lipcert::hdf5
