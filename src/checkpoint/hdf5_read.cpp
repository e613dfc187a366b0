#include "lipcert/checkpoint/memory_limit.hpp"
#include "lipcert/error.hpp"

#include <span>

#include "checkpoint/hdf5_chunks.hpp"
#include "checkpoint/hdf5_dataset.hpp"
#include "checkpoint/hdf5_handle.hpp"
#include "checkpoint/hdf5_storage.hpp"
#include "checkpoint/hdf5_types.hpp"
#include "checkpoint/tensor_values.hpp"
#include "tensor/element_bits.hpp"

namespace lipcert::hdf5 {

namespace {

[[noreturn]] void refuse(const std::string& where, const std::string& message) {
    throw Error(ErrorKind::input, where, message);
}

/// 16-bit integers are how some programs dump bfloat16.
std::string hint_for(const std::string& type_name) {
    return type_name == "uint16" || type_name == "int16"
               ? ", or, if these are bfloat16 patterns, say so in an attribute dtype=\"bfloat16\""
               : "";
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

}  // namespace

Matrix read_dataset(const Object& dataset, const TensorInfo& tensor) {
    const std::string& where = dataset.where;
    const ElementType element = element_type(dataset);
    if (element.type == DataType::unsupported) {
        refuse_element_type(element.name, where, hint_for(element.name));
    }
    if (element.type != tensor.type || element.size != element_size(tensor.type) ||
        dataset_shape(dataset.id, where) != tensor.shape) {
        refuse(where, "has changed since the file was opened: keep it still while it is read");
    }
    if (element_count(tensor) == 0) {
        return allocate_values(tensor, where);
    }
    const Storage storage = read_storage(dataset.id, where);
    require_readable(storage, tensor, where);
    // A chunk is held stored, decoded, and in between.
    require_memory(element_count(tensor) * sizeof(double) + 3 * chunk_bytes(storage, tensor),
                   where);
    Matrix values = allocate_values(tensor, where);
    const std::span<double> all(values.data(), static_cast<std::size_t>(values.size()));
    if (storage.layout == H5D_CHUNKED) {
        read_chunks(dataset, storage, tensor, element, all);
    } else {
        read_whole(dataset, tensor, element, all);
    }
    require_finite(all, tensor, where);
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
