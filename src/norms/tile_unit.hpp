#pragma once

#include "norms/integer_kernel.hpp"

namespace lipcert::integer {

/// The kernel for AMX (8 bits) with AVX-512, or null where this program, processor or system has
/// none.
[[nodiscard]] const Kernel* tile_unit();

}  // namespace lipcert::integer
