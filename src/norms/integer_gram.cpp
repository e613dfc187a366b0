#include "norms/integer_gram.hpp"

#include "lipcert/rounding/roundoff.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "norms/blas.hpp"
#include "norms/integer_panel.hpp"
#include "norms/large_matrix.hpp"
#include "norms/parallel.hpp"
#include "norms/scaling.hpp"

namespace lipcert {

namespace {

using Index = Eigen::Index;

/// Groups of columns on a side of what one thread takes at a time: their left operands, 64 KB each,
/// stay in its cache.
constexpr int kGroupsOfPiece = 8;

/// Adds the product of two groups of columns to the lower triangle of F, one rounding to float32
/// for each panel.
void add_groups(
    const integer::Panel& panel, const integer::Kernel& kernel, int i, int j, FloatMatrix& lower) {
    double product[integer::kSide * integer::kSide];
    kernel.multiply(panel.left_of(i), panel.right_of(j), panel.steps, product);
    const Index n = lower.rows();
    const Index row = i * integer::kSide;
    const Index col = j * integer::kSide;
    const double* const units = panel.units.data();
    integer::Target target{&lower(row, col), n, units + row, units + col};
    if (col < row && row + integer::kSide <= n) {
        kernel.add(product, target);
        return;
    }
    for (Index k = 0; k < std::min<Index>(integer::kSide, n - row); ++k) {
        const Index cols = std::min<Index>(integer::kSide, row + k - col + 1);
        integer::add_row(product + k * integer::kSide, target.row_units[k], target, cols);
        target.numbers += n;
    }
}

void add_panel(const integer::Panel& panel, const integer::Kernel& kernel, FloatMatrix& lower) {
    const int count = (panel.groups + kGroupsOfPiece - 1) / kGroupsOfPiece;
    std::vector<std::pair<int, int>> pieces;
    for (int i = 0; i < count; ++i) {
        for (int j = 0; j <= i; ++j) {
            pieces.emplace_back(i * kGroupsOfPiece, j * kGroupsOfPiece);
        }
    }
    constexpr double kSpeedup = 16.0;  // over multiply-adds in float64
    const double size = static_cast<double>(lower.rows());
    const double operations = 0.5 * size * size * panel.steps * integer::kStep / kSpeedup;
    for_each_piece(static_cast<Index>(pieces.size()), operations, [&](Index index) {
        const auto [row, col] = pieces[static_cast<std::size_t>(index)];
        for (int j = col; j < std::min(col + kGroupsOfPiece, panel.groups); ++j) {
            for (int i = std::max(row, j); i < std::min(row + kGroupsOfPiece, panel.groups); ++i) {
                add_groups(panel, kernel, i, j, lower);
            }
        }
    });
}

/// Zero on and below the diagonal, NaN above it.
FloatMatrix empty_triangle(Index size) {
    FloatMatrix lower;
    resize_uninitialised(lower, size, size);
    for_each_row_range(size, size, [&](Index begin, Index end) {
        for (Index i = begin; i < end; ++i) {
            lower.row(i).head(i + 1).setZero();
            lower.row(i).tail(size - i - 1).setConstant(std::numeric_limits<float>::quiet_NaN());
        }
    });
    return lower;
}

}  // namespace

Upper integer_gram_error(Index inner, Index size, std::size_t panels, const Upper& squares) {
    return gamma(2 * panels, Precision::float32) * squares + crude_underflow(inner, size);
}

CrudeGram form_integer_gram(const SmallerSide& side, const integer::Kernel& kernel) {
    const Index n = side.size();
    CrudeGram gram;
    gram.lower = empty_triangle(n);
    const double factor = std::ldexp(1.0, -side.exponent());
    Vector lost = Vector::Zero(n);
    std::size_t panels = 0;
    Lower below;
    Upper above;
    integer::Panel panel;
    side.for_each_panel([&](const MatrixView& stored, bool columns) {
        const Enclosure squares = squares_of_panel(stored, side.exponent());
        below = below + squares.lower();
        above += squares.upper();
        integer::round_panel(stored, columns, factor, kernel, panel);
        lost += panel.lost_squares;
        add_panel(panel, kernel, gram.lower);
        ++panels;
    });
    gram.sum_of_squares = {below, above};
    gram.lost = LostPart::of_squares(lost, side.inner(), panels);
    const Upper rounded = square(sqrt(above) + gram.lost.norm);
    gram.error = integer_gram_error(side.inner(), n, panels, rounded);
    gram.frobenius = rounded + gram.error;
    return gram;
}

}  // namespace lipcert
