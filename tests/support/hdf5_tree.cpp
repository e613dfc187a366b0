#include "support/hdf5_tree.hpp"

#include <stdexcept>
#include <vector>

#include "support/hdf5_writer.hpp"
#include <fmt/format.h>

namespace lipcert::test {

namespace {

template <typename Result>
Result good(Result result) {
    if (result < 0) {
        throw std::runtime_error("libhdf5 cannot say what is in a file");
    }
    return result;
}

std::string hexadecimal(const std::vector<unsigned char>& bytes) {
    return fmt::format("{:02x}", fmt::join(bytes, ""));
}

std::string extents(hid_t space) {
    const int rank = good(H5Sget_simple_extent_ndims(space));
    std::vector<hsize_t> current(static_cast<std::size_t>(rank));
    std::vector<hsize_t> largest(current.size());
    good(H5Sget_simple_extent_dims(space, current.data(), largest.data()));
    return fmt::format("space {} [{}] of [{}]\n",
                       static_cast<int>(H5Sget_simple_extent_type(space)),
                       fmt::join(current, ","),
                       fmt::join(largest, ","));
}

/// The type as libhdf5 would store it.
std::string type_text(hid_t type) {
    std::size_t size = 0;
    good(H5Tencode(type, nullptr, &size));
    std::vector<unsigned char> bytes(size);
    good(H5Tencode(type, bytes.data(), &size));
    return "type " + hexadecimal(bytes) + "\n";
}

bool is_variable(hid_t type) {
    return H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) > 0;
}

/// Values read by `read` into memory of their own type.
template <typename Read>
std::string values_text(hid_t type, hid_t space, const Read& read) {
    const auto count = static_cast<std::size_t>(good(H5Sget_simple_extent_npoints(space)));
    if (is_variable(type)) {
        std::vector<char*> texts(count, nullptr);
        good(read(texts.data()));
        std::string all;
        for (const char* text : texts) {
            all += fmt::format("text '{}'\n", text == nullptr ? "(none)" : text);
        }
        good(H5Dvlen_reclaim(type, space, H5P_DEFAULT, texts.data()));
        return all;
    }
    std::vector<unsigned char> bytes(count * H5Tget_size(type));
    if (!bytes.empty()) {
        good(read(bytes.data()));
    }
    return "values " + hexadecimal(bytes) + "\n";
}

std::string attributes(hid_t object) {
    H5O_info_t info{};
    good(H5Oget_info2(object, &info, H5O_INFO_NUM_ATTRS));
    std::string text;
    for (hsize_t i = 0; i < info.num_attrs; ++i) {
        const Hdf5Id attribute(
            H5Aopen_by_idx(object, ".", H5_INDEX_NAME, H5_ITER_INC, i, H5P_DEFAULT, H5P_DEFAULT));
        const Hdf5Id type(H5Aget_type(attribute));
        const Hdf5Id space(H5Aget_space(attribute));
        std::vector<char> name(256);
        good(H5Aget_name(attribute, name.size(), name.data()));
        text += fmt::format("attribute {}\n", name.data()) + type_text(type) + extents(space) +
                values_text(
                    type, space, [&](void* buffer) { return H5Aread(attribute, type, buffer); });
    }
    return text;
}

std::string creation_text(hid_t dataset, hid_t type) {
    const Hdf5Id creation(H5Dget_create_plist(dataset));
    const H5D_layout_t layout = good(H5Pget_layout(creation));
    std::string text = fmt::format("layout {}\n", static_cast<int>(layout));
    if (layout == H5D_CHUNKED) {
        std::vector<hsize_t> chunk(32);
        chunk.resize(static_cast<std::size_t>(good(H5Pget_chunk(creation, 32, chunk.data()))));
        text += fmt::format("chunks [{}]\n", fmt::join(chunk, ","));
    }
    for (int i = 0; i < good(H5Pget_nfilters(creation)); ++i) {
        unsigned flags = 0;
        std::vector<unsigned> parameters(16);
        std::size_t count = parameters.size();
        const H5Z_filter_t filter = H5Pget_filter2(creation,
                                                   static_cast<unsigned>(i),
                                                   &flags,
                                                   &count,
                                                   parameters.data(),
                                                   0,
                                                   nullptr,
                                                   nullptr);
        parameters.resize(count);
        text += fmt::format("filter {} {} [{}]\n", filter, flags, fmt::join(parameters, ","));
    }
    H5D_fill_value_t has_fill = H5D_FILL_VALUE_UNDEFINED;
    good(H5Pfill_value_defined(creation, &has_fill));
    if (has_fill == H5D_FILL_VALUE_USER_DEFINED) {
        std::vector<unsigned char> fill(H5Tget_size(type));
        good(H5Pget_fill_value(creation, type, fill.data()));
        text += "fill " + hexadecimal(fill) + "\n";
    }
    return text;
}

std::string dataset_text(hid_t dataset, bool with_values) {
    const Hdf5Id type(H5Dget_type(dataset));
    const Hdf5Id space(H5Dget_space(dataset));
    std::string text =
        "dataset\n" + type_text(type) + extents(space) + creation_text(dataset, type);
    if (with_values) {
        text += values_text(type, space, [&](void* buffer) {
            return H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, buffer);
        });
    }
    return text;
}

struct Collection {
    std::map<std::string, std::string>& tree;
    const std::set<std::string>& without_values;
    std::string error;
};

std::string object_text(hid_t object, bool with_values) {
    switch (H5Iget_type(object)) {
        case H5I_DATASET:
            return dataset_text(object, with_values) + attributes(object);
        case H5I_DATATYPE:
            return "stored " + type_text(object) + attributes(object);
        default:
            return "group\n" + attributes(object);
    }
}

/// Called by libhdf5, which no exception may cross.
herr_t collect(hid_t root, const char* name, const H5L_info_t* info, void* data) {
    auto& collection = *static_cast<Collection*>(data);
    try {
        const Hdf5Id object(H5Oopen(root, name, H5P_DEFAULT));
        collection.tree[name] =
            fmt::format("link {} {}\n", static_cast<int>(info->type), info->corder) +
            object_text(object, !collection.without_values.contains(name));
        return 0;
    } catch (const std::exception& error) {
        collection.error = error.what();
        return -1;
    }
}

}  // namespace

std::map<std::string, std::string> hdf5_tree(const std::filesystem::path& path,
                                             const std::set<std::string>& without_values) {
    const Hdf5Id file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT));
    std::map<std::string, std::string> tree;
    tree[""] = attributes(file);
    Collection collection{tree, without_values, ""};
    good(H5Lvisit(file, H5_INDEX_NAME, H5_ITER_INC, collect, &collection));
    return tree;
}

}  // namespace lipcert::test
