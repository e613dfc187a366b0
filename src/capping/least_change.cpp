#include "capping/least_change.hpp"

#include "lipcert/norms/spectral_norm.hpp"
#include "lipcert/rounding/roundoff.hpp"

#include <utility>
#include <vector>

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
    for_each_row_range(image.cols(), image.rows(), [&](Eigen::Index begin, Eigen::Index end) {
        for (Eigen::Index i = begin; i < end; ++i) {
            products[static_cast<std::size_t>(i)] = inner_product_below(
                of_image.centre().row(i).transpose(), of_left.centre().row(i).transpose());
        }
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

}  // namespace lipcert::capping
