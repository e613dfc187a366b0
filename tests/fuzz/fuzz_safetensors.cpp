#include "lipcert/error.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "checkpoint/safetensors_checkpoint.hpp"

/// Any bytes as a safetensors file: an Error, or tensors that cover the bytes behind the header,
/// finite and of the shape they claim.
// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        const auto checkpoint = lipcert::open_safetensors_image(
            std::as_bytes(std::span<const std::uint8_t>(data, size)));
        std::uint64_t bytes = 0;
        for (const lipcert::TensorInfo& tensor : checkpoint->tensors()) {
            bytes += tensor.stored_bytes;
            try {
                const lipcert::Matrix values = checkpoint->read(tensor);
                if (!values.allFinite() ||
                    static_cast<std::size_t>(values.size()) != lipcert::element_count(tensor)) {
                    std::abort();
                }
            } catch (const lipcert::Error&) {
                continue;
            }
        }
        if (bytes > size) {
            std::abort();
        }
    } catch (const lipcert::Error&) {
        return 0;
    }
    return 0;
}
