#include "lipcert/error.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "checkpoint/hdf5_checkpoint.hpp"
#include "checkpoint/hdf5_trial.hpp"

/// Any bytes as an HDF5 file, as the program takes it: libhdf5 does not survive every file, so a
/// confined process looks first, and what it dies of is refused. Then an Error, or tensors that are
/// finite and of the shape they claim.
// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::size_t kMostElements = 1U << 20U;
    const auto bytes = std::as_bytes(std::span<const std::uint8_t>(data, size));
    try {
        lipcert::try_hdf5_image(bytes, "fuzzed");
        const auto checkpoint = lipcert::open_hdf5_image(bytes);
        for (const lipcert::TensorInfo& tensor : checkpoint->tensors()) {
            if (lipcert::element_count(tensor) > kMostElements) {
                continue;  // allowed, and slow
            }
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
    } catch (const lipcert::Error&) {
        return 0;
    }
    return 0;
}
