#include "lipcert/architecture/activation.hpp"

#include <array>
#include <utility>

namespace lipcert {

namespace {

/// The first name of each activation is the one that reports print. Hugging Face's "gelu_fast" is
/// missing on purpose: it rounds sqrt(2/pi) to ten digits, so it is a function of its own.
constexpr std::array<std::pair<std::string_view, Activation>, 20> kNames = {{
    {"relu", Activation::relu},
    {"gelu", Activation::gelu_erf},
    {"gelu_erf", Activation::gelu_erf},
    {"gelu_python", Activation::gelu_erf},
    {"gelu_tanh", Activation::gelu_tanh},
    {"gelu_new", Activation::gelu_tanh},
    {"gelu_pytorch_tanh", Activation::gelu_tanh},
    {"gelu_accurate", Activation::gelu_tanh},
    {"silu", Activation::silu},
    {"swish", Activation::silu},
    {"quick_gelu", Activation::quick_gelu},
    {"mish", Activation::mish},
    {"tanh", Activation::tanh},
    {"hardswish", Activation::hardswish},
    {"hard_swish", Activation::hardswish},
    {"relu2", Activation::relu_squared},
    {"relu_squared", Activation::relu_squared},
    {"squared_relu", Activation::relu_squared},
    {"identity", Activation::identity},
    {"linear", Activation::identity},
}};

}  // namespace

std::optional<Activation> activation_by_name(std::string_view name) {
    for (const auto& [known, activation] : kNames) {
        if (known == name) {
            return activation;
        }
    }
    return std::nullopt;
}

std::string_view name_of(Activation activation) {
    for (const auto& [known, candidate] : kNames) {
        if (candidate == activation) {
            return known;
        }
    }
    return "unknown";
}

std::vector<std::string> activation_names() {
    std::vector<std::string> names;
    names.reserve(kNames.size());
    for (const auto& [known, activation] : kNames) {
        names.emplace_back(known);
    }
    return names;
}

}  // namespace lipcert
