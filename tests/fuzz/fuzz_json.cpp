#include "lipcert/checkpoint/configuration.hpp"
#include "lipcert/error.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

/// Any bytes as a configuration: an Error, or an object that survives being written and read.
// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    try {
        const nlohmann::json values = lipcert::parse_json_object(text, "input");
        if (lipcert::parse_json_object(values.dump(), "written") != values) {
            std::abort();
        }
    } catch (const lipcert::Error&) {
        return 0;
    }
    return 0;
}
