#pragma once

#include <cstddef>

namespace lipcert {

/// The longest stream of a stated length: each distance of its tokens takes a norm for every head
/// [R43], and no number in a certificate may keep `verify` busy for hours.
constexpr std::size_t kLongestStream = 4096;

}  // namespace lipcert
