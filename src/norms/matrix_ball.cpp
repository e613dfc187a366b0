#include "lipcert/norms/matrix_ball.hpp"

#include "lipcert/error.hpp"
#include "lipcert/rounding/environment.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <utility>

#include "norms/blas.hpp"
#include "norms/error_terms.hpp"
#include "norms/freivalds.hpp"
#include "norms/gram.hpp"
#include "norms/large_matrix.hpp"
#include "norms/parallel.hpp"
#include "norms/scaling.hpp"

namespace lipcert {

namespace {

void require_shape(bool fits, const char* operation) {
    if (!fits) {
        throw Error(ErrorKind::internal,
                    "",
                    std::string(operation) + ": the shapes of the matrices do not fit");
    }
}

/// The rounding error of a product, which is none where a factor is exactly zero: the underflow
/// term, at the scale of the other factor, would be far from negligible.
Upper unless_zero(bool is_zero, const Upper& rounding) {
    return is_zero ? Upper() : rounding;
}

/// |(B+D)(C+F) - fl(B C)|_F, fl(B C) in units of the exponents' sum: rounding and both radii.
Upper product_radius(const MatrixBall& b, const MatrixBall& c) {
    const Upper norm_b = frobenius_upper(b.centre());
    const Upper norm_c = frobenius_upper(c.centre());
    const Upper rounding =
        unless_zero(norm_b.is_zero() || norm_c.is_zero(),
                    product_error(b.cols(), b.rows() * c.cols(), norm_b, norm_c));
    // |(B+D)(C+F) - BC|_F <= |D|_F |C|_F + |B|_F |F|_F + |D|_F |F|_F
    return rounding.scaled(b.exponent() + c.exponent()) + b.radius() * norm_c.scaled(c.exponent()) +
           norm_b.scaled(b.exponent()) * c.radius() + b.radius() * c.radius();
}

}  // namespace

// ---------------------------------------------------------------- construction and views

MatrixBall MatrixBall::around(Matrix centre, long exponent, Upper radius) {
    require_ieee_environment();  // with flushed subnormals, scaling up would not be exact
    MatrixBall result;
    result.radius_ = std::move(radius);
    const std::optional<int> scale = largest_exponent(centre);
    if (scale) {
        result.exponent_ = exponent + *scale;
        // Only scaling down loses anything: one underflow in each of `lost` entries.
        const Eigen::Index lost = multiply_by_power_of_two(centre, -*scale);
        result.radius_ += entrywise_underflow(lost).scaled(result.exponent_);
    }
    *result.centre_ = std::move(centre);
    return result;
}

MatrixBall MatrixBall::of(Matrix stored) {
    return around(std::move(stored), 0, Upper());
}

MatrixBall MatrixBall::of_vector(const Vector& stored) {
    return around(stored, 0, Upper());
}

MatrixBall MatrixBall::zero(Eigen::Index rows, Eigen::Index cols) {
    return around(Matrix::Zero(rows, cols), 0, Upper());
}

Matrix MatrixBall::centre() && {
    if (centre_.use_count() > 1) {
        return *centre_;
    }
    // What another thread read of a copy before it let go comes before what is written here.
    std::atomic_thread_fence(std::memory_order_acquire);
    return std::move(*centre_);
}

MatrixBall MatrixBall::transposed() const {
    MatrixBall result;
    result.exponent_ = exponent_;
    result.radius_ = radius_;
    *result.centre_ = lipcert::transposed(centre());
    return result;
}

MatrixBall MatrixBall::row_block(Eigen::Index begin, Eigen::Index count) const {
    require_shape(begin >= 0 && count >= 0 && begin + count <= rows(), "row block");
    return around(centre().middleRows(begin, count), exponent_, radius_);
}

MatrixBall MatrixBall::column_block(Eigen::Index begin, Eigen::Index count) const {
    require_shape(begin >= 0 && count >= 0 && begin + count <= cols(), "column block");
    return around(centre().middleCols(begin, count), exponent_, radius_);
}

MatrixBall MatrixBall::scaled(long exponent) const {
    MatrixBall result = *this;
    result.exponent_ += exponent;
    result.radius_ = radius_.scaled(exponent);
    return result;
}

// ---------------------------------------------------------------- arithmetic [S6]

MatrixBall product(const MatrixBall& a, const MatrixBall& b) {
    require_shape(a.cols() == b.rows(), "product");
    blas::require_trusted();
    Matrix centre = blas::multiply(a.centre(), b.centre());
    freivalds::require_product(a.centre(), b.centre(), centre);
    const long exponent = a.exponent() + b.exponent();
    Upper radius = product_radius(a, b);
    return MatrixBall::around(std::move(centre), exponent, std::move(radius));
}

namespace {

/// The Gram matrix of the centre's `panels` as that of every member of `a`.
MatrixBall gram_ball(const MatrixBall& a, const TallPanels& panels) {
    if (a.centre().isZero(0.0)) {
        return MatrixBall::around(
            Matrix::Zero(panels.size(), panels.size()), 0, square(a.radius()));
    }
    blas::require_trusted();
    const Gram gram = form_gram(panels);
    Matrix centre = gram.lower.selfadjointView<Eigen::Lower>();
    const Upper norm = sqrt(gram.sum_of_squares.upper());
    // |(A+D)(A+D)^T - A A^T|_F <= 2 |A|_F |D|_F + |D|_F^2
    Upper radius = gram.frobenius_error.scaled(2 * a.exponent()) +
                   norm.scaled(a.exponent() + 1) * a.radius() + square(a.radius());
    return MatrixBall::around(std::move(centre), 2 * a.exponent(), std::move(radius));
}

}  // namespace

MatrixBall gram_of_rows(const MatrixBall& a) {
    return gram_ball(a, TallPanels::of_rows(a.centre(), 0));
}

MatrixBall gram_of_columns(const MatrixBall& a) {
    return gram_ball(a, TallPanels::of_columns(a.centre(), 0));
}

MatrixBall sum(const MatrixBall& a, const MatrixBall& b) {
    require_shape(a.rows() == b.rows() && a.cols() == b.cols(), "sum");
    const bool first_is_larger = a.exponent() >= b.exponent();
    const MatrixBall& large = first_is_larger ? a : b;
    const MatrixBall& small = first_is_larger ? b : a;
    Upper radius = a.radius() + b.radius();
    if (small.centre().isZero(0.0)) {
        return MatrixBall::around(large.centre(), large.exponent(), std::move(radius));
    }
    if (large.centre().isZero(0.0)) {
        return MatrixBall::around(small.centre(), small.exponent(), std::move(radius));
    }
    Matrix centre = small.centre();
    const Eigen::Index lost = multiply_by_power_of_two(centre, small.exponent() - large.exponent());
    centre += large.centre();
    radius += sum_error(frobenius_upper(centre), centre.size(), lost).scaled(large.exponent());
    return MatrixBall::around(std::move(centre), large.exponent(), std::move(radius));
}

MatrixBall difference(MatrixBall a, const MatrixBall& b, const MatrixBall& c) {
    require_shape(a.rows() == b.rows() && a.cols() == c.cols() && b.cols() == c.rows(),
                  "difference from a product");
    blas::require_trusted();
    const long shift = b.exponent() + c.exponent() - a.exponent();
    constexpr long kLargestShift = 512;  // what is scaled up must not overflow
    if (shift > kLargestShift || a.centre().isZero(0.0)) {
        return sum(a, scaled_by(product(b, c), -1.0));
    }
    const long exponent = a.exponent();
    Upper radius = a.radius() + product_radius(b, c);
    const freivalds::ProductWitness witness(c.centre());
    Matrix centre = std::move(a).centre();
    constexpr Eigen::Index kRowsAtOnce = 512;  // the product of these is no large allocation
    Eigen::Index lost = 0;
    for (Eigen::Index begin = 0; begin < centre.rows(); begin += kRowsAtOnce) {
        const Eigen::Index count = std::min(kRowsAtOnce, centre.rows() - begin);
        const Matrix rows = b.centre().middleRows(begin, count);
        Matrix part = blas::multiply(rows, c.centre());
        witness.require(rows, part);
        lost += multiply_by_power_of_two(part, shift);
        for_each_row_range(count, centre.cols(), [&](Eigen::Index first, Eigen::Index end) {
            centre.middleRows(begin + first, end - first) -= part.middleRows(first, end - first);
        });
    }
    // Entries may exceed what sums of squares take, before they are scaled anew.
    MatrixBall result = MatrixBall::around(std::move(centre), exponent, Upper());
    const Upper norm = frobenius_norm(result).scaled(-exponent);
    radius += sum_error(norm, result.centre().size(), lost).scaled(exponent) + result.radius();
    const long scale = result.exponent();
    return MatrixBall::around(std::move(result).centre(), scale, std::move(radius));
}

MatrixBall scaled_by(const MatrixBall& a, double factor) {
    if (factor == 0.0) {
        return MatrixBall::zero(a.rows(), a.cols());
    }
    if (!std::isfinite(factor)) {
        throw Error(ErrorKind::internal, "", "a matrix was scaled by a number that is not finite");
    }
    int exponent = 0;
    const double mantissa = std::frexp(factor, &exponent);
    if (mantissa == 0.5) {  // a power of two: exact, also for subnormal entries
        return a.scaled(exponent - 1);
    }
    if (mantissa == -0.5) {
        return MatrixBall::around(-a.centre(), a.exponent(), a.radius()).scaled(exponent - 1);
    }
    Matrix centre = mantissa * a.centre();
    const Upper rounding = unless_zero(
        a.centre().isZero(0.0), entrywise_product_error(frobenius_upper(centre), centre.size()));
    const long scale = a.exponent() + exponent;
    Upper radius = a.radius() * Upper::exact(std::abs(factor)) + rounding.scaled(scale);
    return MatrixBall::around(std::move(centre), scale, std::move(radius));
}

namespace {

/// What a diagonal factor adds to the radius: `map` turns the centre in place, with one product in
/// each entry.
template <typename Map>
MatrixBall with_diagonal(MatrixBall a, const MatrixBall& diagonal, const Map& map) {
    const long exponent = a.exponent() + diagonal.exponent();
    const bool vanishes = a.centre().isZero(0.0) || diagonal.centre().isZero(0.0);
    // |(A+D) diag(d+e) - A diag d|_F <= |D|_F max|d+e| + |A|_F |e|_2
    Upper radius = a.radius() * largest_entry(diagonal) +
                   frobenius_upper(a.centre()).scaled(a.exponent()) * diagonal.radius();
    Matrix centre = std::move(a).centre();
    map(centre);
    const Upper rounding =
        unless_zero(vanishes, entrywise_product_error(frobenius_upper(centre), centre.size()));
    return MatrixBall::around(std::move(centre), exponent, radius + rounding.scaled(exponent));
}

}  // namespace

MatrixBall scale_columns(MatrixBall a, const MatrixBall& diagonal) {
    require_shape(diagonal.cols() == 1 && diagonal.rows() == a.cols(), "column scaling");
    return with_diagonal(std::move(a), diagonal, [&](Matrix& centre) {
        for_each_row_range(centre.rows(), centre.cols(), [&](Eigen::Index begin, Eigen::Index end) {
            auto rows = centre.middleRows(begin, end - begin);
            rows.array().rowwise() *= diagonal.centre().col(0).transpose().array();
        });
    });
}

MatrixBall scale_rows(MatrixBall a, const Vector& diagonal) {
    require_shape(diagonal.size() == a.rows(), "row scaling");
    const MatrixBall factors = MatrixBall::of_vector(diagonal);
    return with_diagonal(std::move(a), factors, [&](Matrix& centre) {
        centre.array().colwise() *= factors.centre().col(0).array();
    });
}

namespace {

/// What subtracting a mean of `count` entries from each of them adds to the radius: `map` does it
/// in place.
template <typename Map>
MatrixBall centred(MatrixBall a, Eigen::Index count, const Map& map) {
    if (count == 0) {
        return a;
    }
    const long exponent = a.exponent();
    // I - 11^T/n is a projection: |D P|_F <= |D|_F.
    Upper radius = a.radius();
    const Upper before = frobenius_upper(a.centre());
    Matrix centre = std::move(a).centre();
    map(centre);
    const Upper rounding = centring_error(count, centre.size(), before, frobenius_upper(centre));
    return MatrixBall::around(std::move(centre), exponent, radius + rounding.scaled(exponent));
}

}  // namespace

MatrixBall centre_rows(MatrixBall a) {
    const Eigen::Index count = a.cols();
    return centred(std::move(a), count, [](Matrix& centre) {
        for_each_row_range(centre.rows(), centre.cols(), [&](Eigen::Index begin, Eigen::Index end) {
            auto rows = centre.middleRows(begin, end - begin);
            const Vector means = rows.rowwise().sum() / static_cast<double>(rows.cols());
            rows.colwise() -= means;
        });
    });
}

MatrixBall centre_columns(MatrixBall a) {
    const Eigen::Index count = a.rows();
    return centred(std::move(a), count, [](Matrix& centre) {
        // Row by row, as they lie in memory: column sums of a vocabulary's matrix took as long as a
        // norm of it.
        Eigen::RowVectorXd means = Eigen::RowVectorXd::Zero(centre.cols());
        for (Eigen::Index i = 0; i < centre.rows(); ++i) {
            means += centre.row(i);
        }
        means /= static_cast<double>(centre.rows());
        for_each_row_range(centre.rows(), centre.cols(), [&](Eigen::Index begin, Eigen::Index end) {
            auto rows = centre.middleRows(begin, end - begin);
            rows.rowwise() -= means;
        });
    });
}

namespace {

/// The blocks at their places in `centre`, on one scale; `place(centre, begin, block)` is
/// where one goes that begins after `begin` rows or columns of others, as `extent(block)` counts.
/// Each is let go when it is at its place: together they are as large as the result.
template <typename Extent, typename Place>
MatrixBall stacked(std::vector<MatrixBall> blocks,
                   Matrix centre,
                   const Extent& extent,
                   const Place& place) {
    std::optional<long> exponent;
    for (const MatrixBall& block : blocks) {
        if (!block.centre().isZero(0.0)) {
            exponent = std::max(exponent.value_or(block.exponent()), block.exponent());
        }
    }
    Upper radius_squared;
    Eigen::Index lost = 0;
    Eigen::Index begin = 0;
    for (MatrixBall& block : blocks) {
        Eigen::Ref<Matrix> target = place(centre, begin, block);
        target = block.centre();
        if (exponent) {
            lost += multiply_by_power_of_two(target, std::min(0L, block.exponent() - *exponent));
        }
        radius_squared += square(block.radius());
        begin += extent(block);
        block = MatrixBall();
    }
    // [S6] radii add in quadrature; entries that vanish beside a larger block: one underflow each.
    const long common = exponent.value_or(0);
    Upper radius = sqrt(radius_squared) + entrywise_underflow(lost).scaled(common);
    return MatrixBall::around(std::move(centre), common, std::move(radius));
}

}  // namespace

MatrixBall stack_rows(std::vector<MatrixBall> blocks) {
    require_shape(!blocks.empty(), "stacking");
    Eigen::Index rows = 0;
    for (const MatrixBall& block : blocks) {
        require_shape(block.cols() == blocks.front().cols(), "stacking");
        rows += block.rows();
    }
    Matrix all(rows, blocks.front().cols());
    return stacked(
        std::move(blocks),
        std::move(all),
        [](const MatrixBall& block) { return block.rows(); },
        [](Matrix& centre, Eigen::Index begin, const MatrixBall& block) {
            return centre.middleRows(begin, block.rows());
        });
}

MatrixBall stack_columns(std::vector<MatrixBall> blocks) {
    require_shape(!blocks.empty(), "stacking");
    Eigen::Index cols = 0;
    for (const MatrixBall& block : blocks) {
        require_shape(block.rows() == blocks.front().rows(), "stacking");
        cols += block.cols();
    }
    Matrix all(blocks.front().rows(), cols);
    return stacked(
        std::move(blocks),
        std::move(all),
        [](const MatrixBall& block) { return block.cols(); },
        [](Matrix& centre, Eigen::Index begin, const MatrixBall& block) {
            return centre.middleCols(begin, block.cols());
        });
}

}  // namespace lipcert
