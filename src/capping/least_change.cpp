#include "capping/least_change.hpp"

#include "lipcert/norms/spectral_norm.hpp"
#include "lipcert/rounding/roundoff.hpp"

#include <cmath>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "norms/integer_gram.hpp"
#include "norms/large_matrix.hpp"
#include "norms/parallel.hpp"
#include "norms/scaling.hpp"

namespace lipcert::capping {

namespace {

std::vector<Upper> column_norms(const MatrixBall& a) {
    return row_norms(a.transposed());
}

/// <a, b> from below for vectors with entries at most 1: [K4] the computed sum of products is off
/// by at most gamma_n sum |a_i b_i| and its underflows.
BigFloat inner_product_below(const Eigen::Ref<const Vector>& a, const Eigen::Ref<const Vector>& b) {
    const auto size = static_cast<std::size_t>(a.size());
    const double magnitude = a.cwiseAbs().dot(b.cwiseAbs());
    const Upper rounding = gamma(size) * true_sum(magnitude, size, 8 * size).upper() +
                           Upper::of_count(8 * size) * underflow_unit();
    return subtract(BigFloat(a.dot(b)), rounding.value(), Rounding::down);
}

/// tr(A B) of two symmetric matrices whose lower triangles these are, widened by `error`, where it
/// is not negative.
Enclosure trace_of_product(const Matrix& a, const Matrix& b, const Upper& error) {
    const Eigen::Index n = a.rows();
    Vector sums(n);
    Vector magnitudes(n);
    for_each_row(n, n, [&](Eigen::Index i) {
        const auto below = a.row(i).head(i).cwiseProduct(b.row(i).head(i));
        const double diagonal = a(i, i) * b(i, i);
        sums(i) = 2.0 * below.sum() + diagonal;
        magnitudes(i) = 2.0 * below.cwiseAbs().sum() + std::abs(diagonal);
    });
    // Each term passes the roundings of its product, of two sums and of the doubling.
    const std::size_t roundings = 2 * static_cast<std::size_t>(n) + 4;
    const std::size_t underflows = 8 * static_cast<std::size_t>(n * n);
    const Upper lost =
        gamma(roundings) * true_sum(magnitudes.sum(), roundings, underflows).upper() +
        Upper::of_count(underflows) * underflow_unit() + error;
    const BigFloat sum(sums.sum());
    return {Lower::of(subtract(sum, lost.value(), Rounding::down)),
            Upper::of(add(sum, lost.value(), Rounding::up))};
}

/// The e with entries of 2^-e B below 1; 0 where all are zero.
int exponent_of(const FloatMatrix& b) {
    Eigen::VectorXf largest = Eigen::VectorXf::Zero(b.rows());
    for_each_row(
        b.rows(), b.cols(), [&](Eigen::Index i) { largest(i) = b.row(i).cwiseAbs().maxCoeff(); });
    int exponent = 0;
    std::frexp(largest.size() == 0 ? 0.0F : largest.maxCoeff(), &exponent);
    return exponent;
}

/// B with entries of fourteen bits of its largest one, which two digits hold.
Matrix coarsened(const FloatMatrix& b, int exponent) {
    constexpr int kBits = 14;
    const double to_integers = std::ldexp(1.0, kBits - exponent);
    const double from_integers = std::ldexp(1.0, exponent - kBits);
    Matrix result;
    resize_uninitialised(result, b.rows(), b.cols());
    for_each_row(b.rows(), b.cols(), [&](Eigen::Index i) {
        auto row = result.row(i).array();
        row = from_integers * (to_integers * b.row(i).array().cast<double>()).rint();
    });
    return result;
}

/// Of 2^-exponent times a coarsened matrix.
Gram gram_of_coarsened(Matrix b, int exponent) {
    const TallPanels panels = TallPanels::of_columns(b, exponent);
    std::optional<Gram> gram = form_integer_gram(
        panels, 0.0, std::numeric_limits<double>::infinity(), integer_kernel::Digits::two);
    Gram result = gram ? std::move(*gram) : form_gram(panels);
    recycle(std::move(b));
    return result;
}

/// tr(G) of what G was computed of, which is positive semidefinite: n entries add up with at most
/// as many roundings.
Upper trace_of(const Gram& gram) {
    const auto size = static_cast<std::size_t>(gram.lower.rows());
    const Vector diagonal = gram.lower.diagonal();
    return true_sum(diagonal.cwiseAbs().sum(), size, 0).upper() +
           sqrt(Upper::of_count(size)) * gram.frobenius_error;
}

}  // namespace

LowRank::LowRank(MatrixBall left, MatrixBall right)
    : left_(std::move(left)),
      right_(std::move(right)),
      right_norm_(lipcert::spectral_norm(right_).upper()) {}

Upper LowRank::spectral_norm() const {
    return lipcert::spectral_norm(left_).upper() * right_norm_;
}

Upper LowRank::frobenius_norm() const {
    return lipcert::frobenius_norm(left_) * right_norm_;
}

Upper LowRank::nuclear_norm() const {
    const std::vector<Upper> of_left = column_norms(left_);
    const std::vector<Upper> of_right = column_norms(right_);
    Upper result;
    for (std::size_t i = 0; i < of_left.size(); ++i) {
        result += of_left[i] * of_right[i];
    }
    return result;
}

Lower least_change(const LowRank& z, const MatrixBall& image, const Upper& limit) {
    const Upper norm = z.frobenius_norm();
    if (norm.is_zero()) {
        return {};
    }
    // <A, F V^T> = <A V, F>, column by column.
    const MatrixBall of_image = image.transposed();
    const MatrixBall of_left = z.left().transposed();
    std::vector<BigFloat> products(static_cast<std::size_t>(image.cols()));
    for_each_row(image.cols(), image.rows(), [&](Eigen::Index i) {
        products[static_cast<std::size_t>(i)] = inner_product_below(
            of_image.centre().row(i).transpose(), of_left.centre().row(i).transpose());
    });
    BigFloat product;
    for (const BigFloat& next : products) {
        product = add(product, next, Rounding::down);
    }
    product = product.scaled(image.exponent() + z.left().exponent(), Rounding::down);
    // The members of the ball `image` differ from its centre by at most its radius.
    const Upper lost =
        image.radius() * lipcert::frobenius_norm(z.left()) + limit * z.nuclear_norm();
    return Lower::of(subtract(product, lost.value(), Rounding::down)) / norm;
}

ExcessWeights::ExcessWeights(const FloatMatrix& b)
    : exponent_(exponent_of(b)),
      gram_(gram_of_coarsened(coarsened(b, exponent_), exponent_)),
      trace_(trace_of(gram_)),
      norm_(sqrt(trace_of_product(gram_.lower, gram_.lower, Upper()).upper()) +
            gram_.frobenius_error) {}

Enclosure ExcessWeights::trace_with(const Gram& gram, long exponent) const {
    const Upper norm = sqrt(gram.sum_of_squares.upper()) + gram.rest;
    const Upper error = gram_.frobenius_error * square(norm) + norm_ * gram.frobenius_error;
    // Widened before it is a bound: the computed matrices need not be positive semidefinite.
    const Enclosure trace = trace_of_product(gram_.lower, gram.lower, error);
    const Upper rest = gram.rest * sqrt(trace_);
    const Lower below = sqrt(trace.lower()) - rest;
    const Upper above = sqrt(trace.upper()) + rest;
    return Enclosure(below * below, square(above)).scaled(2 * (exponent_ + exponent));
}

Upper ExcessWeights::image_of(const Upper& change) const {
    return change * sqrt(trace_).scaled(exponent_);
}

Lower ExcessWeights::least_change(const Traces& traces, const Upper& limit) const {
    if (norm_.is_zero() || limit.is_zero()) {
        return {};
    }
    const Lower product = (traces.of_matrix + traces.of_capped - traces.of_change).scaled(-1);
    return (product - square(limit) * trace_.scaled(2 * exponent_)) /
           (limit * norm_.scaled(2 * exponent_));
}

}  // namespace lipcert::capping
