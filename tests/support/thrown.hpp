#pragma once

#include "lipcert/error.hpp"

#include <stdexcept>
#include <string>

namespace lipcert::test {

/// The lipcert::Error that `action` throws; a test that gets none fails.
template <typename Action>
[[nodiscard]] Error error_of(const Action& action) {
    try {
        action();
    } catch (const Error& error) {
        return error;
    }
    throw std::logic_error("an Error was expected, and nothing was thrown");
}

[[nodiscard]] inline bool says(const Error& error, const std::string& words) {
    return std::string(error.what()).find(words) != std::string::npos;
}

}  // namespace lipcert::test
