#include "lipcert/checkpoint/integers.hpp"
#include "lipcert/checkpoint/memory_limit.hpp"
#include "lipcert/error.hpp"
#include "lipcert/printable.hpp"

#include <algorithm>

#include "checkpoint/hdf5_checkpoint.hpp"
#include "checkpoint/hdf5_storage.hpp"
#include "checkpoint/hdf5_trial.hpp"

namespace lipcert {

namespace {

std::string names_of(const std::vector<TensorInfo>& tensors) {
    constexpr std::size_t kShown = 6;
    std::string names;
    for (std::size_t i = 0; i < std::min(tensors.size(), kShown); ++i) {
        names += (names.empty() ? "" : ", ") + printable_quote(tensors[i].name);
    }
    if (tensors.size() > kShown) {
        names += " and " + std::to_string(tensors.size() - kShown) + " more";
    }
    return names.empty() ? "none" : names;
}

const TensorInfo& chosen(const Hdf5Checkpoint& file, const std::string& dataset) {
    const std::vector<TensorInfo>& tensors = file.tensors();
    std::string name = dataset;
    name.erase(0, name.find_first_not_of('/'));
    std::replace(name.begin(), name.end(), '/', '.');
    if (name.empty() && tensors.size() != 1) {
        throw Error(
            ErrorKind::input,
            file.path(),
            "which dataset holds the tokens? Write FILE:/NAME; it has " + names_of(tensors));
    }
    const TensorInfo* tensor = name.empty() ? tensors.data() : file.find(name);
    if (tensor == nullptr) {
        throw Error(
            ErrorKind::input,
            file.path(),
            "has no dataset '" + printable_quote(dataset) + "'; it has " + names_of(tensors));
    }
    return *tensor;
}

/// The rules of storage look at the size of an element alone, and know it of floats.
TensorInfo sized_like(const TensorInfo& tensor, hid_t type, const std::string& where) {
    TensorInfo result = tensor;
    switch (H5Tget_size(type)) {
        case 2:
            result.type = DataType::float16;
            return result;
        case 4:
            result.type = DataType::float32;
            return result;
        case 8:
            result.type = DataType::float64;
            return result;
        default:
            throw Error(
                ErrorKind::input,
                where,
                "holds " + tensor.stored_type + "; expected token numbers of 16, 32 or 64 bits");
    }
}

}  // namespace

IntegerTable read_hdf5_integers(const std::filesystem::path& path, const std::string& dataset) {
    try_hdf5_file(path);
    const auto file = open_hdf5_file(path);
    const TensorInfo& tensor = chosen(*file, dataset);
    const std::string where = file->place_of(tensor);
    const hdf5::Handle opened = hdf5::owned(H5Oopen_by_addr(file->file(), file->address_of(tensor)),
                                            H5Oclose,
                                            where,
                                            "a dataset cannot be opened");
    const hdf5::Handle type =
        hdf5::owned(H5Dget_type(opened.get()), H5Tclose, where, "its element type cannot be read");
    if (H5Tget_class(type.get()) != H5T_INTEGER || tensor.shape.empty() ||
        tensor.shape.size() > 2) {
        throw Error(ErrorKind::input,
                    where,
                    "holds " + tensor.stored_type + ", " + shape_text(tensor) +
                        "; expected token numbers: integers in one or two dimensions");
    }
    IntegerTable table;
    table.columns = tensor.shape.size() == 2 ? tensor.shape[1] : 0;
    const std::size_t count = element_count(tensor);
    if (count == 0) {
        return table;
    }
    hdf5::require_readable(
        hdf5::read_storage(opened.get(), where), sized_like(tensor, type.get(), where), where);
    require_memory(2 * count * sizeof(std::int64_t), where);
    std::vector<std::int64_t> values(count);
    hdf5::checked(
        H5Dread(opened.get(), H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()),
        where,
        "its values cannot be read");
    if (std::any_of(values.begin(), values.end(), [](std::int64_t value) { return value < 0; })) {
        throw Error(ErrorKind::input, where, "holds a negative number; expected token numbers");
    }
    table.values.assign(values.begin(), values.end());
    return table;
}

}  // namespace lipcert
