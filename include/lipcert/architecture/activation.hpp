#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lipcert {

/// The scalar functions that lipcert knows; their certified constants are in bounds/activation.hpp.
enum class Activation {
    relu,
    gelu_erf,
    gelu_tanh,
    silu,
    quick_gelu,
    mish,
    tanh,
    hardswish,
    relu_squared,
    identity
};

/// By any of the names that configurations use ("gelu_new", "swish", ...). An unknown name is not
/// guessed: nothing is returned.
[[nodiscard]] std::optional<Activation> activation_by_name(std::string_view name);
[[nodiscard]] std::string_view name_of(Activation activation);
/// Every name that `activation_by_name` knows, for messages.
[[nodiscard]] std::vector<std::string> activation_names();

}  // namespace lipcert
