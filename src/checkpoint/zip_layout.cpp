#include "checkpoint/zip_layout.hpp"

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace lipcert {

namespace {

using namespace std::string_view_literals;

constexpr std::string_view kMember = "PK\x03\x04"sv;
constexpr std::string_view kEntry = "PK\x01\x02"sv;
constexpr std::string_view kEnd = "PK\x05\x06"sv;
constexpr std::string_view kZip64End = "PK\x06\x06"sv;
constexpr std::string_view kZip64Locator = "PK\x06\x07"sv;
constexpr std::uint64_t kEntryBytes = 46;
constexpr std::uint64_t kEndBytes = 22;
constexpr std::uint64_t kZip64EndBytes = 56;
constexpr std::uint64_t kZip64LocatorBytes = 20;
constexpr std::uint64_t kLargestComment = 65536;  ///< that zipfile allows; the format: one less
constexpr std::uint64_t kLargestList = 64U << 20U;

/// The unsigned number of `count` bytes at `offset`, which is in the record.
std::uint64_t number(std::string_view record, std::size_t offset, std::size_t count) {
    std::uint64_t value = 0;
    for (std::size_t i = count; i-- > 0;) {
        value = value << 8U | static_cast<std::uint8_t>(record[offset + i]);
    }
    return value;
}

/// What an end record states of the list of members.
struct MemberList {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
    std::uint64_t count = 0;
    std::uint64_t end = 0;  ///< where the record stands, right behind the list
};

/// The bytes in which an end record can stand.
std::string tail_of(const RegularFile& file) {
    const std::uint64_t size = std::min(file.size(), kEndBytes + kLargestComment);
    return file.read(file.size() - size, size);
}

/// The list of the end record at `position`. A record of zip64 right before it is the one that
/// counts; a locator that leads elsewhere is none.
std::optional<MemberList> list_at(const RegularFile& file, std::uint64_t position) {
    const std::string record = file.read(position, kEndBytes);
    if (record.size() != kEndBytes) {
        return std::nullopt;
    }
    const MemberList list = {
        number(record, 16, 4), number(record, 12, 4), number(record, 10, 2), position};
    if (position < kZip64LocatorBytes) {
        return list;
    }
    const std::string locator = file.read(position - kZip64LocatorBytes, kZip64LocatorBytes);
    if (!locator.starts_with(kZip64Locator)) {
        return list;
    }
    if (position < kZip64LocatorBytes + kZip64EndBytes) {
        return std::nullopt;
    }
    const std::uint64_t begin = position - kZip64LocatorBytes - kZip64EndBytes;
    const std::string large = file.read(begin, kZip64EndBytes);
    if (!large.starts_with(kZip64End)) {
        return std::nullopt;
    }
    return MemberList{number(large, 48, 8), number(large, 40, 8), number(large, 32, 8), begin};
}

/// Where the zip64 locator before the end record leads; empty without one.
std::optional<std::uint64_t> located_zip64(const RegularFile& file, std::uint64_t position) {
    if (position < kZip64LocatorBytes) {
        return std::nullopt;
    }
    const std::string locator = file.read(position - kZip64LocatorBytes, kZip64LocatorBytes);
    return locator.starts_with(kZip64Locator) ? std::optional(number(locator, 8, 8)) : std::nullopt;
}

/// libzip weighs all end records whose comment reaches to the end of the file; others take the
/// last.
bool has_other_end(std::string_view tail) {
    for (std::size_t at = tail.find(kEnd); at + kEndBytes < tail.size();
         at = tail.find(kEnd, at + 1)) {
        if (number(tail, at + 20, 2) == tail.size() - at - kEndBytes) {
            return true;
        }
    }
    return false;
}

/// Whether the entries fill the list, as many as stated, and one is of a member at byte 0.
bool lists_from_start(std::string_view entries, std::uint64_t count) {
    bool from_start = false;
    for (; count > 0; --count) {
        if (entries.size() < kEntryBytes || !entries.starts_with(kEntry)) {
            return false;
        }
        const std::uint64_t size =
            kEntryBytes + number(entries, 28, 2) + number(entries, 30, 2) + number(entries, 32, 2);
        if (size > entries.size()) {
            return false;
        }
        from_start = from_start || number(entries, 42, 4) == 0;
        entries.remove_prefix(size);
    }
    return from_start && entries.empty();
}

}  // namespace

std::optional<std::string> zip_flaw(const RegularFile& file) {
    const std::string tail = tail_of(file);
    if (tail.size() < kEndBytes ||
        !std::string_view(tail).substr(tail.size() - kEndBytes).starts_with(kEnd) ||
        !tail.ends_with("\0\0"sv)) {
        return "does not end with an end record without a comment";
    }
    if (has_other_end(tail)) {
        return "has two end records";
    }
    const std::uint64_t position = file.size() - kEndBytes;
    const std::optional<MemberList> list = list_at(file, position);
    if (!list || located_zip64(file, position).value_or(list->end) != list->end) {
        return "has a zip64 record that is not right before the end record";
    }
    if (list->size > list->end || list->offset != list->end - list->size) {
        return "has bytes before it or between its list of members and the end record";
    }
    if (list->size > kLargestList) {
        return "has a list of members of over 64 MiB";
    }
    if (file.read(0, kMember.size()) != kMember ||
        !lists_from_start(file.read(list->offset, list->size), list->count)) {
        return "has a list of members that is damaged or does not begin with the start of the file";
    }
    return std::nullopt;
}

bool ends_as_zip(const RegularFile& file) {
    const std::string tail = tail_of(file);
    std::size_t at = tail.rfind(kEnd);
    if (tail.size() >= kEndBytes && tail.ends_with("\0\0"sv) &&
        std::string_view(tail).substr(tail.size() - kEndBytes).starts_with(kEnd)) {
        at = tail.size() - kEndBytes;  // "PK\5\6" may stand within it once more
    }
    if (at == std::string::npos) {
        return false;
    }
    const auto list = list_at(file, file.size() - tail.size() + at);
    return list && list->size >= kEntryBytes && list->size <= list->end &&
           file.read(list->end - list->size, kEntry.size()) == kEntry;
}

}  // namespace lipcert
