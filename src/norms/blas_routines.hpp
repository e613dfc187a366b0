#pragma once

#include <cblas.h>
#include <cstddef>

#include <Eigen/Core>

// LAPACK's own name; no C header of it is among the dependencies.
// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" void dpotrf_(
    const char* uplo, const int* n, double* a, const int* lda, int* info, std::size_t uplo_length);

namespace lipcert::blas {

/// The routines of one precision, under names that a template can call.
template <typename Number>
struct Routines;

template <>
struct Routines<double> {
    static constexpr auto* kGemm = &cblas_dgemm;
};

template <>
struct Routines<float> {
    static constexpr auto* kGemm = &cblas_sgemm;
};

/// A dimension as the BLAS counts it. Throws Error{internal} for one that exceeds an int.
[[nodiscard]] int checked(Eigen::Index dimension);

}  // namespace lipcert::blas
