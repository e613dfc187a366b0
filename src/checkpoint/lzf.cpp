#include "checkpoint/lzf.hpp"

#include <algorithm>

namespace lipcert {

namespace {

/// Takes bytes from the front of the packed data.
class Input {
public:
    explicit Input(std::span<const std::byte> bytes) : bytes_(bytes) {}

    [[nodiscard]] bool empty() const { return bytes_.empty(); }

    std::optional<std::span<const std::byte>> take(std::size_t count) {
        if (count > bytes_.size()) {
            return std::nullopt;
        }
        const auto front = bytes_.first(count);
        bytes_ = bytes_.subspan(count);
        return front;
    }

    std::optional<std::size_t> take_number() {
        const auto byte = take(1);
        return byte ? std::optional(static_cast<std::size_t>(byte->front())) : std::nullopt;
    }

private:
    std::span<const std::byte> bytes_;
};

}  // namespace

std::optional<std::size_t> decode_lzf(std::span<const std::byte> packed,
                                      std::span<std::byte> plain) {
    constexpr std::size_t kLiteralsBelow = 32;
    constexpr std::size_t kLongCopy = 7;
    Input input(packed);
    std::size_t filled = 0;
    while (!input.empty()) {
        const std::size_t control = *input.take_number();
        if (control < kLiteralsBelow) {
            const auto literals = input.take(control + 1);
            if (!literals || literals->size() > plain.size() - filled) {
                return std::nullopt;
            }
            std::copy(literals->begin(),
                      literals->end(),
                      plain.begin() + static_cast<std::ptrdiff_t>(filled));
            filled += literals->size();
            continue;
        }
        std::size_t length = control >> 5U;
        if (length == kLongCopy) {
            const auto more = input.take_number();
            if (!more) {
                return std::nullopt;
            }
            length += *more;
        }
        length += 2;
        const auto low = input.take_number();
        if (!low) {
            return std::nullopt;
        }
        const std::size_t back = (control % kLiteralsBelow << 8U) + *low + 1;
        if (back > filled || length > plain.size() - filled) {
            return std::nullopt;
        }
        // Byte by byte: what is copied may reach into what it makes.
        for (std::size_t i = 0; i < length; ++i, ++filled) {
            plain[filled] = plain[filled - back];
        }
    }
    return filled;
}

}  // namespace lipcert
