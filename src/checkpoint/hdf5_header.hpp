#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/hdf5_object.hpp"

namespace lipcert::hdf5 {

/// Reads little-endian numbers from bytes that may end at any place; what lies beyond the end is
/// absent (0 or empty), never read.
class Cursor {
public:
    explicit Cursor(std::string_view bytes) : rest_(bytes) {}

    [[nodiscard]] bool has_failed() const { return has_failed_; }

    [[nodiscard]] std::size_t remaining() const { return rest_.size(); }

    std::string_view take(std::uint64_t count);
    std::uint64_t number(std::size_t bytes);

private:
    std::string_view rest_;
    bool has_failed_ = false;
};

/// One message of an object header: a piece of what describes a group or dataset.
struct Message {
    std::uint64_t type = 0;
    bool is_shared = false;  ///< the body says where the message lies
    std::string body;

    bool operator==(const Message&) const = default;
};

/// A piece of a file, counted from address 0 of HDF5.
struct Block {
    std::uint64_t address = 0;
    std::uint64_t length = 0;
};

/// What describes a group or dataset.
struct Header {
    std::vector<Message> messages;
    std::vector<Block> blocks;  ///< where it lies; the first one begins with the prefix
    bool is_complete = true;    ///< false where bytes are missing or a limit was reached
};

inline constexpr std::uint64_t kNoMessage = 0x00;
inline constexpr std::uint64_t kLayoutMessage = 0x08;
inline constexpr std::uint64_t kAttributeMessage = 0x0C;
inline constexpr std::uint64_t kOldTimeMessage = 0x0E;
inline constexpr std::uint64_t kContinuationMessage = 0x10;
inline constexpr std::uint64_t kSymbolTableMessage = 0x11;
inline constexpr std::uint64_t kTimeMessage = 0x12;

/// The object header at `address`, found in the bytes of the file by the HDF5 File
/// Format Specification 3.0, IV.A.1. Stops without an error where bytes are missing, and after
/// 4 MiB: what it finds is a part of what libhdf5 would.
[[nodiscard]] Header read_header(const RawBytes& raw, std::uint64_t address);

/// Throws Error{input} for a header that makes libhdf5 1.10 crash while it opens the object: one
/// with a message that is shared through a heap of the file, which libhdf5 looks for whether the
/// file has one or not. No writer of checkpoints shares messages in this way. Nor has any header
/// more than `read_header` reads, beyond which such a message could hide.
void refuse_heap_messages(const Header& header, const std::string& where);

}  // namespace lipcert::hdf5
