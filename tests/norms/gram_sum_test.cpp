#include "norms/gram_sum.hpp"

#include "lipcert/rounding/roundoff.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <memory>

#include "norms/crude_gram.hpp"
#include "norms/gram_kernel.hpp"
#include "norms/thread_limit.hpp"
#include "support/random.hpp"
#include "support/thread_count.hpp"
#include <doctest/doctest.h>

using namespace lipcert;
using Eigen::Index;

namespace {

/// The lower triangle of a quarter of P^T P for the rows (columns) of a matrix, panel by panel.
FloatMatrix gram_of(const Matrix& matrix, bool columns) {
    const Index inner = columns ? matrix.cols() : matrix.rows();
    GramSum sum(columns ? matrix.rows() : matrix.cols());
    GramPanel panel;
    for (Index begin = 0; begin < inner; begin += GramPanel::kLength) {
        const Index count = std::min(GramPanel::kLength, inner - begin);
        panel.fill(columns ? MatrixView(matrix.middleCols(begin, count))
                           : MatrixView(matrix.middleRows(begin, count)),
                   columns,
                   0.5);
        sum.add(panel);
    }
    return std::move(sum).result();
}

/// The largest error of a lower triangle in units of what S7 allows, entry by entry.
double worst_error(const FloatMatrix& lower, const Matrix& rows) {
    const Matrix scaled = 0.5 * rows.leftCols(lower.cols());
    const Matrix exact = scaled.transpose() * scaled;
    const Matrix magnitude = scaled.cwiseAbs().transpose() * scaled.cwiseAbs();
    double worst = 0.0;
    for (Index i = 0; i < lower.rows(); ++i) {
        for (Index j = 0; j <= i; ++j) {
            const double error = std::abs(static_cast<double>(lower(i, j)) - exact(i, j));
            const Upper allowed =
                crude_gram_error(rows.rows(), rows.cols(), Upper::exact(magnitude(i, j)));
            worst = std::max(worst, error / allowed.to_double());
        }
    }
    return worst;
}

bool same_bits_below(const FloatMatrix& a, const FloatMatrix& b) {
    return (FloatMatrix(a.triangularView<Eigen::Lower>()).array() ==
            FloatMatrix(b.triangularView<Eigen::Lower>()).array())
        .all();
}

}  // namespace

TEST_CASE("a product passes through a chunk, the chunks of a panel, the panels and groups [S7]") {
    CHECK(GramSum::roundings(1, 1) == 1 + 1 + 1);
    CHECK(GramSum::roundings(64, 1) == 64 + 1 + 1);
    CHECK(GramSum::roundings(65, 1) == 64 + 2 + 1);
    CHECK(GramSum::roundings(768, 768) == 64 + 8 + 2);
    CHECK(GramSum::roundings(4096, 768) == 64 + 8 + 8);
    CHECK(GramSum::roundings(4097, 768) == 64 + 8 + 8 + 2);
    CHECK(GramSum::roundings(50257, 768) == 64 + 8 + 8 + 13);
    CHECK(GramSum::roundings(50257, 1025) == 64 + 8 + 99);
}

TEST_CASE("a Gram matrix in float32 is as near as S7 says, of rows and of columns") {
    test::Random random(0x71);
    for (const Index size : {1, 15, 16, 17, 48, 49, 130, 385}) {
        for (const Index inner : {1, 2, 63, 65, 512, 513, 1100, 9000}) {
            CAPTURE(size);
            CAPTURE(inner);
            const Matrix matrix = random.gaussian(inner, size);
            const FloatMatrix lower = gram_of(matrix, false);
            CHECK(worst_error(lower, matrix) <= 1.0);
            CHECK(lower.array().isNaN().count() == size * (size - 1) / 2);
            CHECK(same_bits_below(lower, gram_of(matrix.transpose(), true)));
        }
    }
}

TEST_CASE("nothing is left of what a group held before, and nothing is a number without panels") {
    // Groups of eight panels of 512 rows: the first of each overwrites.
    const FloatMatrix lower = gram_of(Matrix::Constant(3 * 8 * 512, 5, 2.0), false);
    CHECK((FloatMatrix(lower.triangularView<Eigen::Lower>()) -
           FloatMatrix(FloatMatrix::Constant(5, 5, 3 * 8 * 512).triangularView<Eigen::Lower>()))
              .norm() == 0.0F);
    CHECK(GramSum(3).result().array().isNaN().all());
}

TEST_CASE("roundings that all lose on one side come near the bound of S7, never over it") {
    // A first product of about 1 in each row of the result, then one just below half of its last
    // place at every addition on its way: within its chunk, its panel, its group and the sum.
    const double small = 0x1p-13 * (1.0 - 1e-7);
    for (const Index size : {2, 1025}) {
        for (const Index inner : {64, 65, 512, 4096, 8193}) {
            Matrix rows = Matrix::Zero(inner, size);
            const auto set = [&](Index begin, Index end, Index step) {
                for (Index i = begin; i < std::min(end, inner); i += step) {
                    rows.row(i).head(2).setConstant(small);
                }
            };
            const bool is_grouped = size <= 1024;
            set(1, 64, 1);
            set(64, 512, 64);
            set(512, is_grouped ? 4096 : inner, 512);
            set(4096, is_grouped ? inner : 0, 4096);
            rows.row(0).head(2).setConstant(0.5 * (1.0 + 0x1p-24));
            CAPTURE(size);
            CAPTURE(inner);
            const double error = worst_error(gram_of(rows, false).topLeftCorner(2, 2), rows);
            CHECK(error <= 1.0);
            CHECK(error >= 0.9);
        }
    }
}

TEST_CASE("a Gram matrix in float32 does not depend on the number of threads") {
    test::Random random(0x73);
    const Matrix matrix = random.gaussian(700, 450);
    const auto on_threads = [&matrix](int count) {
        const test::ThreadCount threads(count);
        return gram_of(matrix, false);
    };
    CHECK(same_bits_below(on_threads(1), on_threads(2)));
}

TEST_CASE("the squares of a panel are those of the rows that are stored") {
    test::Random random(0x74);
    const Matrix matrix = random.gaussian(70, 40);
    GramPanel panel;
    for (const bool columns : {false, true}) {
        panel.fill(matrix, columns, 0x1p-30);
        CHECK((panel.squares() - matrix.rowwise().squaredNorm()).norm() <= 1e-12);
    }
}

TEST_CASE("every length of vectors that the processor has multiplies a piece as it is defined") {
    using gram_kernel::kLanes;
    using gram_kernel::kStrip;
    constexpr Index kColumns = 4 * kStrip;
    test::Random random(0x75);
    const auto kernels = gram_kernel::kernels();
    CHECK(!kernels.empty());
    for (const Index depth : {1, 5, 64, 65, 130}) {
        const FloatMatrix rows = random.gaussian(depth, kColumns).cast<float>();
        const auto bytes = [](Index count) {
            return static_cast<std::size_t>(count) * sizeof(float);
        };
        const auto room = [&](Index count) {
            return std::unique_ptr<float, decltype(&std::free)>(
                static_cast<float*>(std::aligned_alloc(gram_kernel::kAlignment, bytes(count))),
                &std::free);
        };
        const auto blocks = room(depth * kColumns);
        for (Index j = 0; j < kColumns; ++j) {
            for (Index k = 0; k < depth; ++k) {
                blocks.get()[j / kLanes * depth * kLanes + k * kLanes + j % kLanes] = rows(k, j);
            }
        }
        const auto sums = room(kColumns * kStrip);
        const double allowed = gamma(GramSum::roundings(depth, 1), Precision::float32).to_double();
        for (const auto& kernel : kernels) {
            struct Piece {
                Index row, rows, column;
            };

            for (const Piece& piece : {Piece{0, kColumns, 0},
                                       Piece{kLanes, 2 * kLanes, kStrip},
                                       Piece{kStrip, kLanes, 3 * kStrip}}) {
                std::fill_n(sums.get(), piece.rows * kStrip, -1e30F);
                const auto columns = [&](Index first) {
                    return gram_kernel::Columns{blocks.get() + first * depth, depth * kLanes};
                };
                kernel({columns(piece.row), piece.rows, columns(piece.column), depth}, sums.get());
                for (Index i = 0; i < piece.rows; ++i) {
                    for (Index j = 0; j < kStrip; ++j) {
                        const Vector a = rows.col(piece.row + i).cast<double>();
                        const Vector b = rows.col(piece.column + j).cast<double>();
                        const double error =
                            std::abs(static_cast<double>(sums.get()[i * kStrip + j]) - a.dot(b));
                        REQUIRE(error <= allowed * a.cwiseAbs().dot(b.cwiseAbs()));
                    }
                }
            }
        }
    }
}
