#include "norms/fixed_point_panel.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "norms/large_matrix.hpp"
#include "norms/parallel.hpp"

namespace lipcert {

namespace {

using Eigen::Index;
using integer_kernel::kDepth;
using integer_kernel::kRows;
using integer_kernel::packed_block;
using integer_kernel::sums_of_pair;

/// Strips that one thread packs at a time: their numbers in a row follow each other.
constexpr Index kStrips = 8;
/// Strips, each way, whose products one thread forms at a time.
constexpr Index kWindow = 8;

constexpr Index blocks_of(Index count, Index length) {
    return (count + length - 1) / length;
}

/// The largest magnitude in each column, in each row where `columns`.
Vector largest_magnitudes(const MatrixView& stored, bool columns) {
    const auto operations = operations_of_pass(stored.rows(), stored.cols());
    Vector largest = Vector::Zero(columns ? stored.rows() : stored.cols());
    for_each_share(largest.size(), operations, [&](Index begin, Index end) {
        const Index count = end - begin;
        if (columns) {
            largest.segment(begin, count) =
                stored.middleRows(begin, count).cwiseAbs().rowwise().maxCoeff();
            return;
        }
        for (Index i = 0; i < stored.rows(); ++i) {  // as they lie in memory
            largest.segment(begin, count) =
                largest.segment(begin, count)
                    .cwiseMax(stored.row(i).segment(begin, count).cwiseAbs().transpose());
        }
    });
    return largest;
}

/// What integers may be.
struct Range {
    int bits;
    double largest;
};

Range range_of(integer_kernel::Digits digits) {
    switch (digits) {
        case integer_kernel::Digits::two:
            return {15, integer_kernel::kLargestOfTwo};
        case integer_kernel::Digits::three:
            return {23, integer_kernel::kLargestOfThree};
        case integer_kernel::Digits::four:
            break;
    }
    return {31, integer_kernel::kLargest};
}

/// The e for which 2^(bits - e) times a column has integers of so many bits next to it, and none
/// that the digits do not hold.
int exponent_of_column(double largest, int exponent, const Range& range) {
    // Smaller ones count as zero: a column far below the largest one.
    constexpr int kSmallest = -200;
    int result = 0;
    std::frexp(largest, &result);
    result = largest > 0.0 ? std::max(result, exponent + kSmallest) : exponent + kSmallest;
    // Less than the largest integer, to which it may be rounded.
    const bool fits = std::ldexp(largest, range.bits - result) < range.largest;
    return fits ? result : result + 1;
}

/// A block of the Gram matrix, in strips.
struct Window {
    Index row;
    Index column;
    Index rows;
    Index columns;
};

std::vector<Window> windows_of(Index strips) {
    std::vector<Window> windows;
    for (Index row = 0; row < strips; row += kWindow) {
        for (Index column = 0; column <= row; column += kWindow) {
            windows.push_back(
                {row, column, std::min(kWindow, strips - row), std::min(kWindow, strips - column)});
        }
    }
    return windows;
}

/// The part of a pair of strips that lies in the lower triangle.
void put(
    const double* numbers, Index row, Index column, FixedPointPanel::Into into, Matrix& lower) {
    const Index end = std::min(row + kRows, lower.rows());
    for (Index i = row; i < end; ++i, numbers += kRows) {
        const Index count = std::min(kRows, i + 1 - column);
        const Eigen::Map<const Eigen::RowVectorXd> from(numbers, count);
        auto to = lower.row(i).segment(column, count);
        if (into == FixedPointPanel::Into::add) {
            to += from;
        } else {
            to = from;
        }
    }
}

}  // namespace

FixedPointPanel::Squares FixedPointPanel::fill(const MatrixView& stored,
                                               bool columns,
                                               int exponent) {
    columns_ = columns ? stored.rows() : stored.cols();
    steps_ = blocks_of(columns ? stored.cols() : stored.rows(), kDepth);
    choose_units(stored, columns, exponent);
    make_room();
    const Index strips = blocks_of(columns_, kRows);
    std::vector<integer_kernel::Squares> squares(static_cast<std::size_t>(strips));
    const double operations = operations_of_pass(stored.rows(), stored.cols());
    for_each_piece(blocks_of(strips, kStrips), operations, [&](Index piece) {
        const Index end = std::min((piece + 1) * kStrips, strips);
        for (Index step = 0; step < steps_; ++step) {
            for (Index strip = piece * kStrips; strip < end; ++strip) {
                fill_block(
                    stored, columns, {strip, step}, squares[static_cast<std::size_t>(strip)]);
            }
        }
    });
    return sum_of(squares);
}

FixedPointPanel::Squares FixedPointPanel::sum_of(
    const std::vector<integer_kernel::Squares>& strips) const {
    Squares sum;
    const double* unit = units_.data();
    for (const integer_kernel::Squares& strip : strips) {
        for (Index j = 0; j < kRows; ++j, ++unit) {
            sum.last += *unit * *unit * strip.last[j];
            sum.rest += *unit * *unit * strip.rest[j];
        }
    }
    return sum;
}

void FixedPointPanel::choose_units(const MatrixView& stored, bool columns, int exponent) {
    const Range range = range_of(digits_);
    const Vector largest = largest_magnitudes(stored, columns);
    const auto padded = static_cast<std::size_t>(blocks_of(columns_, kRows) * kRows);
    scales_.assign(padded, 0.0);
    units_.assign(padded, 0.0);
    for (Index j = 0; j < columns_; ++j) {
        const int shift = exponent_of_column(largest(j), exponent, range) - range.bits;
        scales_[static_cast<std::size_t>(j)] = std::ldexp(1.0, -shift);
        units_[static_cast<std::size_t>(j)] = std::ldexp(1.0, shift - exponent);
    }
}

void FixedPointPanel::make_room() {
    const Index digits = blocks_of(columns_, kRows) * steps_ * packed_block(digits_);
    if (digits <= capacity_) {
        return;
    }
    capacity_ = digits;
    for (TileArray<integer_kernel::Digit>* factor : {&left_, &right_}) {
        *factor = {};  // before there is more of it
        *factor = TileArray<integer_kernel::Digit>(capacity_);
        prefer_huge_pages(factor->get(), static_cast<std::size_t>(capacity_));
    }
}

void FixedPointPanel::fill_block(const MatrixView& stored,
                                 bool columns,
                                 const Block& block,
                                 integer_kernel::Squares& squares) {
    const Index column = block.strip * kRows;
    const Index row = block.step * kDepth;
    const Index width = std::min(kRows, columns_ - column);
    const Index depth = std::min(kDepth, (columns ? stored.cols() : stored.rows()) - row);
    const double* const first = stored.data() + (columns ? column * stored.outerStride() + row
                                                         : row * stored.outerStride() + column);
    integer_kernel::Numbers numbers{first, stored.outerStride(), columns};
    std::array<double, kRows * kDepth> padded;
    if (width < kRows || depth < kDepth) {
        padded.fill(0.0);
        for (Index j = 0; j < width; ++j) {
            for (Index i = 0; i < depth; ++i) {
                padded[static_cast<std::size_t>(j * kDepth + i)] =
                    columns ? stored(column + j, row + i) : stored(row + i, column + j);
            }
        }
        numbers = {padded.data(), kDepth, true};
    }
    const Index place = (block.strip * steps_ + block.step) * packed_block(digits_);
    integer_kernel::pack(numbers,
                         &scales_[static_cast<std::size_t>(column)],
                         digits_,
                         {left_.get() + place, right_.get() + place},
                         squares);
}

void FixedPointPanel::add_gram(Into into, Matrix& lower) const {
    const std::vector<Window> windows = windows_of(blocks_of(columns_, kRows));
    const auto size = static_cast<double>(columns_);
    const double operations = 0.5 * size * size * static_cast<double>(steps_ * kDepth);
    const Index pitch = steps_ * packed_block(digits_);
    for_each_piece(static_cast<Index>(windows.size()), operations, [&](Index piece) {
        const Window& window = windows[static_cast<std::size_t>(piece)];
        const bool is_lower = window.row == window.column;
        const TileArray<std::int32_t> sums(window.rows * window.columns * sums_of_pair(digits_));
        integer_kernel::multiply({{left_.get() + window.row * pitch, pitch, window.rows},
                                  {right_.get() + window.column * pitch, pitch, window.columns},
                                  steps_,
                                  is_lower},
                                 digits_,
                                 sums.get());
        for (Index i = 0; i < window.rows; ++i) {
            for (Index j = 0; j < (is_lower ? i + 1 : window.columns); ++j) {
                const Index row = (window.row + i) * kRows;
                const Index column = (window.column + j) * kRows;
                std::array<double, kRows * kRows> numbers;
                const Index pair = (i * window.columns + j) * sums_of_pair(digits_);
                integer_kernel::combine(sums.get() + pair,
                                        digits_,
                                        &units_[static_cast<std::size_t>(row)],
                                        &units_[static_cast<std::size_t>(column)],
                                        numbers.data());
                put(numbers.data(), row, column, into, lower);
            }
        }
    });
}

}  // namespace lipcert
