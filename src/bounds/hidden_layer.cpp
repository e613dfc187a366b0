#include "bounds/hidden_layer.hpp"

#include "lipcert/rounding/roundoff.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include "norms/blas.hpp"
#include "norms/ritz_correction.hpp"

namespace lipcert {

namespace {

using Eigen::Index;

/// Multipliers of hidden units that do next to nothing are kept within this factor of the median.
constexpr double kRange = 0x1p30;
/// An entry of b that is at most this share of its row of W1 moves T0 by less than a hundredth,
/// and a bound, which is flat there, by far less.
constexpr double kLittle = 0.125;

/// Row by row, as they lie in memory.
Vector column_norms(const Matrix& matrix) {
    Eigen::RowVectorXd squares = Eigen::RowVectorXd::Zero(matrix.cols());
    for (Index i = 0; i < matrix.rows(); ++i) {
        squares += matrix.row(i).cwiseAbs2();
    }
    return squares.cwiseSqrt().transpose();
}

bool weighs_little(const MatrixBall& column, const MatrixBall& in) {
    const Vector rows = in.centre().rowwise().norm();
    const double scale = std::exp2(static_cast<double>(column.exponent() - in.exponent()));
    return (scale * column.centre().col(0).cwiseAbs().array() <= kLittle * rows.array()).all();
}

Vector roots(const Vector& multiplier) {
    return multiplier.cwiseSqrt();
}

/// [W1, b]^T T [W1, b], where `y` is W1^T T W1.
MatrixBall bordered(const MatrixBall& y,
                    const MatrixBall& in,
                    const MatrixBall& column,
                    const Vector& multiplier) {
    const Vector forward = roots(multiplier);
    const MatrixBall row = scale_rows(scale_rows(column, forward), forward).transposed();
    const MatrixBall beside = product(row, in);
    const MatrixBall whole = stack_rows(
        {stack_columns({y, beside.transposed()}), stack_columns({beside, product(row, column)})});
    // What vanishes beside a larger entry may have vanished on one side only. Mirrored, an error of
    // Frobenius norm e becomes at most sqrt(2) e.
    const Matrix symmetric = whole.centre().selfadjointView<Eigen::Lower>();
    return MatrixBall::around(symmetric, whole.exponent(), whole.radius().scaled(1));
}

}  // namespace

MultiplierGrams multiplier_grams(const MatrixBall& in,
                                 const MatrixBall& out,
                                 const Vector& multiplier) {
    const Vector forward = roots(multiplier);
    Vector backward(forward.size());  // at least 1/s_i: a larger X is worse, never wrong
    for (Index i = 0; i < forward.size(); ++i) {
        backward(i) = next_up(1.0 / forward(i));
    }
    return {gram_of_rows(scale_columns(out, MatrixBall::of_vector(backward))),
            gram_of_columns(scale_rows(in, forward))};
}

Vector balanced_multiplier(const Matrix& in, const Matrix& out) {
    Vector result = column_norms(out);
    const Vector rows = in.rowwise().norm();
    std::vector<double> balanced;
    for (Index i = 0; i < result.size(); ++i) {
        result(i) = rows(i) > 0.0 ? result(i) / rows(i) : 0.0;
        if (result(i) > 0.0 && std::isfinite(result(i))) {
            balanced.push_back(result(i));
        }
    }
    double median = 1.0;
    if (!balanced.empty()) {
        const auto middle = balanced.begin() + static_cast<std::ptrdiff_t>(balanced.size() / 2);
        std::nth_element(balanced.begin(), middle, balanced.end());
        median = *middle;
    }
    for (double& entry : result) {
        entry = entry > 0.0 ? std::clamp(entry, median / kRange, median * kRange) : median;
    }
    return result;
}

HiddenLayer::HiddenLayer(MatrixBall in, MatrixBall out)
    : in_(std::move(in)),
      out_(std::move(out)),
      balance_([this] { return balanced_multiplier(in_.centre(), out_.centre()); }),
      grams_([this] { return multiplier_grams(in_, out_, *balance_); }),
      x_top_([this] { return sharp_top_eigenpair(grams_->x.centre()); }),
      y_top_([this] { return sharp_top_eigenpair(grams_->y.centre()); }) {}

HiddenLayer::HiddenLayer(const HiddenLayer& base, const MatrixBall& column)
    : HiddenLayer(stack_columns({base.in_, column}), base.out_) {
    if (weighs_little(column, base.in_)) {
        balance_ = [&base] { return *base.balance_; };
        grams_ = [&base, column] {
            const MultiplierGrams& grams = base.grams();
            return MultiplierGrams{grams.x, bordered(grams.y, base.in_, column, *base.balance_)};
        };
        x_top_ = [&base] { return base.x_top(); };
    }
}

bool HiddenLayer::vanishes() const {
    return in_.centre().isZero(0.0) || out_.centre().isZero(0.0);
}

double HiddenLayer::norms_estimate() const {
    const double in = blas::multiply(in_.centre(), false, Matrix(y_top_->vector)).norm();
    const double out = blas::multiply(out_.centre(), true, Matrix(x_top_->vector)).norm();
    return std::exp2(static_cast<double>(in_.exponent() + out_.exponent())) * in * out /
           (x_top_->vector.norm() * y_top_->vector.norm());
}

}  // namespace lipcert
