#include "support/hdf5_writer.hpp"

#include <stdexcept>
#include <utility>

namespace lipcert::test {

namespace {

/// Every negative result of libhdf5 is a mistake in a test.
template <typename Result>
Result good(Result result) {
    if (result < 0) {
        throw std::logic_error("libhdf5 could not write what a test asked for");
    }
    return result;
}

hid_t create_file(const std::filesystem::path& path, bool new_style_groups) {
    const Hdf5Id access(H5Pcreate(H5P_FILE_ACCESS));
    if (new_style_groups) {
        good(H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110));
    }
    return H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access);
}

Hdf5Id link_creation() {
    Hdf5Id plist(H5Pcreate(H5P_LINK_CREATE));
    good(H5Pset_create_intermediate_group(plist, 1));
    return plist;
}

Hdf5Id simple_space(const std::vector<hsize_t>& shape) {
    return Hdf5Id(shape.empty()
                      ? H5Screate(H5S_SCALAR)
                      : H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr));
}

Hdf5Id dataset_creation(const Storage& storage, hsize_t bytes) {
    Hdf5Id plist(H5Pcreate(H5P_DATASET_CREATE));
    if (storage.compact) {
        good(H5Pset_layout(plist, H5D_COMPACT));
    }
    if (!storage.chunks.empty()) {
        good(H5Pset_chunk(plist, static_cast<int>(storage.chunks.size()), storage.chunks.data()));
    }
    if (storage.plain_edges) {
        good(H5Pset_chunk_opts(plist, H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS));
    }
    if (storage.shuffle) {
        good(H5Pset_shuffle(plist));
    }
    for (const H5Z_filter_t filter : storage.optional_filters) {
        good(H5Pset_filter(plist, filter, H5Z_FLAG_OPTIONAL, 0, nullptr));
    }
    if (storage.gzip) {
        good(H5Pset_deflate(plist, 6));
    }
    if (storage.fletcher32) {
        good(H5Pset_fletcher32(plist));
    }
    if (!storage.external_file.empty()) {
        good(H5Pset_external(plist, storage.external_file.c_str(), 0, bytes));
    }
    return plist;
}

}  // namespace

Hdf5Id::Hdf5Id(hid_t id) : id_(good(id)) {}

Hdf5Id::Hdf5Id(Hdf5Id&& other) noexcept : id_(std::exchange(other.id_, H5I_INVALID_HID)) {}

Hdf5Id::~Hdf5Id() {
    switch (H5Iget_type(id_)) {
        case H5I_FILE:
            H5Fclose(id_);
            break;
        case H5I_GENPROP_LST:
            H5Pclose(id_);
            break;
        default:
            H5Idec_ref(id_);
    }
}

Hdf5Id custom_float(std::size_t bytes,
                    std::size_t exponent,
                    std::size_t mantissa,
                    std::size_t bias) {
    Hdf5Id type(H5Tcopy(bytes > 4 ? H5T_IEEE_F64LE : H5T_IEEE_F32LE));
    good(H5Tset_fields(type, exponent + mantissa, mantissa, exponent, 0, mantissa));
    good(H5Tset_precision(type, 8 * bytes));
    good(H5Tset_size(type, bytes));
    good(H5Tset_ebias(type, bias));
    return type;
}

Hdf5Id half_type() {
    return custom_float(2, 5, 10, 15);
}

Hdf5Id bfloat16_type() {
    return custom_float(2, 8, 7, 127);
}

Hdf5Id opaque_type(std::size_t bytes, const std::string& tag) {
    Hdf5Id type(H5Tcreate(H5T_OPAQUE, bytes));
    good(H5Tset_tag(type, tag.c_str()));
    return type;
}

Hdf5Id big_endian(const Hdf5Id& type) {
    Hdf5Id copy(H5Tcopy(type));
    good(H5Tset_order(copy, H5T_ORDER_BE));
    return copy;
}

Hdf5Writer::Hdf5Writer(const std::filesystem::path& path, bool new_style_groups)
    : file_(create_file(path, new_style_groups)) {
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

Hdf5Writer& Hdf5Writer::add(const std::string& name,
                            const std::vector<hsize_t>& shape,
                            const std::vector<double>& values,
                            hid_t type,
                            const Storage& storage) {
    add_raw(name, shape, nullptr, type, storage);
    const Hdf5Id dataset(H5Dopen2(file_, name.c_str(), H5P_DEFAULT));
    good(H5Dwrite(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()));
    return *this;
}

Hdf5Writer& Hdf5Writer::add_raw(const std::string& name,
                                const std::vector<hsize_t>& shape,
                                const void* bytes,
                                hid_t type,
                                const Storage& storage) {
    const Hdf5Id space = simple_space(shape);
    hsize_t size = H5Tget_size(type);
    for (const hsize_t extent : shape) {
        size *= extent;
    }
    const Hdf5Id creation = dataset_creation(storage, size);
    const Hdf5Id links = link_creation();
    const Hdf5Id dataset(
        H5Dcreate2(file_, name.c_str(), type, space, links, creation, H5P_DEFAULT));
    if (bytes != nullptr) {
        good(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes));
    }
    return *this;
}

Hdf5Writer& Hdf5Writer::write_rows(const std::string& name,
                                   hsize_t count,
                                   const std::vector<double>& values) {
    const Hdf5Id dataset(H5Dopen2(file_, name.c_str(), H5P_DEFAULT));
    const Hdf5Id space(H5Dget_space(dataset));
    std::vector<hsize_t> extent(static_cast<std::size_t>(good(H5Sget_simple_extent_ndims(space))));
    good(H5Sget_simple_extent_dims(space, extent.data(), nullptr));
    extent[0] = count;
    const std::vector<hsize_t> start(extent.size(), 0);
    good(H5Sselect_hyperslab(space, H5S_SELECT_SET, start.data(), nullptr, extent.data(), nullptr));
    const Hdf5Id memory = simple_space(extent);
    good(H5Dwrite(dataset, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, values.data()));
    return *this;
}

Hdf5Writer& Hdf5Writer::add_extensible(const std::string& name,
                                       const std::vector<hsize_t>& shape,
                                       const std::vector<double>& values,
                                       hid_t type,
                                       const Storage& storage) {
    const std::vector<hsize_t> largest(shape.size(), H5S_UNLIMITED);
    const Hdf5Id space(
        H5Screate_simple(static_cast<int>(shape.size()), shape.data(), largest.data()));
    const Hdf5Id creation = dataset_creation(storage, 0);
    const Hdf5Id dataset(
        H5Dcreate2(file_, name.c_str(), type, space, H5P_DEFAULT, creation, H5P_DEFAULT));
    good(H5Dwrite(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()));
    return *this;
}

Hdf5Writer& Hdf5Writer::add_filtered(const std::string& name,
                                     const std::vector<double>& values,
                                     const std::vector<H5Z_filter_t>& filters) {
    const hsize_t count = values.size();
    const Hdf5Id space = simple_space({count});
    const Hdf5Id creation(H5Pcreate(H5P_DATASET_CREATE));
    good(H5Pset_chunk(creation, 1, &count));
    const unsigned level = 6;
    for (const H5Z_filter_t filter : filters) {
        const bool is_gzip = filter == H5Z_FILTER_DEFLATE;
        good(H5Pset_filter(
            creation, filter, H5Z_FLAG_MANDATORY, is_gzip ? 1 : 0, is_gzip ? &level : nullptr));
    }
    const Hdf5Id dataset(
        H5Dcreate2(file_, name.c_str(), H5T_IEEE_F32LE, space, H5P_DEFAULT, creation, H5P_DEFAULT));
    good(H5Dwrite(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()));
    return *this;
}

Hdf5Writer& Hdf5Writer::overwrite_chunk(const std::string& name,
                                        std::uint32_t left_out,
                                        const void* bytes,
                                        std::size_t count) {
    const Hdf5Id dataset(H5Dopen2(file_, name.c_str(), H5P_DEFAULT));
    const std::vector<hsize_t> first(32, 0);
    good(H5Dwrite_chunk(dataset, H5P_DEFAULT, left_out, first.data(), count, bytes));
    return *this;
}

Hdf5Writer& Hdf5Writer::add_null(const std::string& name) {
    const Hdf5Id space(H5Screate(H5S_NULL));
    const Hdf5Id dataset(H5Dcreate2(
        file_, name.c_str(), H5T_IEEE_F32LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    return *this;
}

Hdf5Writer& Hdf5Writer::add_virtual(const std::string& name, const std::string& other_file) {
    const Hdf5Id space = simple_space({4});
    const Hdf5Id creation(H5Pcreate(H5P_DATASET_CREATE));
    good(H5Pset_virtual(creation, space, other_file.c_str(), "x", space));
    const Hdf5Id dataset(
        H5Dcreate2(file_, name.c_str(), H5T_IEEE_F32LE, space, H5P_DEFAULT, creation, H5P_DEFAULT));
    return *this;
}

Hdf5Writer& Hdf5Writer::group(const std::string& name) {
    const Hdf5Id links = link_creation();
    const Hdf5Id made(H5Gcreate2(file_, name.c_str(), links, H5P_DEFAULT, H5P_DEFAULT));
    return *this;
}

Hdf5Writer& Hdf5Writer::text_attribute(const std::string& object,
                                       const std::string& name,
                                       const std::string& text,
                                       TextForm form) {
    const Hdf5Id owner(H5Oopen(file_, object.c_str(), H5P_DEFAULT));
    const Hdf5Id type(H5Tcopy(H5T_C_S1));
    const bool is_variable = form == TextForm::variable;
    std::string padded = text;
    if (form == TextForm::fixed_space_padded) {
        good(H5Tset_strpad(type, H5T_STR_SPACEPAD));
        padded += "   ";
    }
    good(H5Tset_size(type, is_variable ? H5T_VARIABLE : padded.size() + 1));
    if (form == TextForm::fixed_space_padded) {
        padded += ' ';
    }
    const Hdf5Id space = simple_space(form == TextForm::one_element ? std::vector<hsize_t>{1}
                                                                    : std::vector<hsize_t>{});
    const Hdf5Id attribute(H5Acreate2(owner, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT));
    const char* pointer = padded.c_str();
    good(H5Awrite(
        attribute, type, is_variable ? static_cast<const void*>(&pointer) : padded.c_str()));
    return *this;
}

Hdf5Writer& Hdf5Writer::integer_attribute(const std::string& object, const std::string& name) {
    const Hdf5Id owner(H5Oopen(file_, object.c_str(), H5P_DEFAULT));
    const Hdf5Id space = simple_space({});
    const Hdf5Id attribute(
        H5Acreate2(owner, name.c_str(), H5T_STD_I32LE, space, H5P_DEFAULT, H5P_DEFAULT));
    const int value = 3;
    good(H5Awrite(attribute, H5T_NATIVE_INT, &value));
    return *this;
}

Hdf5Writer& Hdf5Writer::hard_link(const std::string& existing, const std::string& name) {
    good(H5Lcreate_hard(file_, existing.c_str(), file_, name.c_str(), H5P_DEFAULT, H5P_DEFAULT));
    return *this;
}

Hdf5Writer& Hdf5Writer::soft_link(const std::string& target, const std::string& name) {
    good(H5Lcreate_soft(target.c_str(), file_, name.c_str(), H5P_DEFAULT, H5P_DEFAULT));
    return *this;
}

Hdf5Writer& Hdf5Writer::external_link(const std::string& file, const std::string& name) {
    good(H5Lcreate_external(file.c_str(), "/x", file_, name.c_str(), H5P_DEFAULT, H5P_DEFAULT));
    return *this;
}

Hdf5Writer& Hdf5Writer::named_type(const std::string& name) {
    const Hdf5Id type(H5Tcopy(H5T_IEEE_F32LE));
    good(H5Tcommit2(file_, name.c_str(), type, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    return *this;
}

haddr_t Hdf5Writer::offset(const std::string& name) {
    const Hdf5Id dataset(H5Dopen2(file_, name.c_str(), H5P_DEFAULT));
    return H5Dget_offset(dataset);
}

void write_integers(const std::filesystem::path& path,
                    const std::string& name,
                    const std::vector<std::size_t>& values) {
    std::vector<double> numbers;
    for (const std::size_t value : values) {
        numbers.push_back(static_cast<double>(value));
    }
    Hdf5Writer(path).add(name, {values.size()}, numbers, H5T_STD_I64LE);
}

}  // namespace lipcert::test
