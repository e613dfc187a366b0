#pragma once

#include "lipcert/architecture/activation.hpp"

#include <array>

namespace lipcert::test {

/// Every activation, so that a new one reaches the tests that must hold for each.
inline constexpr std::array kActivations = {Activation::relu,
                                            Activation::gelu_erf,
                                            Activation::gelu_tanh,
                                            Activation::silu,
                                            Activation::quick_gelu,
                                            Activation::mish,
                                            Activation::tanh,
                                            Activation::hardswish,
                                            Activation::relu_squared,
                                            Activation::identity};
static_assert(kActivations.size() == static_cast<std::size_t>(Activation::identity) + 1,
              "identity is the last one; the list must name all before it");

}  // namespace lipcert::test
