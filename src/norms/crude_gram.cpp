#include "norms/crude_gram.hpp"

#include "lipcert/error.hpp"
#include "lipcert/rounding/roundoff.hpp"

#include <cmath>
#include <utility>

#include "norms/cholesky_certificate.hpp"
#include "norms/freivalds.hpp"
#include "norms/gram_sum.hpp"
#include "norms/scaling.hpp"
#include "norms/tiled_cholesky.hpp"
#include "norms/triangular.hpp"

namespace lipcert {

namespace {

/// [S7] Of 2^-23: roundings to nearest, two of them conversions, lose half of it each.
std::size_t crude_roundings(Eigen::Index inner, Eigen::Index size) {
    return (GramSum::roundings(inner, size) + 3) / 2;
}

/// [S7] 16 X k 2^-126 an entry, X the largest that W' may have.
Upper crude_underflow(Eigen::Index inner, Eigen::Index size) {
    return Upper::exact(16.0 * SmallerSide::kLargestEntry) *
           Upper::of_count(static_cast<std::size_t>(inner)) *
           Upper::of_count(static_cast<std::size_t>(size)) * underflow_unit(Precision::float32);
}

/// |W'|_F^2 of a panel, from the sums of its rows: that of the stored numbers, scaled by a power of
/// two. Nothing where an entry may be too large.
std::optional<Enclosure> squares_of(const GramPanel& panel, const SmallerSide& side) {
    const double computed = std::ldexp(panel.squares().sum(), -2 * side.exponent());
    // What is lost in the sum is less than half of it.
    constexpr double kMost = SmallerSide::kLargestEntry * SmallerSide::kLargestEntry / 2.0;
    if (!(computed <= kMost)) {  // a NaN is too large
        return std::nullopt;
    }
    // Terms of a row, and rows, of what is stored.
    const auto terms = static_cast<std::size_t>(GramPanel::kLength + side.size() + 1);
    const Enclosure sum = true_sum(computed, terms, 0);
    return Enclosure(sum.lower() - Upper::exact(SmallerSide::kUnderflow),
                     sum.upper() + Upper::exact(SmallerSide::kUnderflow));
}

}  // namespace

Upper crude_gram_error(Eigen::Index inner, Eigen::Index size, const Upper& squares) {
    return gamma(crude_roundings(inner, size), Precision::float32) * squares +
           crude_underflow(inner, size);
}

std::optional<CrudeGram> form_crude_gram(const SmallerSide& side) {
    const Eigen::Index n = side.size();
    GramSum sum(n);
    Lower below;
    Upper above;
    bool is_in_range = true;
    side.for_each_panel([&](const GramPanel& panel) {
        const std::optional<Enclosure> squares = squares_of(panel, side);
        is_in_range = is_in_range && squares.has_value();
        if (is_in_range) {
            below = below + squares->lower();
            above += squares->upper();
            sum.add(panel);
        }
    });
    if (!is_in_range) {
        return std::nullopt;
    }
    CrudeGram gram;
    gram.lower = std::move(sum).result();
    gram.sum_of_squares = {below, above};
    gram.error = crude_gram_error(side.inner(), n, above);
    // | |W'|^T |W'| |_F <= |W'|_F^2, so the error bound of S7 is one in the Frobenius norm too.
    gram.frobenius = above + gram.error;
    return gram;
}

CrudeGram rounded_to_float32(const Gram& gram) {
    const Eigen::Index n = gram.lower.rows();
    CrudeGram result;
    result.lower = lower_in_float32(gram.lower);
    poison_above(result.lower);
    // Each entry by 2^-24 of itself, and what underflows.
    const Upper computed =
        square(sqrt(gram.sum_of_squares.upper()) + gram.rest) + gram.frobenius_error;
    result.error =
        gram.frobenius_error + unit_roundoff(Precision::float32) * computed +
        Upper::of_count(static_cast<std::size_t>(n)) * underflow_unit(Precision::float32);
    result.frobenius = computed + result.error;
    result.sum_of_squares = gram.sum_of_squares;
    return result;
}

bool sees_small_gaps(const SmallerSide& side) {
    // For Gaussian entries the top of W'^T W' is about (sqrt(m) + sqrt(n))^2, of which |W'|_F^2 = m
    // n is `ratio`^2, and eigenvalues follow each other in steps of about the part `step` of it
    // (Johnstone, Annals of Statistics 29, 2001), fewer and fewer of them: the twenty-fourth is
    // about 20 of them further down.
    constexpr double kSteps = 20.0;
    constexpr double kEnough = 0.02;
    // As far as Lanczos has been seen to tell so many of them apart.
    constexpr Eigen::Index kMostColumns = 4096;
    if (side.size() > kMostColumns) {
        return false;
    }
    const double m = std::sqrt(static_cast<double>(side.inner()));
    const double n = std::sqrt(static_cast<double>(side.size()));
    const double step = std::cbrt(1.0 / m + 1.0 / n) / (m + n);
    const double ratio = m * n / (m + n);
    const Upper relative = gamma(crude_roundings(side.inner(), side.size()), Precision::float32);
    // The error of the Gram matrix, and as much for the factorisation.
    return kSteps * step - 2.0 * relative.to_double() * ratio * ratio >= kEnough;
}

void require_crude_gram(const CrudeGram& gram,
                        const SmallerSide& side,
                        const Vector& signs,
                        const Vector& expected) {
    const Eigen::VectorXf x = signs.cast<float>();
    const Vector product = symmetric_product(gram.lower, x).cast<double>();
    // Row i of |W'|^T |W'| 1 is at most |w_i| sum_j |w_j|, the norms of columns of W', of which a
    // small one may have vanished on the diagonal. A diagonal that is wrong enough to hide an error
    // is found by the other rows.
    const double lost = crude_underflow(side.inner(), 1).to_double();
    const Vector norms =
        (gram.lower.diagonal().cast<double>().cwiseMax(0.0).array() + lost).sqrt().matrix();
    const double all = norms.sum();
    const std::size_t roundings =
        crude_roundings(side.inner(), side.size()) + static_cast<std::size_t>(side.size()) + 3;
    const double factor = 2.0 * gamma(roundings, Precision::float32).to_double();
    const double underflow = 2.0 * crude_underflow(side.inner(), side.size()).to_double();
    for (Eigen::Index i = 0; i < side.size(); ++i) {
        const double threshold = factor * norms(i) * all + underflow;
        if (!(std::abs(product(i) - expected(i)) <= threshold)) {  // a NaN must fail too
            freivalds::distrust("a Gram matrix in float32, or an image of the matrix,", i);
        }
    }
}

Upper certify_crude_level(FloatMatrix& lower, float level) {
    const Eigen::Index n = lower.rows();
    subtract_from_level(lower, level);
    const float largest = lower.diagonal().maxCoeff();
    const Eigen::VectorXf x = freivalds::signs(n).col(0).cast<float>();
    const Eigen::VectorXf image = symmetric_product(lower, x);
    if (!(lower.diagonal().minCoeff() > 0.0F) || cholesky(lower) != 0) {
        return Upper::infinity();
    }
    const Eigen::VectorXf row_sums = absolute_gram_product(lower, Eigen::VectorXf::Ones(n));
    freivalds::require_factor(image, x, lower, row_sums);
    const Upper largest_diagonal = Upper::exact(static_cast<double>(largest));
    return Upper::exact(static_cast<double>(level)) +
           unit_roundoff(Precision::float32) * largest_diagonal +
           underflow_unit(Precision::float32) +
           cholesky_error_from_row_sums(row_sums, largest_diagonal);
}

Upper frobenius_of_symmetric(const FloatMatrix& lower) {
    double sum = 0.0;  // squares of floats are exact in float64 and do not underflow
    for (Eigen::Index i = 0; i < lower.rows(); ++i) {
        const auto diagonal = static_cast<double>(lower(i, i));
        sum += 2.0 * lower.row(i).head(i).cast<double>().squaredNorm() + diagonal * diagonal;
    }
    if (!std::isfinite(sum)) {
        return Upper::infinity();
    }
    const auto terms = static_cast<std::size_t>(lower.rows());
    return sqrt(true_sum(sum, 2 * terms + 4, 0).upper());
}

}  // namespace lipcert
