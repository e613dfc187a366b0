#include "norms/triangular.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "norms/four_kernel.hpp"
#include "norms/large_matrix.hpp"
#include "norms/parallel.hpp"
#include "norms/symmetric_kernel.hpp"

namespace lipcert {

namespace {

/// Rows whose products one thread adds up: parts of a sum that are added in order afterwards, so
/// that it is the same on any number of threads.
constexpr Eigen::Index kPartialSums = 8;

template <typename M, typename V>
V absolute_product(const M& lower, const V& x) {
    const Eigen::Index n = lower.rows();
    const Eigen::Index length = (n + kPartialSums - 1) / kPartialSums;
    const double operations = static_cast<double>(n) * static_cast<double>(n);
    Eigen::Matrix<typename M::Scalar, Eigen::Dynamic, kPartialSums> images =
        Eigen::Matrix<typename M::Scalar, Eigen::Dynamic, kPartialSums>::Zero(n, kPartialSums);
    for_each_piece(kPartialSums, operations, [&](Eigen::Index piece) {
        const Eigen::Index end = std::min((piece + 1) * length, n);
        for (Eigen::Index i = piece * length; i < end; ++i) {
            images.col(piece).head(i + 1) += x(i) * lower.row(i).head(i + 1).cwiseAbs().transpose();
        }
    });
    const V image = images.rowwise().sum();
    V result(n);
    for_each_row(n, n, [&](Eigen::Index i) {
        result(i) = lower.row(i).head(i + 1).cwiseAbs().dot(image.head(i + 1));
    });
    return result;
}

/// Where one of kPartialSums pieces of a triangle of about as many entries each begins.
Eigen::Index first_row(Eigen::Index piece, Eigen::Index size) {
    if (piece == kPartialSums) {
        return size;
    }
    constexpr Eigen::Index kRows = symmetric_kernel::kRows;
    const double part = std::sqrt(static_cast<double>(piece) / kPartialSums);
    return static_cast<Eigen::Index>(part * static_cast<double>(size / kRows)) * kRows;
}

/// Rows of a triangle that are multiplied together.
constexpr Eigen::Index kRowsAtOnce = 64;
/// Rows and columns that are transposed together, small enough for the cache.
constexpr Eigen::Index kTile = 32;

struct Rows {
    Eigen::Index begin, count;
};

/// The sum of what work(rows, part) adds to `part` for all `rows` of n, kRowsAtOnce at the most.
template <typename B, typename Work>
B sum_over_rows(Eigen::Index n, Eigen::Index cols, const Work& work) {
    const Eigen::Index length = (n + kPartialSums - 1) / kPartialSums;
    std::vector<B> parts(static_cast<std::size_t>(kPartialSums), B::Zero(n, cols));
    for_each_piece(kPartialSums, operations_of_pass(n, n), [&](Eigen::Index piece) {
        const Eigen::Index end = std::min((piece + 1) * length, n);
        for (Eigen::Index begin = piece * length; begin < end; begin += kRowsAtOnce) {
            work(Rows{begin, std::min(kRowsAtOnce, end - begin)},
                 parts[static_cast<std::size_t>(piece)]);
        }
    });
    for (std::size_t i = 1; i < parts.size(); ++i) {
        parts[0] += parts[i];
    }
    return std::move(parts[0]);
}

template <typename M, typename B>
B symmetric_times(const M& lower, const B& x) {
    return sum_over_rows<B>(lower.rows(), x.cols(), [&](const Rows& rows, B& part) {
        const auto beside = lower.block(rows.begin, 0, rows.count, rows.begin);
        const auto corner = lower.block(rows.begin, rows.begin, rows.count, rows.count);
        const auto here = x.middleRows(rows.begin, rows.count);
        part.topRows(rows.begin).noalias() += beside.transpose() * here;
        part.middleRows(rows.begin, rows.count).noalias() += beside * x.topRows(rows.begin);
        part.middleRows(rows.begin, rows.count).noalias() +=
            corner.template selfadjointView<Eigen::Lower>() * here;
    });
}

template <typename M, typename B>
B gram_times(const M& lower, const B& x) {
    const B image = sum_over_rows<B>(lower.rows(), x.cols(), [&](const Rows& rows, B& part) {
        const auto corner = lower.block(rows.begin, rows.begin, rows.count, rows.count);
        const auto here = x.middleRows(rows.begin, rows.count);
        part.topRows(rows.begin).noalias() +=
            lower.block(rows.begin, 0, rows.count, rows.begin).transpose() * here;
        part.middleRows(rows.begin, rows.count).noalias() +=
            corner.template triangularView<Eigen::Lower>().transpose() * here;
    });
    return sum_over_rows<B>(lower.rows(), x.cols(), [&](const Rows& rows, B& part) {
        const auto corner = lower.block(rows.begin, rows.begin, rows.count, rows.count);
        part.middleRows(rows.begin, rows.count).noalias() +=
            lower.block(rows.begin, 0, rows.count, rows.begin) * image.topRows(rows.begin);
        part.middleRows(rows.begin, rows.count).noalias() +=
            corner.template triangularView<Eigen::Lower>() *
            image.middleRows(rows.begin, rows.count);
    });
}

/// The first numbers of row i of a triangle.
four_kernel::Row row_of(const Matrix& lower, Eigen::Index i, Eigen::Index size) {
    return {lower.data() + i * lower.cols(), size};
}

/// copy(block above the diagonal, its mirror image below), tile by tile; a tile on the diagonal is
/// passed as single entries.
template <typename M, typename Copy>
void for_each_mirrored(M& matrix, const Copy& copy) {
    const Eigen::Index n = matrix.rows();
    for_each_piece((n + kTile - 1) / kTile, operations_of_pass(n, n), [&](Eigen::Index strip) {
        const Eigen::Index row = strip * kTile;
        const Eigen::Index height = std::min(kTile, n - row);
        for (Eigen::Index i = row; i < row + height; ++i) {
            for (Eigen::Index j = i + 1; j < row + height; ++j) {
                copy(matrix.block(i, j, 1, 1), matrix.block(j, i, 1, 1));
            }
        }
        for (Eigen::Index col = row + height; col < n; col += kTile) {
            const Eigen::Index width = std::min(kTile, n - col);
            copy(matrix.block(row, col, height, width), matrix.block(col, row, width, height));
        }
    });
}

template <typename M>
void subtract_in_place(M& lower, typename M::Scalar level) {
    for_each_row(lower.rows(), lower.cols(), [&](Eigen::Index i) {
        lower.row(i).head(i) = -lower.row(i).head(i);
        lower(i, i) = level - lower(i, i);
    });
}

template <typename M>
void poison(M& matrix) {
    constexpr auto kPoison = std::numeric_limits<typename M::Scalar>::quiet_NaN();
    const Eigen::Index size = matrix.rows();
    for_each_row(
        size, size, [&](Eigen::Index i) { matrix.row(i).tail(size - i - 1).setConstant(kPoison); });
}

}  // namespace

Vector symmetric_product(const Matrix& lower, const Vector& x) {
    return symmetric_times(lower, x);
}

FourVectors symmetric_product(const Matrix& lower, const FourVectors& x) {
    const four_kernel::Kernel& kernel = four_kernel::longest();
    return sum_over_rows<FourVectors>(
        lower.rows(), four_kernel::kVectors, [&](const Rows& rows, FourVectors& part) {
            for (Eigen::Index i = rows.begin; i < rows.begin + rows.count; ++i) {
                kernel.add_outer(row_of(lower, i, i), {x.row(i)}, part.data(), nullptr);
                part.row(i) += kernel.dot(row_of(lower, i, i + 1), x.data(), nullptr).of_vectors;
            }
        });
}

Eigen::VectorXf symmetric_product(const FloatMatrix& lower, const Eigen::VectorXf& x) {
    static const symmetric_kernel::Kernel kernel = symmetric_kernel::kernels().front();
    const Eigen::Index n = lower.rows();
    Eigen::Matrix<float, Eigen::Dynamic, kPartialSums> parts(n, kPartialSums);
    for_each_piece(kPartialSums, operations_of_pass(n, n) / 2.0, [&](Eigen::Index piece) {
        const symmetric_kernel::Rows rows{
            lower.data(), n, first_row(piece, n), first_row(piece + 1, n)};
        parts.col(piece).setZero();
        kernel(rows, x.data(), parts.col(piece).data());
    });
    return parts.rowwise().sum();
}

void solve_with_factor(const Matrix& lower, Vector& x) {
    for (Eigen::Index i = 0; i < x.size(); ++i) {
        x(i) = (x(i) - lower.row(i).head(i).dot(x.head(i))) / lower(i, i);
    }
    solve_transposed_leading_block(lower, x);
}

void solve_transposed_leading_block(const Matrix& lower, Vector& x) {
    for (Eigen::Index i = x.size() - 1; i >= 0; --i) {
        x(i) /= lower(i, i);
        x.head(i) -= x(i) * lower.row(i).head(i).transpose();
    }
}

Vector absolute_gram_product(const Matrix& lower, const Vector& x) {
    return absolute_product(lower, x);
}

Eigen::VectorXf absolute_gram_product(const FloatMatrix& lower, const Eigen::VectorXf& x) {
    return absolute_product(lower, x);
}

FourVectors gram_product(const Matrix& lower, const FourVectors& x) {
    const four_kernel::Kernel& kernel = four_kernel::longest();
    const auto image = sum_over_rows<FourVectors>(
        lower.rows(), four_kernel::kVectors, [&](const Rows& rows, FourVectors& part) {
            for (Eigen::Index i = rows.begin; i < rows.begin + rows.count; ++i) {
                kernel.add_outer(row_of(lower, i, i + 1), {x.row(i)}, part.data(), nullptr);
            }
        });
    return sum_over_rows<FourVectors>(
        lower.rows(), four_kernel::kVectors, [&](const Rows& rows, FourVectors& part) {
            for (Eigen::Index i = rows.begin; i < rows.begin + rows.count; ++i) {
                part.row(i) +=
                    kernel.dot(row_of(lower, i, i + 1), image.data(), nullptr).of_vectors;
            }
        });
}

Eigen::VectorXf gram_product(const FloatMatrix& lower, const Eigen::VectorXf& x) {
    return gram_times(lower, x);
}

void mirror_above(Matrix& matrix) {
    for_each_mirrored(matrix, [](auto above, auto below) { above = below.transpose(); });
}

void mirror_above(FloatMatrix& matrix) {
    for_each_mirrored(matrix, [](auto above, auto below) { above = below.transpose(); });
}

void mirror_below(Matrix& matrix) {
    for_each_mirrored(matrix, [](auto above, auto below) { below = above.transpose(); });
}

void poison_above(Matrix& matrix) {
    poison(matrix);
}

void poison_above(FloatMatrix& matrix) {
    poison(matrix);
}

FloatMatrix lower_in_float32(const Matrix& lower) {
    FloatMatrix result;
    resize_uninitialised(result, lower.rows(), lower.cols());
    for_each_row(lower.rows(), lower.cols(), [&](Eigen::Index i) {
        result.row(i).head(i + 1) = lower.row(i).head(i + 1).cast<float>();
    });
    return result;
}

void subtract_from_level(Matrix& lower, double level) {
    subtract_in_place(lower, level);
}

void subtract_from_level(FloatMatrix& lower, float level) {
    subtract_in_place(lower, level);
}

}  // namespace lipcert
