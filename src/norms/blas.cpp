#include "norms/blas.hpp"

#include "lipcert/error.hpp"

#include <algorithm>
#include <limits>

#include "norms/blas_routines.hpp"
#include "norms/large_matrix.hpp"
#include "norms/parallel.hpp"
#include "norms/row_solve.hpp"
#include "norms/thread_limit.hpp"

namespace lipcert::blas {

namespace {

double multiply_adds(Eigen::Index rows, Eigen::Index cols, Eigen::Index inner) {
    return static_cast<double>(rows) * static_cast<double>(cols) * static_cast<double>(inner);
}

/// Rows of a product that one thread forms at a time.
constexpr Eigen::Index kRowsAtOnce = 128;

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

template <typename A, typename M>
M multiply_thin(const A& a, bool transposed, const M& b) {
    const Eigen::Index inner = transposed ? a.rows() : a.cols();
    const Eigen::Index rows = transposed ? a.cols() : a.rows();
    using Number = typename M::Scalar;
    M result = M::Zero(rows, b.cols());
    const Eigen::Index pieces = (rows + kRowsAtOnce - 1) / kRowsAtOnce;
    for_each_piece(pieces, operations_of_pass(a.rows(), a.cols()), [&](Eigen::Index piece) {
        const Eigen::Index first = piece * kRowsAtOnce;
        const Eigen::Index count = std::min(kRowsAtOnce, rows - first);
        M part(count, b.cols());
        for (Eigen::Index begin = 0; begin < inner; begin += kPanelLength) {
            part.setConstant(std::numeric_limits<Number>::quiet_NaN());
            Routines<Number>::kGemm(CblasRowMajor,
                                    transposed ? CblasTrans : CblasNoTrans,
                                    CblasNoTrans,
                                    checked(count),
                                    checked(b.cols()),
                                    checked(std::min(kPanelLength, inner - begin)),
                                    Number(1),
                                    a.data() + (transposed ? begin * a.outerStride() + first
                                                           : first * a.outerStride() + begin),
                                    checked(a.outerStride()),
                                    &b(begin, 0),
                                    checked(b.cols()),
                                    Number(0),
                                    part.data(),
                                    checked(part.cols()));
            result.middleRows(first, count) += part;
        }
    });
    return result;
}

}  // namespace

int checked(Eigen::Index dimension) {
    if (dimension > std::numeric_limits<int>::max()) {
        throw Error(ErrorKind::internal,
                    "",
                    "a matrix dimension of " + std::to_string(dimension) +
                        " exceeds what the BLAS can count");
    }
    return static_cast<int>(dimension);
}

std::size_t roundings_in_panels(Eigen::Index inner, Eigen::Index length) {
    const Eigen::Index panels = (inner + length - 1) / length;
    return static_cast<std::size_t>(std::min(inner, length) + panels);
}

std::size_t accumulation_length(Eigen::Index inner) {
    return roundings_in_panels(inner, kPanelLength);
}

std::size_t gram_accumulation_length(Eigen::Index inner) {
    return roundings_in_panels(inner, kGramLength);
}

Matrix multiply(const Matrix& a, const Matrix& b) {
    if (a.cols() == 0 || a.rows() == 0 || b.cols() == 0) {
        return Matrix::Zero(a.rows(), b.cols());
    }
    // Poison: an entry that the BLAS does not write stays NaN and fails the check.
    const double poison = std::numeric_limits<double>::quiet_NaN();
    Matrix result;
    resize_uninitialised(result, a.rows(), b.cols());
    result.setConstant(poison);
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

Matrix multiply(const MatrixView& a, bool transposed, const Matrix& b) {
    return multiply_thin(a, transposed, b);
}

FloatMatrix multiply(const FloatMatrix& a, bool transposed, const FloatMatrix& b) {
    return multiply_thin(a, transposed, b);
}

void solve_right(const Matrix& lower, Matrix& b) {
    const double multiply_adds =
        0.5 * static_cast<double>(lower.rows()) * static_cast<double>(b.size());
    const Eigen::Index pieces = (b.rows() + kRowsAtOnce - 1) / kRowsAtOnce;
    for_each_piece(pieces, multiply_adds, [&](Eigen::Index piece) {
        const Eigen::Index first = piece * kRowsAtOnce;
        solve_rows(lower, b.middleRows(first, std::min(kRowsAtOnce, b.rows() - first)));
    });
}

Matrix multiply_symmetric(const Matrix& lower, const Matrix& b) {
    const int n = checked(lower.rows());
    const int count = checked(b.cols());
    Matrix result(b.rows(), b.cols());
    const ThreadLimit limit(multiply_adds(lower.rows(), lower.rows(), b.cols()));
    cblas_dsymm(CblasRowMajor,
                CblasLeft,
                CblasLower,
                n,
                count,
                1.0,
                lower.data(),
                n,
                b.data(),
                count,
                0.0,
                result.data(),
                count);
    return result;
}

}  // namespace lipcert::blas
