#include "norms/blocked_cholesky.hpp"

#include "lipcert/error.hpp"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

#include "norms/blas_routines.hpp"
#include "norms/parallel.hpp"
#include "norms/row_solve.hpp"
#include "norms/thread_limit.hpp"

namespace lipcert::blas {

namespace {

/// Where a block begins and how many rows (or columns) it has.
struct Range {
    int begin = 0;
    int count = 0;
};

/// A square matrix whose lower triangle becomes its factor.
struct Target {
    double* data;
    int size;

    [[nodiscard]] double* at(const Range& rows, const Range& cols) const {
        return data + static_cast<std::ptrdiff_t>(rows.begin) * size + cols.begin;
    }
};

/// The lower triangle of a row-major matrix is the upper one of LAPACK's column-major matrix.
int factorise_diagonal(const Target& a, const Range& k) {
    int info = 0;
    dpotrf_("U", &k.count, a.at(k, k), &a.size, &info, 1);
    return info;
}

/// A_ik <- A_ik L_kk^-T.
void solve_below(const Target& a, const Range& i, const Range& k) {
    const Eigen::OuterStride<> stride(a.size);
    solve_rows(
        Eigen::Map<const Matrix, 0, Eigen::OuterStride<>>(a.at(k, k), k.count, k.count, stride),
        Eigen::Map<Matrix, 0, Eigen::OuterStride<>>(a.at(i, k), i.count, k.count, stride));
}

/// A_ij <- A_ij - L_ik L_jk^T, for i = j the lower triangle. The product is a sum of its own before
/// it is subtracted: that bounds how many roundings its terms pass through.
void downdate(const Target& a, const Range& i, const Range& j, const Range& k) {
    // Poison: an entry that the BLAS does not write ends in a pivot that is not a number.
    Matrix part = Matrix::Constant(i.count, j.count, std::numeric_limits<double>::quiet_NaN());
    const bool is_diagonal = i.begin == j.begin;
    if (is_diagonal) {
        cblas_dsyrk(CblasRowMajor,
                    CblasLower,
                    CblasNoTrans,
                    i.count,
                    k.count,
                    1.0,
                    a.at(i, k),
                    a.size,
                    0.0,
                    part.data(),
                    j.count);
    } else {
        cblas_dgemm(CblasRowMajor,
                    CblasNoTrans,
                    CblasTrans,
                    i.count,
                    j.count,
                    k.count,
                    1.0,
                    a.at(i, k),
                    a.size,
                    a.at(j, k),
                    a.size,
                    0.0,
                    part.data(),
                    j.count);
    }
    for (int row = 0; row < i.count; ++row) {
        const int count = is_diagonal ? row + 1 : j.count;
        double* const target = a.at({i.begin + row, 1}, j);
        Eigen::Map<Eigen::RowVectorXd>(target, count) -= part.row(row).head(count);
    }
}

std::vector<Range> ranges_of(int size, int block) {
    std::vector<Range> ranges;
    for (int begin = 0; begin < size; begin += block) {
        ranges.push_back({begin, std::min(block, size - begin)});
    }
    return ranges;
}

/// Rows and columns of blocks of the trailing triangle, the dear ones off the diagonal first.
std::vector<std::pair<std::size_t, std::size_t>> trailing_blocks(std::size_t first,
                                                                 std::size_t end) {
    std::vector<std::pair<std::size_t, std::size_t>> result;
    for (std::size_t i = first; i < end; ++i) {
        for (std::size_t j = first; j < i; ++j) {
            result.emplace_back(i, j);
        }
    }
    for (std::size_t i = first; i < end; ++i) {
        result.emplace_back(i, i);
    }
    return result;
}

Eigen::Index factorise(const Target& a, int block) {
    const std::vector<Range> ranges = ranges_of(a.size, block);
    for (std::size_t step = 0; step < ranges.size(); ++step) {
        const Range& k = ranges[step];
        {
            const ThreadLimit one(0.0);
            const int info = factorise_diagonal(a, k);
            if (info < 0) {
                throw Error(ErrorKind::internal, "", "potrf refused its argument");
            }
            if (info > 0) {
                return k.begin + info;
            }
        }
        // potrf lets a NaN pivot pass ("ajj <= 0" is false for it).
        for (int i = 0; i < k.count; ++i) {
            const double pivot = a.at({k.begin + i, 1}, {k.begin + i, 1})[0];
            if (!(pivot > 0 && pivot <= std::numeric_limits<double>::max())) {
                return k.begin + i + 1;
            }
        }
        const std::size_t first = step + 1;
        const double below = a.size - k.begin - k.count;
        const double square = static_cast<double>(k.count) * k.count;
        const auto rest = static_cast<Eigen::Index>(ranges.size() - first);
        for_each_piece(rest, 0.5 * below * square, [&](Eigen::Index piece) {
            solve_below(a, ranges[first + static_cast<std::size_t>(piece)], k);
        });
        const auto blocks = trailing_blocks(first, ranges.size());
        const auto count = static_cast<Eigen::Index>(blocks.size());
        for_each_piece(count, 0.5 * below * below * k.count, [&](Eigen::Index piece) {
            const auto& [i, j] = blocks[static_cast<std::size_t>(piece)];
            downdate(a, ranges[i], ranges[j], k);
        });
    }
    return 0;
}

/// Where a call of the BLAS costs about as much for each number as a larger one, and threads have
/// enough blocks to share.
Eigen::Index block_for(Eigen::Index size) {
    constexpr Eigen::Index kLargestWhole = 384;
    constexpr Eigen::Index kLargestOfSmall = 1536;
    constexpr Eigen::Index kSmallBlock = 192;
    constexpr Eigen::Index kBlock = 256;
    return size <= kLargestWhole ? kLargestWhole : size <= kLargestOfSmall ? kSmallBlock : kBlock;
}

}  // namespace

std::size_t cholesky_roundings(Eigen::Index size, Eigen::Index block) {
    const Eigen::Index blocks = (size + block - 1) / block;
    return static_cast<std::size_t>(std::min(size, block + blocks));
}

std::size_t cholesky_roundings(Eigen::Index size) {
    return cholesky_roundings(size, block_for(size));
}

Eigen::Index cholesky(Matrix& lower) {
    return cholesky(lower, block_for(lower.rows()));
}

Eigen::Index cholesky(Matrix& lower, Eigen::Index block) {
    return factorise({lower.data(), checked(lower.rows())}, static_cast<int>(block));
}

}  // namespace lipcert::blas
