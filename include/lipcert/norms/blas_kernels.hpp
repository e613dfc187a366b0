#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lipcert {

/// What the processor and the system let a program use.
struct VectorUnits {
    bool avx2_fma = false;
    bool avx512 = false;  ///< F, DQ, BW, VL
};

/// The kernels to ask OpenBLAS for (OPENBLAS_CORETYPE) where those that it has chosen are older
/// than any processor with these units. OpenBLAS chooses by the model's number: for one that is
/// newer than the library it takes kernels of 2004, which are a fifth to a tenth as fast.
[[nodiscard]] std::optional<std::string> better_kernels(std::string_view chosen,
                                                        const VectorUnits& units);

/// Starts the program again from its beginning, with OPENBLAS_CORETYPE set, where OpenBLAS should
/// use better kernels; returns where they are right, where the variable is set already, and where
/// that cannot be done. To be called first: OpenBLAS chooses while it is loaded. `arguments`: those
/// of main().
void use_better_kernels(char** arguments);

}  // namespace lipcert
