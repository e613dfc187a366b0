#include "lipcert/error.hpp"
#include "lipcert/rounding/environment.hpp"

#include <cblas.h>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <dlfcn.h>
#include <string>

#include "norms/blas.hpp"
#include "norms/blocked_cholesky.hpp"
#include "norms/blocked_gram.hpp"
#include "norms/float_matrix.hpp"

namespace lipcert::blas {

namespace {

[[noreturn]] void distrust(const std::string& found) {
    throw Error(ErrorKind::environment,
                "",
                found +
                    "; expected OpenBLAS with conventional double-precision kernels. Check "
                    "LD_PRELOAD, LD_LIBRARY_PATH and the system's BLAS alternatives");
}

/// The routine that the dynamic linker would call must lie in the library that answers
/// openblas_get_config(). Linked statically there is nothing to look up, and nothing to replace.
void require_openblas() {
    if (std::strstr(openblas_get_config(), "OpenBLAS") == nullptr) {
        distrust("the BLAS calls itself '" + std::string(openblas_get_config()) + "'");
    }
    void* const known = dlsym(RTLD_DEFAULT, "openblas_get_config");
    Dl_info known_library{};
    if (known == nullptr || dladdr(known, &known_library) == 0) {
        return;
    }
    for (const char* routine : {"cblas_dsyrk", "cblas_dgemm", "dpotrf_", "cblas_sgemm"}) {
        void* const address = dlsym(RTLD_DEFAULT, routine);
        Dl_info library{};
        if (address != nullptr && dladdr(address, &library) != 0 &&
            library.dli_fbase != known_library.dli_fbase) {
            distrust(std::string(routine) + " comes from " + library.dli_fname);
        }
    }
}

/// Integers below 2^11 in magnitude from a linear congruence: the probe is the same in every run.
Matrix integers(Eigen::Index rows, Eigen::Index cols, std::uint32_t state) {
    Matrix result(rows, cols);
    for (double& entry : result.reshaped<Eigen::RowMajor>()) {
        state = state * 1664525U + 1013904223U;
        entry = static_cast<double>(static_cast<std::int32_t>(state >> 20U)) - 2048.0;
    }
    return result;
}

/// 2^-40 ... 2^40: an algorithm that adds two columns before multiplying (Strassen), or that works
/// with fewer bits (bf16, tf32, float), cannot reproduce the graded products exactly.
double grade(Eigen::Index index) {
    return std::ldexp(1.0, static_cast<int>((index * 37) % 81) - 40);
}

/// Sum of products of integers: exact in 64 bits.
double exact_dot(const Matrix& a, Eigen::Index column_a, const Matrix& b, Eigen::Index column_b) {
    std::int64_t sum = 0;
    for (Eigen::Index k = 0; k < a.rows(); ++k) {
        sum +=
            static_cast<std::int64_t>(a(k, column_a)) * static_cast<std::int64_t>(b(k, column_b));
    }
    return static_cast<double>(sum);
}

void probe_products() {
    constexpr Eigen::Index kInner = 301;
    constexpr Eigen::Index kOuter = 67;
    const Matrix base = integers(kInner, kOuter, 1);
    Matrix graded = base;
    for (Eigen::Index j = 0; j < kOuter; ++j) {
        graded.col(j) *= grade(j);
    }
    Matrix gram = Matrix::Zero(kOuter, kOuter);
    gram_of_panel(graded, false, Into::overwrite, gram);
    const Matrix product = multiply(graded.transpose(), graded);
    for (Eigen::Index i = 0; i < kOuter; ++i) {
        for (Eigen::Index j = 0; j < kOuter; ++j) {
            const double exact = exact_dot(base, i, base, j) * grade(i) * grade(j);
            if (product(i, j) != exact || (j <= i && gram(i, j) != exact)) {
                distrust("dgemm or dsyrk does not reproduce an exact integer product");
            }
        }
    }
}

/// L with small odd integers and powers of two on the diagonal: every step of the factorisation of
/// L L^T is exact, also where the kernel multiplies by reciprocals.
Matrix integer_factor() {
    constexpr Eigen::Index kSize = 193;
    Matrix factor = integers(kSize, kSize, 2);
    for (Eigen::Index i = 0; i < kSize; ++i) {
        for (Eigen::Index j = 0; j < kSize; ++j) {
            factor(i, j) = j > i ? 0.0 : 2.0 * std::trunc(factor(i, j) / 512.0) + 1.0;
        }
        factor(i, i) = std::ldexp(1.0, static_cast<int>((i + 1) % 4));
    }
    return factor;
}

/// L L^T for a matrix of integers, exact.
Matrix gram_of_rows(const Matrix& factor) {
    const Matrix rows = factor.transpose();
    Matrix gram(factor.rows(), factor.rows());
    for (Eigen::Index i = 0; i < gram.rows(); ++i) {
        for (Eigen::Index j = 0; j < gram.cols(); ++j) {
            gram(i, j) = exact_dot(rows, i, rows, j);
        }
    }
    return gram;
}

/// Blocks so small that every routine of the factorisation has its part in a probe.
constexpr Eigen::Index kProbedBlock = 64;

void probe_cholesky() {
    const Matrix factor = integer_factor();
    const Matrix before = gram_of_rows(factor);
    Matrix gram = before;
    bool same = cholesky(gram, kProbedBlock) == 0;
    for (Eigen::Index i = 0; i < factor.rows(); ++i) {
        const Eigen::Index above = factor.rows() - i - 1;
        same = same && gram.row(i).head(i + 1) == factor.row(i).head(i + 1) &&
               gram.row(i).tail(above) == before.row(i).tail(above);
    }
    if (!same) {
        distrust("dpotrf does not reproduce an exact integer factor");
    }
}

/// Odd pivots: their reciprocals are rounded, and an entry of L below one is a single quotient. L
/// has such pivots in even rows, which hold nothing else, and integers up to 2^11 below them in odd
/// rows, so that L L^T is exact. A kernel that divides, or multiplies by the rounded reciprocal, is
/// off by two roundings at most [S2]; one that approximates reciprocals is not.
void probe_reciprocals() {
    constexpr Eigen::Index kSize = 193;
    constexpr double kTwoRoundings = 0x1p-51;
    Matrix factor = Matrix::Zero(kSize, kSize);
    const Matrix numbers = integers(kSize, kSize, 3);
    for (Eigen::Index i = 0; i < kSize; ++i) {
        factor(i, i) = i % 2 == 0 ? 3.0 + static_cast<double>(i % 3) * 2.0 : 0x1p20;
        for (Eigen::Index j = 0; i % 2 == 1 && j < i; j += 2) {
            factor(i, j) = numbers(i, j);
        }
    }
    Matrix computed = gram_of_rows(factor);
    bool close = cholesky(computed, kProbedBlock) == 0;
    for (Eigen::Index j = 0; j < kSize; j += 2) {
        for (Eigen::Index i = j; i < kSize; ++i) {
            const double exact = factor(i, j);
            close = close && std::abs(computed(i, j) - exact) <= kTwoRoundings * std::abs(exact);
        }
    }
    if (!close) {
        distrust("dpotrf divides by its pivots less accurately than two roundings");
    }
}

/// A product in float32 of integers that it holds: sums below 2^24, graded as above.
void probe_float_products() {
    constexpr int kInner = 301;
    constexpr int kOuter = 67;
    Matrix base = integers(kInner, kOuter, 4);
    for (double& entry : base.reshaped<Eigen::RowMajor>()) {
        entry = std::trunc(entry / 256.0);
    }
    FloatMatrix rows = base.transpose().cast<float>();
    for (Eigen::Index i = 0; i < kOuter; ++i) {
        rows.row(i) *= static_cast<float>(grade(i));
    }
    FloatMatrix product = FloatMatrix::Zero(kOuter, kOuter);
    cblas_sgemm(CblasRowMajor,
                CblasNoTrans,
                CblasTrans,
                kOuter,
                kOuter,
                kInner,
                1.0F,
                rows.data(),
                kInner,
                rows.data(),
                kInner,
                0.0F,
                product.data(),
                kOuter);
    for (Eigen::Index i = 0; i < kOuter; ++i) {
        for (Eigen::Index j = 0; j < kOuter; ++j) {
            const double exact = exact_dot(base, i, base, j) * grade(i) * grade(j);
            if (product(i, j) != static_cast<float>(exact)) {
                distrust("sgemm does not reproduce an exact integer product");
            }
        }
    }
}

bool probe_once() {
    require_openblas();
    run_probes();
    return true;
}

}  // namespace

void run_probes() {
    probe_products();
    probe_cholesky();
    probe_float_products();
    probe_reciprocals();
}

void require_trusted() {
    require_ieee_environment();
    static const bool trusted = probe_once();
    static_cast<void>(trusted);
}

}  // namespace lipcert::blas
