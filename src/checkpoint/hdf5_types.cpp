#include "checkpoint/hdf5_types.hpp"

#include "lipcert/checkpoint/assumed_type.hpp"
#include "lipcert/error.hpp"
#include "lipcert/printable.hpp"

#include <array>
#include <memory>
#include <optional>

#include "checkpoint/hdf5_attribute.hpp"
#include "checkpoint/hdf5_handle.hpp"
#include <fmt/format.h>

namespace lipcert::hdf5 {

namespace {

constexpr std::size_t kLongestTypeName = 256;

struct FloatLayout {
    std::size_t size = 0;
    std::size_t precision = 0;
    std::size_t sign = 0;
    std::size_t exponent_at = 0;
    std::size_t exponent_bits = 0;
    std::size_t mantissa_at = 0;
    std::size_t mantissa_bits = 0;
    std::size_t bias = 0;

    bool operator==(const FloatLayout&) const = default;
};

struct KnownFloat {
    DataType type;
    FloatLayout layout;
};

constexpr std::array<KnownFloat, 4> kKnownFloats{{
    {DataType::float16, {2, 16, 15, 10, 5, 0, 10, 15}},
    {DataType::bfloat16, {2, 16, 15, 7, 8, 0, 7, 127}},
    {DataType::float32, {4, 32, 31, 23, 8, 0, 23, 127}},
    {DataType::float64, {8, 64, 63, 52, 11, 0, 52, 1023}},
}};

FloatLayout float_layout(hid_t type, const std::string& where) {
    FloatLayout layout;
    checked(H5Tget_fields(type,
                          &layout.sign,
                          &layout.exponent_at,
                          &layout.exponent_bits,
                          &layout.mantissa_at,
                          &layout.mantissa_bits),
            where,
            "its number format cannot be read");
    layout.size = H5Tget_size(type);
    layout.precision = H5Tget_precision(type);
    layout.bias = H5Tget_ebias(type);
    return layout;
}

void describe_float(hid_t type, ElementType& element, const std::string& where) {
    const FloatLayout layout = float_layout(type, where);
    const H5T_order_t order = H5Tget_order(type);
    const bool has_known_order = order == H5T_ORDER_LE || order == H5T_ORDER_BE;
    for (const KnownFloat& known : kKnownFloats) {
        if (known.layout == layout && has_known_order && H5Tget_offset(type) == 0 &&
            H5Tget_norm(type) == H5T_NORM_IMPLIED) {
            element.type = known.type;
            element.big_endian = order == H5T_ORDER_BE;
            element.name =
                fmt::format("{}{}", name_of(known.type), element.big_endian ? " big-endian" : "");
            return;
        }
    }
    if (layout.size == 1) {
        element.name = fmt::format("float8 E{}M{}", layout.exponent_bits, layout.mantissa_bits);
        return;
    }
    element.name = fmt::format("{}-byte float with {} exponent and {} mantissa bits",
                               layout.size,
                               layout.exponent_bits,
                               layout.mantissa_bits);
}

/// The attribute dtype of a dataset; an attribute that is no text is no statement about the type.
std::optional<std::string> stated_type(const Object& dataset) {
    try {
        return read_text_attribute(dataset, "dtype", kLongestTypeName);
    } catch (const Error&) {
        return "(unreadable)";
    }
}

void describe_opaque(const Object& dataset, hid_t type, ElementType& element) {
    struct LibraryMemory {
        void operator()(char* text) const { H5free_memory(text); }
    };

    const std::unique_ptr<char, LibraryMemory> tag(H5Tget_tag(type));
    const std::string tag_text = tag == nullptr ? "" : tag.get();
    const std::optional<std::string> stated = stated_type(dataset);
    element.name = fmt::format("opaque[{}]", element.size);
    if (!tag_text.empty()) {
        element.name += " '" + printable_quote(tag_text) + "'";
    }
    if (stated.has_value()) {
        element.name += " stated to be " + printable_quote(*stated);
    }
    if (element.size == 2 && tag_text.empty() && stated.value_or("bfloat16") == "bfloat16") {
        element.type = DataType::bfloat16;
        element.name = stated ? "bfloat16 as opaque[2]" : std::string(kAssumedBfloat16);
    }
}

void describe_integer(const Object& dataset, hid_t type, ElementType& element) {
    element.name = fmt::format(
        "{}int{}", H5Tget_sign(type) == H5T_SGN_NONE ? "u" : "", H5Tget_precision(type));
    const H5T_order_t order = H5Tget_order(type);
    const bool is_whole_word = element.size == 2 && H5Tget_precision(type) == 16;
    if (is_whole_word && (order == H5T_ORDER_LE || order == H5T_ORDER_BE) &&
        stated_type(dataset) == "bfloat16") {
        element.type = DataType::bfloat16;
        element.big_endian = order == H5T_ORDER_BE;
        element.name = "bfloat16 as " + element.name;
    }
}

std::string class_name(H5T_class_t type_class) {
    switch (type_class) {
        case H5T_TIME:
            return "time";
        case H5T_STRING:
            return "string";
        case H5T_BITFIELD:
            return "bit field";
        case H5T_COMPOUND:
            return "compound";
        case H5T_REFERENCE:
            return "reference";
        case H5T_ENUM:
            return "enumeration";
        case H5T_VLEN:
            return "variable-length sequence";
        case H5T_ARRAY:
            return "array";
        default:
            return "unknown type";
    }
}

}  // namespace

ElementType element_type(const Object& dataset) {
    const Handle type =
        owned(H5Dget_type(dataset.id), H5Tclose, dataset.where, "its element type cannot be read");
    ElementType element;
    element.size = H5Tget_size(type.get());
    const H5T_class_t type_class = H5Tget_class(type.get());
    switch (type_class) {
        case H5T_FLOAT:
            describe_float(type.get(), element, dataset.where);
            break;
        case H5T_OPAQUE:
            describe_opaque(dataset, type.get(), element);
            break;
        case H5T_INTEGER:
            describe_integer(dataset, type.get(), element);
            break;
        default:
            element.name = class_name(type_class);
            break;
    }
    return element;
}

}  // namespace lipcert::hdf5
