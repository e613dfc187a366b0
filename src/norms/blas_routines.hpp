#pragma once

#include <cblas.h>
#include <cstddef>

#include <Eigen/Core>

// LAPACK's own names; no C header of it is among the dependencies.
// NOLINTBEGIN(readability-identifier-naming)
extern "C" void dpotrf_(
    const char* uplo, const int* n, double* a, const int* lda, int* info, std::size_t uplo_length);
extern "C" void spotrf_(
    const char* uplo, const int* n, float* a, const int* lda, int* info, std::size_t uplo_length);

// NOLINTEND(readability-identifier-naming)

namespace lipcert::blas {

/// The routines of one precision, under names that a template can call.
template <typename Number>
struct Routines;

template <>
struct Routines<double> {
    static constexpr auto* kSyrk = &cblas_dsyrk;
    static constexpr auto* kGemm = &cblas_dgemm;
    static constexpr auto* kPotrf = &dpotrf_;
};

template <>
struct Routines<float> {
    static constexpr auto* kSyrk = &cblas_ssyrk;
    static constexpr auto* kGemm = &cblas_sgemm;
    static constexpr auto* kPotrf = &spotrf_;
};

/// A dimension as the BLAS counts it. Throws Error{internal} for one that exceeds an int.
[[nodiscard]] int checked(Eigen::Index dimension);

}  // namespace lipcert::blas
