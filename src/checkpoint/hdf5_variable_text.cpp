#include "checkpoint/hdf5_variable_text.hpp"

#include "lipcert/error.hpp"

#include <optional>

#include "checkpoint/hdf5_handle.hpp"
#include "checkpoint/hdf5_header.hpp"
#include <fmt/format.h>

namespace lipcert::hdf5 {

namespace {

constexpr std::size_t kReferenceBytes = 16;

[[noreturn]] void refuse(const Object& object, std::string_view name, const std::string& what) {
    throw Error(ErrorKind::input,
                object.where,
                fmt::format("attribute '{}' {}: store it as fixed-length text, or get a fresh copy "
                            "of the file",
                            name,
                            what));
}

/// Where a variable-length value lies.
struct HeapReference {
    std::uint64_t length = 0;
    std::uint64_t collection = 0;
    std::uint64_t index = 0;
};

/// The reference that the attribute `name` holds, where `body` is that attribute.
std::optional<HeapReference> reference_in(std::string_view body, std::string_view name) {
    Cursor cursor(body);
    const std::uint64_t version = cursor.number(1);
    cursor.take(1);
    const std::uint64_t name_size = cursor.number(2);
    const std::uint64_t type_size = cursor.number(2);
    const std::uint64_t space_size = cursor.number(2);
    const auto stored = [version](std::uint64_t size) {
        return version == 1 ? (size + 7) / 8 * 8 : size;
    };
    if (version == 3) {
        cursor.take(1);  // the character set of the name
    }
    const std::string_view stored_name = cursor.take(stored(name_size)).substr(0, name_size);
    cursor.take(stored(type_size) + stored(space_size));
    if (cursor.remaining() < kReferenceBytes ||
        stored_name.substr(0, stored_name.find('\0')) != name) {
        return std::nullopt;
    }
    HeapReference reference;
    reference.length = cursor.number(4);
    reference.collection = cursor.number(8);
    reference.index = cursor.number(4);
    return reference;
}

HeapReference find_reference(const Object& object, std::string_view name) {
    H5O_info_t info{};
    checked(H5Oget_info2(object.id, &info, H5O_INFO_BASIC), object.where, "it cannot be looked at");
    const Header header = read_header(object.raw, info.addr);
    for (const Message& message : header.messages) {
        if (message.type == kAttributeMessage && !message.is_shared) {
            if (const std::optional<HeapReference> found = reference_in(message.body, name)) {
                return *found;
            }
        }
    }
    refuse(object, name, "is stored in a way that is not read");
}

/// Walks a collection of the global heap to the object that `reference` names.
std::string read_heap(const Object& object, std::string_view name, const HeapReference& reference) {
    constexpr std::size_t kHeaderBytes = 16;  // of the collection, and of each object in it
    constexpr std::size_t kMostEntries = 65536;
    const std::uint64_t start = object.raw.base + reference.collection;
    const std::string head = object.raw.read(start, kHeaderBytes);
    Cursor header(head);
    if (header.take(4) != "GCOL" || header.number(1) != 1) {
        refuse(object, name, "leads to no global heap");
    }
    header.take(3);
    const std::uint64_t end = header.number(8);
    std::uint64_t position = kHeaderBytes;
    for (std::size_t i = 0; i < kMostEntries && position < end; ++i) {
        const std::string entry_bytes = object.raw.read(start + position, kHeaderBytes);
        Cursor entry(entry_bytes);
        const std::uint64_t index = entry.number(2);
        entry.take(6);
        const std::uint64_t size = entry.number(8);
        position += kHeaderBytes;
        if (entry.has_failed() || index == 0 || size > end - position) {
            break;
        }
        if (index == reference.index) {
            if (reference.length > size) {
                break;
            }
            return object.raw.read(start + position, reference.length);
        }
        position += (size + 7) / 8 * 8;
    }
    refuse(object, name, "leads to a place in the global heap that is not there");
}

}  // namespace

std::string read_variable_text(const Object& object, std::string_view name, std::size_t limit) {
    const HeapReference reference = find_reference(object, name);
    if (reference.length == 0 || reference.collection == 0) {
        return {};
    }
    if (reference.length > limit) {
        refuse(object, name, fmt::format("is larger than {} bytes", limit));
    }
    const std::string text = read_heap(object, name, reference);
    return text.substr(0, text.find('\0'));
}

}  // namespace lipcert::hdf5
