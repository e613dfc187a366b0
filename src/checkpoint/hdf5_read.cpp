#include "lipcert/checkpoint/memory_limit.hpp"
#include "lipcert/error.hpp"

#include <algorithm>
#include <cmath>
#include <new>
#include <span>

#include "checkpoint/hdf5_chunks.hpp"
#include "checkpoint/hdf5_dataset.hpp"
#include "checkpoint/hdf5_handle.hpp"
#include "checkpoint/hdf5_storage.hpp"
#include "checkpoint/hdf5_types.hpp"
#include "checkpoint/matrix_shape.hpp"
#include "tensor/element_bits.hpp"
#include <fmt/format.h>

namespace lipcert::hdf5 {

namespace {

[[noreturn]] void refuse(const std::string& where, const std::string& message) {
    throw Error(ErrorKind::input, where, message);
}

void refuse_unsupported(const ElementType& element, const std::string& where) {
    std::string advice = "convert it to float16, bfloat16, float32 or float64";
    if (element.name.starts_with("float8")) {
        advice = "8-bit floats come with scales that lipcert does not know; " + advice;
    } else if (element.name == "uint16" || element.name == "int16") {
        advice += ", or, if these are bfloat16 patterns, say so in an attribute dtype=\"bfloat16\"";
    }
    refuse(where, fmt::format("holds {}, which is not read as numbers: {}", element.name, advice));
}

std::string index_text(std::size_t position, const std::vector<std::size_t>& shape) {
    std::vector<std::size_t> index(shape.size());
    for (std::size_t i = shape.size(); i-- > 0;) {
        index[i] = position % shape[i];
        position /= shape[i];
    }
    return index.empty() ? "its only entry" : fmt::format("[{}]", fmt::join(index, ", "));
}

void refuse_non_finite(std::span<const double> values,
                       const TensorInfo& tensor,
                       const std::string& where) {
    const auto found =
        std::find_if(values.begin(), values.end(), [](double x) { return !std::isfinite(x); });
    if (found == values.end()) {
        return;
    }
    refuse(where,
           fmt::format("holds {} at {}; every weight must be finite, or a bound would say nothing "
                       "about the model: repair or retrain it",
                       *found,
                       index_text(static_cast<std::size_t>(found - values.begin()), tensor.shape)));
}

/// Contiguous and compact storage. The type in memory is the type in the file: libhdf5 converts
/// nothing, and every bit that becomes a number is decoded here.
void read_whole(const Object& dataset,
                const TensorInfo& tensor,
                const ElementType& element,
                std::span<double> values) {
    const Handle type =
        owned(H5Dget_type(dataset.id), H5Tclose, dataset.where, "its element type cannot be read");
    const std::span<std::byte> raw = raw_part(tensor.type, values);
    checked(H5Dread(dataset.id, type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, raw.data()),
            dataset.where,
            "its values cannot be read");
    decode(tensor.type, element.big_endian, raw.data(), values);
}

Matrix allocate(const TensorInfo& tensor, const std::string& where) {
    const MatrixShape shape = matrix_shape(tensor);
    try {
        return Matrix(shape.rows, shape.cols);
    } catch (const std::bad_alloc&) {
        refuse(where,
               fmt::format("needs {} bytes of memory, which are not there",
                           static_cast<double>(shape.rows) * static_cast<double>(shape.cols) * 8));
    }
}

}  // namespace

Matrix read_dataset(const Object& dataset, const TensorInfo& tensor) {
    const std::string& where = dataset.where;
    const ElementType element = element_type(dataset);
    if (element.type == DataType::unsupported) {
        refuse_unsupported(element, where);
    }
    if (element.type != tensor.type || element.size != element_size(tensor.type) ||
        dataset_shape(dataset.id, where) != tensor.shape) {
        refuse(where, "has changed since the file was opened: keep it still while it is read");
    }
    if (element_count(tensor) == 0) {
        return allocate(tensor, where);
    }
    const Storage storage = read_storage(dataset.id, where);
    require_readable(storage, tensor, where);
    // A chunk is held stored, decoded, and in between.
    require_memory(element_count(tensor) * sizeof(double) + 3 * chunk_bytes(storage, tensor),
                   where);
    Matrix values = allocate(tensor, where);
    const std::span<double> all(values.data(), static_cast<std::size_t>(values.size()));
    if (storage.layout == H5D_CHUNKED) {
        read_chunks(dataset, storage, tensor, element, all);
    } else {
        read_whole(dataset, tensor, element, all);
    }
    refuse_non_finite(all, tensor, where);
    return values;
}

void look_up_dataset(const Object& dataset, const TensorInfo& tensor) {
    if (tensor.type == DataType::unsupported || element_count(tensor) == 0) {
        return;
    }
    const Storage storage = read_storage(dataset.id, dataset.where);
    require_readable(storage, tensor, dataset.where);
    if (storage.layout == H5D_CHUNKED) {
        for_each_chunk(tensor.shape, storage.chunk, [&dataset](const Position& position) {
            (void)stored_chunk_bytes(dataset.id, position, dataset.where);
        });
    }
}

}  // namespace lipcert::hdf5
