#include "checkpoint/hdf5_dataset.hpp"

#include "lipcert/error.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "checkpoint/hdf5_handle.hpp"
#include "checkpoint/hdf5_limits.hpp"
#include "checkpoint/hdf5_storage.hpp"
#include "checkpoint/hdf5_types.hpp"
#include <fmt/format.h>

namespace lipcert::hdf5 {

namespace {

[[noreturn]] void refuse(const std::string& where, const std::string& message) {
    throw Error(ErrorKind::input, where, message);
}

/// Before anything else is asked of a dataset: even its shape may lead libhdf5 to other files.
void refuse_data_elsewhere(hid_t dataset, const std::string& where) {
    const Handle plist = owned(
        H5Dget_create_plist(dataset), H5Pclose, where, "its storage description cannot be read");
    const H5D_layout_t layout =
        checked(H5Pget_layout(plist.get()), where, "its storage layout cannot be read");
    if (layout == H5D_VIRTUAL) {
        refuse(where,
               "is a virtual dataset, whose values lie in other files: a certificate needs them "
               "in this one; copy it with h5repack");
    }
    if (checked(H5Pget_external_count(plist.get()), where, "its storage layout cannot be read") >
        0) {
        refuse(where,
               "uses external storage, so its values lie in other files: a certificate needs them "
               "in this one; copy it with h5repack");
    }
}

/// The declared size in bytes. Zero extents count as one, so that no product of some of the
/// extents overflows either.
std::uint64_t checked_bytes(const std::vector<std::size_t>& shape,
                            std::size_t element_bytes,
                            const std::string& where) {
    constexpr std::uint64_t kLargest =
        static_cast<std::uint64_t>(std::numeric_limits<std::ptrdiff_t>::max()) / sizeof(double);
    std::uint64_t bytes = std::max<std::uint64_t>(element_bytes, 1);
    for (const std::uint64_t extent : shape) {
        if (extent != 0 && bytes > kLargest / extent) {
            refuse(where, "declares more elements than any memory holds: the file is not sound");
        }
        bytes *= std::max<std::uint64_t>(extent, 1);
    }
    return std::find(shape.begin(), shape.end(), 0U) == shape.end() ? bytes : 0;
}

}  // namespace

std::vector<std::size_t> dataset_shape(hid_t dataset, const std::string& where) {
    const Handle space = owned(H5Dget_space(dataset), H5Sclose, where, "its shape cannot be read");
    const H5S_class_t space_class = H5Sget_simple_extent_type(space.get());
    if (space_class == H5S_NULL) {
        return {0};
    }
    const int rank =
        checked(H5Sget_simple_extent_ndims(space.get()), where, "its shape cannot be read");
    if (rank > kLargestRank) {
        refuse(where, fmt::format("has {} dimensions; at most {} are read", rank, kLargestRank));
    }
    hsize_t extents[kLargestRank] = {};
    checked(H5Sget_simple_extent_dims(space.get(), extents, nullptr),
            where,
            "its shape cannot be read");
    return {extents, extents + rank};
}

TensorInfo describe_dataset(const Object& dataset, const std::string& name) {
    const std::string& where = dataset.where;
    refuse_data_elsewhere(dataset.id, where);
    const ElementType element = element_type(dataset);
    TensorInfo tensor;
    tensor.name = name;
    tensor.shape = dataset_shape(dataset.id, where);
    tensor.type = element.type;
    tensor.stored_type = element.name;
    tensor.stored_bytes = H5Dget_storage_size(dataset.id);
    tensor.packing = packing_text(read_storage(dataset.id, where));
    const std::uint64_t declared = checked_bytes(tensor.shape, element.size, where);
    if (is_bomb(declared, tensor.stored_bytes, kLargestUncheckedBytes)) {
        refuse(where,
               fmt::format("declares {} bytes and stores {}: over 4 GiB and over {} times what is "
                           "there, which no honest compression reaches",
                           declared,
                           tensor.stored_bytes,
                           kLargestExpansion));
    }
    return tensor;
}

}  // namespace lipcert::hdf5
