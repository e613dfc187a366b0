#include "lipcert/norms/blas_kernels.hpp"

#include <doctest/doctest.h>

using namespace lipcert;

TEST_CASE("kernels older than the processor give way, and no others") {
    const VectorUnits none{};
    const VectorUnits avx2{true, false};
    const VectorUnits avx512{true, true};
    CHECK(better_kernels("Prescott", avx512) == "SkylakeX");
    CHECK(better_kernels("Prescott", avx2) == "Haswell");
    CHECK(better_kernels("Barcelona", avx2) == "Haswell");
    CHECK_FALSE(better_kernels("Prescott", none));
    for (const char* chosen :
         {"Haswell", "Zen", "SkylakeX", "Cooperlake", "Sandybridge", "neoversen1"}) {
        CAPTURE(chosen);
        CHECK_FALSE(better_kernels(chosen, avx512));
    }
}
