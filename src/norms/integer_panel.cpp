#include "norms/integer_panel.hpp"

#include <algorithm>
#include <cmath>

#include "norms/parallel.hpp"

namespace lipcert::integer {

namespace {

using Index = Eigen::Index;

/// Columns whose largest entry is smaller than this are rounded to zero: units of 2^-215 and below
/// would leave the range of what is squared and multiplied here.
constexpr double kSmallestColumn = 0x1p-200;

/// The stored panel as W', entry by entry.
struct Source {
    const double* data;
    Index row_step, col_step;
    Index rows, cols;
    double factor;

    [[nodiscard]] const double* at(Index row, Index col) const {
        return data + row * row_step + col * col_step;
    }
};

/// Magnitudes of the largest entries of up to kSide columns from `begin` on.
void largest_entries(const Source& source, Index begin, Index count, double* largest) {
    std::fill_n(largest, kSide, 0.0);
    for (Index i = 0; i < source.rows; ++i) {
        const double* row = source.at(i, begin);
        for (Index j = 0; j < count; ++j) {
            largest[j] = std::max(largest[j], std::abs(row[j * source.col_step]));
        }
    }
}

/// The smallest power of two in units of which `largest` stays within kLargest.
double unit_for(double largest) {
    int exponent = 0;
    std::frexp(largest, &exponent);
    constexpr int kBits = 15;
    const double unit = std::ldexp(1.0, exponent - kBits);
    return largest > kLargest * unit ? 2.0 * unit : unit;
}

void round_group(const Source& source, int group, const Kernel& kernel, Panel& panel) {
    const Index begin = static_cast<Index>(group) * kSide;
    const Index count = std::min<Index>(kSide, source.cols - begin);
    double largest[kSide];
    largest_entries(source, begin, count, largest);
    double per_unit[kSide] = {};  // stored number to units
    double lost[kSide] = {};      // squares, in units
    for (Index j = 0; j < count; ++j) {
        const double magnitude = largest[j] * source.factor;
        const bool vanishes = magnitude < kSmallestColumn;
        const double unit = vanishes ? 0.0 : unit_for(magnitude);
        per_unit[j] = vanishes ? 0.0 : source.factor / unit;
        panel.units(begin + j) = unit;
    }
    for (Index step = 0; step < panel.steps; ++step) {
        for (Index half = 0; half < 2; ++half) {
            const Index offset = half * kHalf;
            const std::size_t place =
                panel.begin(group) + static_cast<std::size_t>(step * kStepBytes + half * kTile);
            const Strip strip{source.at(step * kStep, begin + offset),
                              source.row_step,
                              source.col_step,
                              per_unit + offset,
                              lost + offset};
            const Tiles tiles{panel.left.data() + place, panel.right.data() + place};
            const Index rows = std::min<Index>(kStep, source.rows - step * kStep);
            const Index cols = std::clamp<Index>(count - offset, 0, kHalf);
            if (rows == kStep && cols == kHalf) {
                kernel.round(strip, tiles);
            } else {
                round_strip(strip, rows, cols, tiles);
            }
        }
    }
    for (Index j = 0; j < count; ++j) {
        const double unit = panel.units(begin + j);
        panel.lost_squares(begin + j) =
            unit > 0.0 ? lost[j] * unit * unit
                       : static_cast<double>(source.rows) * kSmallestColumn * kSmallestColumn;
    }
}

}  // namespace

void round_panel(
    const MatrixView& stored, bool columns, double factor, const Kernel& kernel, Panel& panel) {
    const Index stride = stored.outerStride();
    const Source source{stored.data(),
                        columns ? 1 : stride,
                        columns ? stride : 1,
                        columns ? stored.cols() : stored.rows(),
                        columns ? stored.rows() : stored.cols(),
                        factor};
    panel.groups = static_cast<int>((source.cols + kSide - 1) / kSide);
    panel.steps = static_cast<int>((source.rows + kStep - 1) / kStep);
    panel.left.resize(panel.begin(panel.groups));
    panel.right.resize(panel.begin(panel.groups));
    panel.units.resize(source.cols);
    panel.lost_squares.resize(source.cols);
    for_each_piece(panel.groups, operations_of_pass(source.rows, source.cols), [&](Index group) {
        round_group(source, static_cast<int>(group), kernel, panel);
    });
}

}  // namespace lipcert::integer
