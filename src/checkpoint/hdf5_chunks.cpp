#include "checkpoint/hdf5_chunks.hpp"

#include "lipcert/error.hpp"

#include <algorithm>
#include <string_view>

#include "checkpoint/hdf5_filters.hpp"
#include "checkpoint/hdf5_handle.hpp"
#include "tensor/element_bits.hpp"
#include <fmt/format.h>

namespace lipcert::hdf5 {

namespace {

/// Moves `index` by `step` to the next place below `end`, like an odometer: the last of the first
/// `rank` dimensions first, a carry to the one before. False behind the last place.
bool advance(Position& index, const Position& step, const Position& end, std::size_t rank) {
    for (std::size_t i = rank; i-- > 0;) {
        index[i] += step[i];
        if (index[i] < end[i]) {
            return true;
        }
        index[i] = 0;
    }
    return false;
}

Position as_position(const auto& extents) {
    Position position{};
    std::copy(extents.begin(), extents.end(), position.begin());
    return position;
}

/// Decodes the chunks of one dataset one after the other into its values.
class ChunkReader {
public:
    ChunkReader(hid_t dataset,
                const Storage& storage,
                const TensorInfo& tensor,
                const ElementType& element,
                const std::string& where)
        : dataset_(dataset),
          tensor_(tensor),
          element_(element),
          where_(where),
          rank_(tensor.shape.size()),
          shape_(as_position(tensor.shape)),
          chunk_(as_position(storage.chunk)),
          has_plain_edges_(storage.has_plain_edges),
          chunk_bytes_(chunk_bytes(storage, tensor)),
          decoder_(storage.filters, chunk_bytes_, where) {}

    void read(const Position& position, std::span<double> values) {
        const std::uint64_t stored = stored_chunk_bytes(dataset_, position, where_);
        if (stored == 0) {
            refuse_unwritten(position);
        }
        if (stored > decoder_.largest_stored()) {
            throw Error(ErrorKind::input,
                        where_,
                        fmt::format("holds a chunk of {} stored bytes, more than any encoding of "
                                    "the {} bytes of its shape: the file is damaged",
                                    stored,
                                    chunk_bytes_));
        }
        read_stored_chunk(dataset_, position, stored, current_, where_);
        decoder_.decode(current_.bytes, is_plain(position) ? kEveryFilter : current_.left_out);
        scatter(position, values);
    }

private:
    static constexpr std::uint32_t kEveryFilter = ~std::uint32_t{0};

    /// The file says of such a chunk neither that it is filtered nor that it is not.
    [[nodiscard]] bool is_plain(const Position& position) const {
        bool sticks_out = false;
        for (std::size_t i = 0; i < rank_; ++i) {
            sticks_out = sticks_out || chunk_[i] > shape_[i] - position[i];
        }
        return has_plain_edges_ && sticks_out;
    }

    [[noreturn]] void refuse_unwritten(const Position& position) const {
        throw Error(ErrorKind::input,
                    where_,
                    fmt::format("holds no values from [{}] on: this part was declared and never "
                                "written; the zeros that HDF5 would fill in are no weights: write "
                                "its values, or remove it from the file",
                                fmt::join(position.begin(), position.begin() + rank_, ", ")));
    }

    /// Copies the lines of the chunk along its last dimension; what reaches beyond the shape is
    /// padding.
    void scatter(const Position& position, std::span<double> values) const {
        const std::size_t last = rank_ - 1;
        const std::size_t line_bytes = chunk_[last] * element_size(tensor_.type);
        const std::size_t count = std::min(chunk_[last], shape_[last] - position[last]);
        Position step{};
        step.fill(1);
        Position line{};
        const std::byte* raw = current_.bytes.data();
        do {
            std::size_t at = 0;
            bool is_inside = true;
            for (std::size_t i = 0; i < rank_; ++i) {
                is_inside = is_inside && position[i] + line[i] < shape_[i];
                at = at * shape_[i] + position[i] + line[i];
            }
            if (is_inside) {
                decode(tensor_.type, element_.big_endian, raw, values.subspan(at, count));
            }
            raw += line_bytes;
        } while (advance(line, step, chunk_, last));
    }

    hid_t dataset_;
    const TensorInfo& tensor_;
    const ElementType& element_;
    const std::string& where_;
    std::size_t rank_;
    Position shape_;
    Position chunk_;
    bool has_plain_edges_;
    std::size_t chunk_bytes_;
    ChunkDecoder decoder_;
    StoredChunk current_;
};

herr_t note_unwritten(unsigned /*depth*/, const H5E_error2_t* entry, void* data) noexcept {
    constexpr std::string_view kSymptom = "chunk storage is not allocated";
    if (entry->desc != nullptr && entry->desc == kSymptom) {
        *static_cast<bool*>(data) = true;
    }
    return 0;
}

/// Whether that is what the last call failed for: libhdf5 has no code of its own for it.
bool is_unwritten_chunk() {
    bool found = false;
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, note_unwritten, &found);
    return found;
}

}  // namespace

void for_each_chunk(const std::vector<std::size_t>& shape,
                    const std::vector<hsize_t>& chunk,
                    const std::function<void(const Position&)>& visit) {
    const Position end = as_position(shape);
    const Position step = as_position(chunk);
    Position position{};
    do {
        visit(position);
    } while (advance(position, step, end, shape.size()));
}

std::uint64_t stored_chunk_bytes(hid_t dataset,
                                 const Position& position,
                                 const std::string& where) {
    // H5Dget_chunk_info_by_coord says more, and walks all chunks of the dataset to find this one.
    hsize_t size = 0;
    const herr_t status = H5Dget_chunk_storage_size(dataset, position.data(), &size);
    if (status < 0 && is_unwritten_chunk()) {
        return 0;
    }
    checked(status, where, "its chunks cannot be looked up");
    return size;
}

void read_stored_chunk(hid_t dataset,
                       const Position& position,
                       std::uint64_t size,
                       StoredChunk& chunk,
                       const std::string& where) {
    chunk.bytes.resize(size);
    checked(
        H5Dread_chunk(dataset, H5P_DEFAULT, position.data(), &chunk.left_out, chunk.bytes.data()),
        where,
        "a chunk cannot be read");
}

void read_chunks(const Object& dataset,
                 const Storage& storage,
                 const TensorInfo& tensor,
                 const ElementType& element,
                 std::span<double> values) {
    ChunkReader reader(dataset.id, storage, tensor, element, dataset.where);
    for_each_chunk(tensor.shape, storage.chunk, [&](const Position& position) {
        reader.read(position, values);
    });
}

}  // namespace lipcert::hdf5
