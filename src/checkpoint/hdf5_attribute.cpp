#include "checkpoint/hdf5_attribute.hpp"

#include "lipcert/error.hpp"

#include <cstring>

#include "checkpoint/hdf5_handle.hpp"
#include "checkpoint/hdf5_variable_text.hpp"
#include <fmt/format.h>

namespace lipcert::hdf5 {

namespace {

void refuse_size(const char* name, std::size_t limit, const std::string& where) {
    throw Error(
        ErrorKind::input,
        where,
        fmt::format(
            "attribute '{}' is larger than {} bytes: keep it in a file of its own", name, limit));
}

std::string read_fixed(hid_t attribute, hid_t type, std::size_t size, const std::string& where) {
    std::string text(size, '\0');
    checked(H5Aread(attribute, type, text.data()), where, "an attribute cannot be read");
    text.resize(std::strlen(text.c_str()));
    if (H5Tget_strpad(type) == H5T_STR_SPACEPAD) {
        text.resize(text.find_last_not_of(' ') + 1);
    }
    return text;
}

}  // namespace

std::optional<std::string> read_text_attribute(const Object& object,
                                               const char* name,
                                               std::size_t limit) {
    const std::string& where = object.where;
    if (checked(H5Aexists(object.id, name), where, "its attributes cannot be read") == 0) {
        return std::nullopt;
    }
    const Handle attribute = owned(
        H5Aopen(object.id, name, H5P_DEFAULT), H5Aclose, where, "an attribute cannot be opened");
    const Handle type =
        owned(H5Aget_type(attribute.get()), H5Tclose, where, "an attribute has no type");
    const Handle space =
        owned(H5Aget_space(attribute.get()), H5Sclose, where, "an attribute has no shape");
    if (H5Tget_class(type.get()) != H5T_STRING || H5Sget_simple_extent_npoints(space.get()) != 1) {
        throw Error(ErrorKind::input,
                    where,
                    fmt::format("attribute '{}' is not one string: store it as text", name));
    }
    if (checked(H5Tis_variable_str(type.get()), where, "an attribute has no type") > 0) {
        return read_variable_text(object, name, limit);
    }
    if (H5Aget_storage_size(attribute.get()) > limit || H5Tget_size(type.get()) > limit) {
        refuse_size(name, limit, where);
    }
    return read_fixed(attribute.get(), type.get(), H5Tget_size(type.get()), where);
}

}  // namespace lipcert::hdf5
