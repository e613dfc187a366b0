#include "checkpoint/hdf5_chunks.hpp"

#include "lipcert/error.hpp"

#include <algorithm>

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
          decoder_(storage.filters, chunk_bytes(), where) {}

    void read(const Position& position, std::span<double> values) {
        const std::optional<StoredChunk> stored = find_chunk(dataset_, position, where_);
        if (!stored) {
            refuse_unwritten(position);
        }
        if (stored->size > decoder_.largest_stored()) {
            throw Error(ErrorKind::input,
                        where_,
                        fmt::format("holds a chunk of {} stored bytes, more than any encoding of "
                                    "the {} bytes of its shape: the file is damaged",
                                    stored->size,
                                    chunk_bytes()));
        }
        read_stored_chunk(dataset_, position, stored->size, bytes_, where_);
        decoder_.decode(bytes_, stored->left_out);
        scatter(position, values);
    }

private:
    [[nodiscard]] std::size_t chunk_bytes() const {
        std::size_t bytes = element_size(tensor_.type);
        for (std::size_t i = 0; i < rank_; ++i) {
            bytes *= chunk_[i];
        }
        return bytes;
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
        const std::byte* raw = bytes_.data();
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
    ChunkDecoder decoder_;
    std::vector<std::byte> bytes_;
};

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

std::optional<StoredChunk> find_chunk(hid_t dataset,
                                      const Position& position,
                                      const std::string& where) {
    unsigned left_out = 0;
    haddr_t address = HADDR_UNDEF;
    hsize_t size = 0;
    checked(H5Dget_chunk_info_by_coord(dataset, position.data(), &left_out, &address, &size),
            where,
            "its chunks cannot be looked up");
    if (address == HADDR_UNDEF) {
        return std::nullopt;
    }
    return StoredChunk{left_out, address, size};
}

void read_stored_chunk(hid_t dataset,
                       const Position& position,
                       std::uint64_t size,
                       std::vector<std::byte>& bytes,
                       const std::string& where) {
    bytes.resize(size);
    std::uint32_t left_out = 0;
    checked(H5Dread_chunk(dataset, H5P_DEFAULT, position.data(), &left_out, bytes.data()),
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
