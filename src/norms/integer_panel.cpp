#include "norms/integer_panel.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "norms/parallel.hpp"

namespace lipcert::integer {

namespace {

using Index = Eigen::Index;

constexpr Index kHalf = kSide / 2;
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

/// One column's way into the panel.
struct Column {
    double per_unit = 0.0;  ///< stored number to units
    double lost = 0.0;      ///< squares, in units
};

/// Rounds x to an integer (to nearest, or to a neighbour in another rounding mode).
struct Rounded {
    std::int32_t value;
    double lost;
};

Rounded round_to_integer(double x) {
    // Adding 1.5 * 2^52 leaves no bit behind the binary point; the integer is in the low bits, and
    // x minus it is exact: below 1 in magnitude, and a multiple of the last bit of x.
    constexpr double kShift = 0x1.8p52;
    const double shifted = x + kShift;
    return {static_cast<std::int32_t>(std::bit_cast<std::int64_t>(shifted)),
            x - (shifted - kShift)};
}

/// Where the tiles of 16 columns and 64 rows begin; those of the low bytes lie two tiles further.
struct Tiles {
    std::int8_t* left;
    std::int8_t* right;
};

/// 16 columns by 64 rows into a tile of high bytes and one of low bytes, and their transposes.
void fill_tiles(const Source& source, Index row, Index col, Column* columns, const Tiles& tiles) {
    std::int8_t* const high = tiles.left;
    std::int8_t* const low = tiles.left + 2 * kTile;
    const Index rows = std::min<Index>(kStep, source.rows - row);
    const Index cols = std::clamp<Index>(source.cols - col, 0, kHalf);
    if (rows < kStep || cols < kHalf) {
        std::fill_n(high, kTile, std::int8_t{0});
        std::fill_n(low, kTile, std::int8_t{0});
    }
    for (Index i = 0; i < rows; ++i) {
        const double* numbers = source.at(row + i, col);
        for (Index j = 0; j < cols; ++j) {
            const Rounded rounded =
                round_to_integer(numbers[j * source.col_step] * columns[j].per_unit);
            columns[j].lost += rounded.lost * rounded.lost;
            const auto low_byte = static_cast<std::int8_t>(rounded.value);  // modulo 256
            low[j * kStep + i] = low_byte;
            high[j * kStep + i] = static_cast<std::int8_t>((rounded.value - low_byte) / 256);
        }
    }
    transpose_words(high, tiles.right);
    transpose_words(low, tiles.right + 2 * kTile);
}

void round_group(const Source& source, int group, Panel& panel) {
    const Index begin = static_cast<Index>(group) * kSide;
    const Index count = std::min<Index>(kSide, source.cols - begin);
    double largest[kSide];
    largest_entries(source, begin, count, largest);
    Column columns[kSide];
    for (Index j = 0; j < count; ++j) {
        const double magnitude = largest[j] * source.factor;
        const bool vanishes = magnitude < kSmallestColumn;
        const double unit = vanishes ? 0.0 : unit_for(magnitude);
        columns[j].per_unit = vanishes ? 0.0 : source.factor / unit;
        panel.units(begin + j) = unit;
    }
    std::int8_t* left = panel.left.data() + panel.begin(group);
    std::int8_t* right = panel.right.data() + panel.begin(group);
    for (Index step = 0; step < panel.steps; ++step) {
        for (Index half = 0; half < 2; ++half) {
            const Index offset = half * kHalf;
            const Index place = step * kStepBytes + half * kTile;
            fill_tiles(source,
                       step * kStep,
                       begin + offset,
                       columns + offset,
                       {left + place, right + place});
        }
    }
    for (Index j = 0; j < count; ++j) {
        const double unit = panel.units(begin + j);
        panel.lost_squares(begin + j) =
            unit > 0.0 ? columns[j].lost * unit * unit
                       : static_cast<double>(source.rows) * kSmallestColumn * kSmallestColumn;
    }
}

}  // namespace

void round_panel(const MatrixView& stored, bool columns, double factor, Panel& panel) {
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
        round_group(source, static_cast<int>(group), panel);
    });
}

}  // namespace lipcert::integer
