#include "checkpoint/hdf5_filters.hpp"

#include "lipcert/error.hpp"

#include <algorithm>
#include <cstring>
#include <utility>
#include <zlib.h>

#include "checkpoint/lzf.hpp"
#include <fmt/format.h>

namespace lipcert::hdf5 {

namespace {

constexpr std::size_t kChecksumBytes = 4;

/// Byte j of element i lies at j (number of elements) + i; what is left of a last, partial element
/// follows as it is.
void unshuffle(std::span<const std::byte> from, std::span<std::byte> to, std::size_t size) {
    const std::size_t count = from.size() / size;
    for (std::size_t j = 0; j < size; ++j) {
        const std::byte* column = from.data() + j * count;
        for (std::size_t i = 0; i < count; ++i) {
            to[i * size + j] = column[i];
        }
    }
    std::copy(from.begin() + static_cast<std::ptrdiff_t>(count * size),
              from.end(),
              to.begin() + static_cast<std::ptrdiff_t>(count * size));
}

/// Libraries before 1.6.3 stored the two bytes of each half the other way round; libhdf5 accepts
/// both, and so do we.
bool is_checksum(std::uint32_t stored, std::uint32_t computed) {
    const std::uint32_t swapped =
        ((computed & 0x00FF00FFU) << 8U) | ((computed >> 8U) & 0x00FF00FFU);
    return stored == computed || stored == swapped;
}

}  // namespace

ChunkDecoder::ChunkDecoder(const std::vector<Filter>& filters,
                           std::size_t decoded_bytes,
                           std::string where)
    : filters_(filters), decoded_bytes_(decoded_bytes), where_(std::move(where)) {}

std::size_t ChunkDecoder::largest_stored() const {
    std::size_t bytes = decoded_bytes_;
    for (const Filter& filter : filters_) {
        if (filter.number == H5Z_FILTER_DEFLATE) {
            bytes += bytes / 1000 + 4096;  // more than zlib adds to what it cannot compress
        } else if (filter.number == kFilterLzf) {
            bytes += bytes / 32 + 16;  // one control byte for 32 literals
        } else if (filter.number == H5Z_FILTER_FLETCHER32) {
            bytes += kChecksumBytes;
        }
    }
    return bytes;
}

void ChunkDecoder::decode(std::vector<std::byte>& bytes, std::uint32_t left_out) {
    const std::size_t stored = bytes.size();
    const auto is_used = [left_out](std::size_t i) { return i >= 32 || (left_out >> i & 1U) == 0; };
    // The sizes on the way from the elements to the compression, which alone makes them
    // unpredictable.
    std::vector<std::size_t> bytes_before;
    std::size_t size = decoded_bytes_;
    for (std::size_t i = 0; i < filters_.size(); ++i) {
        bytes_before.push_back(size);
        size += is_used(i) && filters_[i].number == H5Z_FILTER_FLETCHER32 ? kChecksumBytes : 0;
    }
    for (std::size_t i = filters_.size(); i-- > 0;) {
        if (is_used(i)) {
            undo(filters_[i], bytes, bytes_before[i]);
        }
    }
    if (bytes.size() != decoded_bytes_) {
        refuse_size(stored);
    }
}

void ChunkDecoder::undo(const Filter& filter,
                        std::vector<std::byte>& bytes,
                        std::size_t bytes_before) {
    if (filter.number == H5Z_FILTER_FLETCHER32) {
        if (bytes.size() < kChecksumBytes) {
            refuse_size(bytes.size());
        }
        std::uint32_t stored = 0;
        const std::size_t data_bytes = bytes.size() - kChecksumBytes;
        std::memcpy(&stored, bytes.data() + data_bytes, kChecksumBytes);
        bytes.resize(data_bytes);
        if (!is_checksum(stored, fletcher32(bytes))) {
            throw Error(ErrorKind::input,
                        where_,
                        "holds a chunk whose stored checksum does not match the data, which is "
                        "damaged: copy or download it again");
        }
    } else if (filter.number == H5Z_FILTER_SHUFFLE && filter.parameter > 1) {
        spare_.resize(bytes.size());
        unshuffle(bytes, spare_, filter.parameter);
        bytes.swap(spare_);
    } else if (filter.number == kFilterLzf) {
        spare_.resize(bytes_before);
        if (decode_lzf(bytes, spare_) != bytes_before) {
            refuse_size(bytes.size());
        }
        bytes.swap(spare_);
    } else if (filter.number == H5Z_FILTER_DEFLATE) {
        spare_.resize(bytes_before + 1);  // one more shows data that is too long
        uLongf plain = spare_.size();
        const int status = uncompress(reinterpret_cast<Bytef*>(spare_.data()),
                                      &plain,
                                      reinterpret_cast<const Bytef*>(bytes.data()),
                                      bytes.size());
        if (status != Z_OK || plain != bytes_before) {
            refuse_size(bytes.size());
        }
        spare_.resize(plain);
        bytes.swap(spare_);
    }
}

void ChunkDecoder::refuse_size(std::size_t stored) const {
    throw Error(ErrorKind::input,
                where_,
                fmt::format("holds a chunk of {} stored bytes that does not decode to the {} bytes "
                            "of its shape: the file is damaged, copy or download it again",
                            stored,
                            decoded_bytes_));
}

std::uint32_t fletcher32(std::span<const std::byte> bytes) {
    // 360 words fit in 32 bits before the sums are folded to ones' complement 16-bit numbers.
    constexpr std::size_t kBlockBytes = 720;
    const auto folded = [](std::uint32_t sum) { return (sum & 0xFFFFU) + (sum >> 16U); };
    std::uint32_t sum = 0;
    std::uint32_t sum_of_sums = 0;
    while (!bytes.empty()) {
        const std::span<const std::byte> block = bytes.first(std::min(bytes.size(), kBlockBytes));
        for (std::size_t i = 0; i < block.size(); i += 2) {
            const auto high = static_cast<std::uint32_t>(block[i]) << 8U;
            sum += high | (i + 1 < block.size() ? static_cast<std::uint32_t>(block[i + 1]) : 0U);
            sum_of_sums += sum;
        }
        sum = folded(sum);
        sum_of_sums = folded(sum_of_sums);
        bytes = bytes.subspan(block.size());
    }
    return folded(sum_of_sums) << 16U | folded(sum);
}

}  // namespace lipcert::hdf5
