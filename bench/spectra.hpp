#pragma once

#include "lipcert/tensor/matrix.hpp"

#include <string>

namespace lipcert::bench {

/// The spectra that timings are taken of; entries are float32 numbers.
inline constexpr const char* kSpectra[] = {"gaussian", "power-law", "outliers"};

/// "gaussian": normal entries. The other two have a Gaussian bulk of norm about 1 and spikes in
/// random directions: 64 of size 8/i ("power-law"), or 12 from 1.6 down to 1.1 ("outliers").
[[nodiscard]] Matrix spectrum(const std::string& name, Eigen::Index rows, Eigen::Index cols);

}  // namespace lipcert::bench
