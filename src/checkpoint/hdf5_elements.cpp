#include "checkpoint/hdf5_elements.hpp"

#include "lipcert/error.hpp"

#include <vector>

#include "checkpoint/hdf5_dataset.hpp"
#include "checkpoint/hdf5_storage.hpp"
#include "checkpoint/hdf5_types.hpp"
#include "tensor/element_bits.hpp"

namespace lipcert::hdf5 {

namespace {

bool is_big_endian(const Hdf5Checkpoint& source, haddr_t address, const std::string& where) {
    const Handle dataset = owned(
        H5Oopen_by_addr(source.file(), address), H5Oclose, where, "a dataset cannot be opened");
    return element_type({dataset.get(), where, source.raw()}).big_endian;
}

/// libhdf5 encodes what is written, and has no LZF.
void refuse_unwritable_filters(const Storage& storage, const std::string& where) {
    for (const Filter& filter : storage.filters) {
        if (filter.number == kFilterLzf) {
            throw Error(ErrorKind::input,
                        where,
                        "is stored with the filter lzf, which is read and not written: rewrite the "
                        "file with `h5repack -f GZIP=4 IN OUT` on a machine that has lzf");
        }
    }
}

}  // namespace

void write_elements(WritableFile& copy,
                    const Hdf5Checkpoint& source,
                    const TensorInfo& tensor,
                    const StoredValues& values) {
    constexpr const char* kCannotBeWritten = "its new values cannot be written";
    const std::string where = source.place_of(tensor);
    const haddr_t address = source.address_of(tensor);
    prepare_library();
    Handle dataset =
        owned(H5Oopen_by_addr(copy.id(), address), H5Oclose, where, "a dataset cannot be opened");
    const Handle type =
        owned(H5Dget_type(dataset.get()), H5Tclose, where, "its element type cannot be read");
    const std::size_t size = element_size(tensor.type);
    // libhdf5 reads as many bytes as these say.
    if (dataset_shape(dataset.get(), where) != tensor.shape || H5Tget_size(type.get()) != size) {
        throw Error(ErrorKind::input, where, "is another dataset in the copy of the file");
    }
    refuse_unwritable_filters(read_storage(dataset.get(), where), where);
    std::vector<std::byte> swapped;
    std::span<const std::byte> bytes = values.bytes();
    if (is_big_endian(source, address, where)) {
        swapped.assign(bytes.begin(), bytes.end());
        swap_elements(swapped, size);
        bytes = swapped;
    }
    checked(H5Dwrite(dataset.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data()),
            where,
            kCannotBeWritten);
    // Closing writes the chunks that libhdf5 holds.
    checked(H5Oclose(dataset.release()), where, kCannotBeWritten);
    copy.require_written();
}

}  // namespace lipcert::hdf5
