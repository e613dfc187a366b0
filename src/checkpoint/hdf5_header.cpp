#include "checkpoint/hdf5_header.hpp"

#include "lipcert/error.hpp"

#include <algorithm>
#include <utility>

namespace lipcert::hdf5 {

namespace {

constexpr std::size_t kLargestBlock = 1U << 20U;
constexpr std::size_t kMostBytes = 4U << 20U;
constexpr std::size_t kMostBlocks = 1024;

class HeaderReader {
public:
    explicit HeaderReader(const RawBytes& raw) : raw_(raw) {}

    Header run(std::uint64_t address) {
        Header header;
        open(address);
        std::size_t bytes = 0;
        for (std::size_t i = 0; i < blocks_.size(); ++i) {
            const Block block = blocks_[i];
            bytes += std::min<std::uint64_t>(block.length, kLargestBlock);
            if (i == kMostBlocks || bytes > kMostBytes || block.length > kLargestBlock) {
                header.is_complete = false;
                break;
            }
            const std::string content = raw_.read(raw_.base + block.address, block.length);
            header.is_complete = header.is_complete && content.size() == block.length;
            scan(content, i > 0);
        }
        blocks_[0] = {address, blocks_[0].address - address + blocks_[0].length};
        header.blocks = std::move(blocks_);
        header.messages = std::move(messages_);
        return header;
    }

private:
    /// The prefix of version 1 has 16 bytes and no signature; that of version 2 begins "OHDR".
    void open(std::uint64_t address) {
        constexpr std::size_t kLargestPrefix = 64;
        constexpr std::uint64_t kHasTimes = 0x20;
        constexpr std::uint64_t kHasPhaseChange = 0x10;
        const std::string prefix = raw_.read(raw_.base + address, kLargestPrefix);
        is_new_ = prefix.starts_with("OHDR");
        Cursor cursor(prefix);
        std::uint64_t length = 0;
        if (is_new_) {
            cursor.take(5);
            flags_ = cursor.number(1);
            cursor.take(((flags_ & kHasTimes) != 0 ? 16U : 0U) +
                        ((flags_ & kHasPhaseChange) != 0 ? 4U : 0U));
            length = cursor.number(std::size_t{1} << (flags_ & 3U));
        } else {
            cursor.take(8);
            length = cursor.number(4);
            cursor.take(4);
        }
        blocks_.push_back({address + (prefix.size() - cursor.remaining()), length});
    }

    void scan(std::string_view bytes, bool is_continuation) {
        constexpr std::uint64_t kHasCreationOrder = 0x04;
        constexpr std::uint64_t kIsShared = 0x02;
        constexpr std::size_t kFrameBytes = 4;
        if (is_new_ && is_continuation && bytes.size() >= 2 * kFrameBytes) {
            bytes.remove_prefix(kFrameBytes);  // "OCHK"
            bytes.remove_suffix(kFrameBytes);  // a checksum
        }
        Cursor cursor(bytes);
        while (!cursor.has_failed() && cursor.remaining() > 0) {
            Message message;
            message.type = cursor.number(is_new_ ? 1 : 2);
            const std::uint64_t size = cursor.number(2);
            message.is_shared = (cursor.number(1) & kIsShared) != 0;
            cursor.take(is_new_ ? ((flags_ & kHasCreationOrder) != 0 ? 2U : 0U) : 3U);
            message.body = cursor.take(size);
            if (message.type == kContinuationMessage) {
                Cursor continuation(message.body);
                const std::uint64_t address = continuation.number(8);
                blocks_.push_back({address, continuation.number(8)});
            }
            messages_.push_back(std::move(message));
        }
    }

    const RawBytes& raw_;
    bool is_new_ = false;
    std::uint64_t flags_ = 0;
    std::vector<Block> blocks_;
    std::vector<Message> messages_;
};

/// From version 2 on (by the specification: from 3 on) the second byte of a shared message says
/// how it is shared: 1 is by the heap of the file.
bool lies_in_heap(std::string_view body) {
    return body.size() > 1 && body[0] != 1 && body[1] == 1;
}

/// An attribute holds a type and a shape, either of which may be shared in turn.
bool has_part_in_heap(std::string_view body) {
    Cursor cursor(body);
    const std::uint64_t version = cursor.number(1);
    const std::uint64_t flags = cursor.number(1);
    const std::uint64_t name_size = cursor.number(2);
    const std::uint64_t type_size = cursor.number(2);
    const std::uint64_t space_size = cursor.number(2);
    if (version < 2) {
        return false;  // has no flags
    }
    cursor.take(name_size + (version == 3 ? 1U : 0U));
    const std::string_view type = cursor.take(type_size);
    const std::string_view space = cursor.take(space_size);
    return ((flags & 1U) != 0 && lies_in_heap(type)) || ((flags & 2U) != 0 && lies_in_heap(space));
}

}  // namespace

std::string_view Cursor::take(std::uint64_t count) {
    if (count > rest_.size()) {
        has_failed_ = true;
        rest_ = {};
        return {};
    }
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
}

std::uint64_t Cursor::number(std::size_t bytes) {
    std::uint64_t value = 0;
    unsigned shift = 0;
    for (const char byte : take(bytes)) {
        value |= std::uint64_t{static_cast<std::uint8_t>(byte)} << shift;
        shift += 8;
    }
    return value;
}

Header read_header(const RawBytes& raw, std::uint64_t address) {
    return HeaderReader(raw).run(address);
}

void refuse_heap_messages(const Header& header, const std::string& where) {
    if (!header.is_complete) {
        throw Error(ErrorKind::input,
                    where,
                    "is described by over 1 MiB in one piece or 4 MiB in all, or by bytes that are "
                    "not there: rewrite the file with h5repack, or get a fresh copy");
    }
    for (const Message& message : header.messages) {
        if ((message.is_shared && lies_in_heap(message.body)) ||
            (message.type == kAttributeMessage && has_part_in_heap(message.body))) {
            throw Error(ErrorKind::input,
                        where,
                        "is described by messages shared through a heap, which libhdf5 does not "
                        "read safely: rewrite the file with h5repack, or get a fresh copy");
        }
    }
}

}  // namespace lipcert::hdf5
