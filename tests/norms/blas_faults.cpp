#include "norms/blas_faults.hpp"

#include <algorithm>
#include <cblas.h>
#include <cmath>
#include <cstddef>

// NOLINTBEGIN(readability-identifier-naming,readability-inconsistent-declaration-parameter-name)

using lipcert::test::Fault;
using lipcert::test::FaultyBlas;
using lipcert::test::Routine;

namespace {

FaultyBlas* active = nullptr;

/// Does what the fault says to one entry around the call that computes it.
template <typename Number>
class Entry {
public:
    Entry(Fault fault, Number* entry) : fault_(fault), entry_(entry), before_(*entry) {}

    void finish() const {
        if (fault_ == Fault::changed) {
            *entry_ *= sizeof(Number) == sizeof(double) ? Number(1.0 + 1e-6) : Number(1000);
        } else if (fault_ == Fault::unwritten) {
            *entry_ = before_;
            FaultyBlas::leave_behind(static_cast<double>(before_));
        }
    }

private:
    Fault fault_;
    Number* entry_;
    Number before_;
};

bool is_power_of_two(double number) {
    int exponent = 0;
    return std::frexp(number, &exponent) == 0.5;
}

/// L, row by row, as if each column had been multiplied by an inexact reciprocal of its pivot.
void blur_columns(std::ptrdiff_t size, std::ptrdiff_t leading, double* lower) {
    for (std::ptrdiff_t j = 0; j < size; ++j) {
        if (!is_power_of_two(lower[j * leading + j])) {
            for (std::ptrdiff_t i = j + 1; i < size; ++i) {
                lower[i * leading + j] *= 1.0 + 0x1p-48;
            }
        }
    }
}

}  // namespace

namespace lipcert::test {

FaultyBlas::FaultyBlas(Routine routine, Fault fault, int at_call)
    : routine_(routine), fault_(fault), at_call_(at_call) {
    active = this;
}

FaultyBlas::~FaultyBlas() {
    active = nullptr;
}

Fault FaultyBlas::next(Routine routine) {
    if (active == nullptr || active->routine_ != routine) {
        return Fault::none;
    }
    ++active->calls_;
    const bool is_hit = active->at_call_ == 0 || active->at_call_ == active->calls_;
    return is_hit ? active->fault_ : Fault::none;
}

void FaultyBlas::leave_behind(double value) {
    active->left_behind_ = value;
}

}  // namespace lipcert::test

extern "C" {

decltype(cblas_dsyrk) __real_cblas_dsyrk;
decltype(cblas_dgemm) __real_cblas_dgemm;
void __real_dpotrf_(
    const char* uplo, const int* n, double* a, const int* lda, int* info, std::size_t uplo_length);

void __wrap_cblas_dsyrk(CBLAS_ORDER order,
                        CBLAS_UPLO uplo,
                        CBLAS_TRANSPOSE transpose,
                        blasint n,
                        blasint k,
                        double alpha,
                        const double* a,
                        blasint lda,
                        double beta,
                        double* c,
                        blasint ldc) {
    const Entry entry(FaultyBlas::next(Routine::dsyrk),
                      c + static_cast<std::ptrdiff_t>(n - 1) * ldc);
    __real_cblas_dsyrk(order, uplo, transpose, n, k, alpha, a, lda, beta, c, ldc);
    entry.finish();
}

void __wrap_cblas_dgemm(CBLAS_ORDER order,
                        CBLAS_TRANSPOSE transpose_a,
                        CBLAS_TRANSPOSE transpose_b,
                        blasint m,
                        blasint n,
                        blasint k,
                        double alpha,
                        const double* a,
                        blasint lda,
                        const double* b,
                        blasint ldb,
                        double beta,
                        double* c,
                        blasint ldc) {
    const Entry entry(FaultyBlas::next(Routine::dgemm),
                      c + static_cast<std::ptrdiff_t>(m - 1) * ldc);
    __real_cblas_dgemm(
        order, transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
    entry.finish();
}

void __wrap_dpotrf_(
    const char* uplo, const int* n, double* a, const int* lda, int* info, std::size_t uplo_length) {
    const Fault fault = FaultyBlas::next(Routine::dpotrf);
    const std::ptrdiff_t last = *n - 1;
    const Entry entry(fault, a + last * *lda + std::max<std::ptrdiff_t>(last - 2, 0));
    __real_dpotrf_(uplo, n, a, lda, info, uplo_length);
    entry.finish();
    if (fault == Fault::reciprocal) {
        blur_columns(*n, *lda, a);
    }
    for (std::ptrdiff_t row = 0; fault == Fault::above && row < *n; ++row) {
        std::fill(a + row * *lda + row + 1, a + row * *lda + *n, 0.0);
    }
}

decltype(cblas_sgemm) __real_cblas_sgemm;

void __wrap_cblas_sgemm(CBLAS_ORDER order,
                        CBLAS_TRANSPOSE transpose_a,
                        CBLAS_TRANSPOSE transpose_b,
                        blasint m,
                        blasint n,
                        blasint k,
                        float alpha,
                        const float* a,
                        blasint lda,
                        const float* b,
                        blasint ldb,
                        float beta,
                        float* c,
                        blasint ldc) {
    const Entry entry(FaultyBlas::next(Routine::sgemm),
                      c + static_cast<std::ptrdiff_t>(m - 1) * ldc);
    __real_cblas_sgemm(
        order, transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
    entry.finish();
}

}  // extern "C"

// NOLINTEND(readability-identifier-naming,readability-inconsistent-declaration-parameter-name)
