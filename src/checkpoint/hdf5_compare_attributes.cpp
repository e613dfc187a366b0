#include "checkpoint/hdf5_compare_attributes.hpp"

#include "lipcert/error.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

#include "checkpoint/hdf5_handle.hpp"
#include "checkpoint/hdf5_limits.hpp"

namespace lipcert::hdf5 {

namespace {

constexpr const char* kUnreadable = "its attributes cannot be read";

/// An attribute without its owner: what two of them are compared by.
struct Attribute {
    Handle handle, type, space;
    std::string name;
};

Attribute open_attribute(hid_t object, hsize_t index, const std::string& where) {
    Attribute attribute;
    attribute.handle = owned(
        H5Aopen_by_idx(object, ".", H5_INDEX_NAME, H5_ITER_INC, index, H5P_DEFAULT, H5P_DEFAULT),
        H5Aclose,
        where,
        kUnreadable);
    const hid_t id = attribute.handle.get();
    attribute.type = owned(H5Aget_type(id), H5Tclose, where, kUnreadable);
    attribute.space = owned(H5Aget_space(id), H5Sclose, where, kUnreadable);
    std::vector<char> name(
        static_cast<std::size_t>(checked(H5Aget_name(id, 0, nullptr), where, kUnreadable)) + 1);
    checked(H5Aget_name(id, name.size(), name.data()), where, kUnreadable);
    attribute.name = name.data();
    return attribute;
}

/// Types whose values are their bytes.
bool is_plain(hid_t type) {
    switch (H5Tget_class(type)) {
        case H5T_INTEGER:
        case H5T_FLOAT:
        case H5T_BITFIELD:
        case H5T_OPAQUE:
        case H5T_ENUM:
            return true;
        case H5T_STRING:
            return H5Tis_variable_str(type) == 0;
        default:
            return false;
    }
}

std::vector<std::byte> value_of(const Attribute& attribute, const std::string& where) {
    const auto count = static_cast<std::uint64_t>(
        checked(H5Sget_simple_extent_npoints(attribute.space.get()), where, kUnreadable));
    const std::size_t size = H5Tget_size(attribute.type.get());
    if (!is_plain(attribute.type.get()) || count > kLargestConfiguration / (size + 1)) {
        throw Error(ErrorKind::input,
                    where,
                    "has many attributes, one of which is of variable length, compound or over 16 "
                    "MiB; whether an edit leaves it as it is cannot be shown: rewrite the file "
                    "with h5repack --low=0 --high=0, or store it as fixed-length text");
    }
    std::vector<std::byte> value(count * size);
    if (!value.empty()) {
        checked(H5Aread(attribute.handle.get(), attribute.type.get(), value.data()),
                where,
                kUnreadable);
    }
    return value;
}

struct AttributeCount {
    hsize_t number = 0;
    bool is_far = false;
};

AttributeCount count_attributes(hid_t object, const std::string& where) {
    H5O_info_t info{};
    checked(
        H5Oget_info2(object, &info, H5O_INFO_NUM_ATTRS | H5O_INFO_META_SIZE), where, kUnreadable);
    return {info.num_attrs, info.meta_size.attr.index_size + info.meta_size.attr.heap_size > 0};
}

}  // namespace

bool have_equal_far_attributes(hid_t a, hid_t b, const std::string& where) {
    const AttributeCount count = count_attributes(a, where);
    if (!count.is_far) {
        return !count_attributes(b, where).is_far;
    }
    if (count.number != count_attributes(b, where).number) {
        return false;
    }
    for (hsize_t i = 0; i < count.number; ++i) {
        const Attribute first = open_attribute(a, i, where);
        const Attribute second = open_attribute(b, i, where);
        if (first.name != second.name || H5Tequal(first.type.get(), second.type.get()) <= 0 ||
            H5Sextent_equal(first.space.get(), second.space.get()) <= 0 ||
            value_of(first, where) != value_of(second, where)) {
            return false;
        }
    }
    return true;
}

}  // namespace lipcert::hdf5
