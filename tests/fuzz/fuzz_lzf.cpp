#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "checkpoint/lzf.hpp"

/// Any bytes as LZF into a buffer of any size: nothing, or no more than the buffer; the same again
/// where the buffer is just large enough.
// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) {
        return 0;
    }
    const std::size_t room = data[0] + 256U * data[1];
    const auto packed = std::as_bytes(std::span<const std::uint8_t>(data, size)).subspan(2);
    std::vector<std::byte> plain(room);
    const auto filled = lipcert::decode_lzf(packed, plain);
    if (!filled) {
        return 0;
    }
    std::vector<std::byte> exact(*filled);
    plain.resize(*filled);
    if (*filled > room || lipcert::decode_lzf(packed, exact) != *filled || exact != plain) {
        std::abort();
    }
    return 0;
}
