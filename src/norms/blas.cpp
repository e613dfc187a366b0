#include "norms/blas.hpp"

#include "lipcert/error.hpp"

#include <algorithm>
#include <cblas.h>
#include <limits>

#include "norms/thread_limit.hpp"

// LAPACK's own name; no C header of it is among the dependencies.
// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" void dpotrf_(
    const char* uplo, const int* n, double* a, const int* lda, int* info, std::size_t uplo_length);
// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" void spotrf_(
    const char* uplo, const int* n, float* a, const int* lda, int* info, std::size_t uplo_length);

namespace lipcert::blas {

namespace {

int checked(Eigen::Index dimension) {
    if (dimension > std::numeric_limits<int>::max()) {
        throw Error(ErrorKind::internal,
                    "",
                    "a matrix dimension of " + std::to_string(dimension) +
                        " exceeds what the BLAS can count");
    }
    return static_cast<int>(dimension);
}

double multiply_adds(Eigen::Index rows, Eigen::Index cols, Eigen::Index inner) {
    return static_cast<double>(rows) * static_cast<double>(cols) * static_cast<double>(inner);
}

/// One call of dgemm on panels of the inner dimension.
void multiply_panel(const Matrix& a, const Matrix& b, Eigen::Index begin, Matrix& result) {
    const Eigen::Index count = std::min(kPanelLength, a.cols() - begin);
    const ThreadLimit limit(multiply_adds(a.rows(), b.cols(), count));
    cblas_dgemm(CblasRowMajor,
                CblasNoTrans,
                CblasNoTrans,
                checked(a.rows()),
                checked(b.cols()),
                checked(count),
                1.0,
                a.data() + begin,
                checked(a.cols()),
                b.data() + begin * b.cols(),
                checked(b.cols()),
                0.0,
                result.data(),
                checked(b.cols()));
}

template <typename M, typename Routine>
Eigen::Index factorise_in_place(M& lower, Routine* potrf) {
    const int n = checked(lower.rows());
    int info = 0;
    // n^3/6 multiply-adds; blocks depend on each other, so that threads meet some eight times.
    const ThreadLimit limit(multiply_adds(lower.rows(), lower.rows(), lower.rows()) / 48.0);
    // The lower triangle of a row-major matrix is the upper triangle of LAPACK's column-major one.
    potrf("U", &n, lower.data(), &n, &info, 1);
    if (info < 0) {
        throw Error(ErrorKind::internal, "", "potrf refused its argument");
    }
    if (info == 0) {
        // potrf lets a NaN pivot pass ("ajj <= 0" is false for it).
        for (Eigen::Index i = 0; i < lower.rows(); ++i) {
            const auto pivot = lower(i, i);
            if (!(pivot > 0 && pivot <= std::numeric_limits<typename M::Scalar>::max())) {
                return i + 1;
            }
        }
    }
    return info;
}

}  // namespace

std::size_t accumulation_length(Eigen::Index inner) {
    const Eigen::Index panels = (inner + kPanelLength - 1) / kPanelLength;
    return static_cast<std::size_t>(std::min(inner, kPanelLength) + panels);
}

void gram_of_panel(const Matrix& panel, Matrix& lower) {
    if (panel.size() == 0) {
        lower.setZero();
        return;
    }
    const int n = checked(panel.cols());
    const ThreadLimit limit(multiply_adds(panel.cols(), panel.cols(), panel.rows()) / 2.0);
    cblas_dsyrk(CblasRowMajor,
                CblasLower,
                CblasTrans,
                n,
                checked(panel.rows()),
                1.0,
                panel.data(),
                n,
                0.0,
                lower.data(),
                n);
}

Matrix multiply(const Matrix& a, const Matrix& b) {
    if (a.cols() == 0 || a.rows() == 0 || b.cols() == 0) {
        return Matrix::Zero(a.rows(), b.cols());
    }
    // Poison: an entry that the BLAS does not write stays NaN and fails the check.
    const double poison = std::numeric_limits<double>::quiet_NaN();
    Matrix result = Matrix::Constant(a.rows(), b.cols(), poison);
    multiply_panel(a, b, 0, result);
    if (a.cols() > kPanelLength) {
        Matrix part(a.rows(), b.cols());
        for (Eigen::Index begin = kPanelLength; begin < a.cols(); begin += kPanelLength) {
            part.setConstant(poison);
            multiply_panel(a, b, begin, part);
            result += part;
        }
    }
    return result;
}

void multiply(const MatrixView& a, bool transposed, const MatrixView& b, Matrix& result) {
    const Eigen::Index inner = transposed ? a.rows() : a.cols();
    const ThreadLimit limit(multiply_adds(result.rows(), b.cols(), inner));
    cblas_dgemm(CblasRowMajor,
                transposed ? CblasTrans : CblasNoTrans,
                CblasNoTrans,
                checked(result.rows()),
                checked(b.cols()),
                checked(inner),
                1.0,
                a.data(),
                checked(a.outerStride()),
                b.data(),
                checked(b.outerStride()),
                0.0,
                result.data(),
                checked(result.cols()));
}

void gram_of_panel(const FloatMatrix& panel, bool columns, FloatMatrix& lower) {
    const Eigen::Index inner = columns ? panel.cols() : panel.rows();
    const int n = checked(lower.rows());
    const ThreadLimit limit(multiply_adds(lower.rows(), lower.rows(), inner) / 2.0);
    cblas_ssyrk(CblasRowMajor,
                CblasLower,
                columns ? CblasNoTrans : CblasTrans,
                n,
                checked(inner),
                1.0F,
                panel.data(),
                checked(panel.cols()),
                0.0F,
                lower.data(),
                n);
}

void subtract_gram(const FloatMatrix& vectors, FloatMatrix& lower) {
    const int n = checked(lower.rows());
    const ThreadLimit limit(multiply_adds(lower.rows(), lower.rows(), vectors.cols()) / 2.0);
    cblas_ssyrk(CblasRowMajor,
                CblasLower,
                CblasNoTrans,
                n,
                checked(vectors.cols()),
                -1.0F,
                vectors.data(),
                checked(vectors.cols()),
                1.0F,
                lower.data(),
                n);
}

void multiply_symmetric(const FloatMatrix& lower, const float* x, float* y) {
    const int n = checked(lower.rows());
    const ThreadLimit limit(multiply_adds(lower.rows(), lower.rows(), 1));
    cblas_ssymv(CblasRowMajor, CblasLower, n, 1.0F, lower.data(), n, x, 1, 0.0F, y, 1);
}

Eigen::Index cholesky(Matrix& lower) {
    return factorise_in_place(lower, dpotrf_);
}

Eigen::Index cholesky(FloatMatrix& lower) {
    return factorise_in_place(lower, spotrf_);
}

}  // namespace lipcert::blas
