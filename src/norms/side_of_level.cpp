#include "norms/side_of_level.hpp"

#include <algorithm>

#include "norms/chebyshev_filter.hpp"
#include "norms/orthonormal_rows.hpp"
#include "norms/parallel.hpp"
#include "norms/symmetric_factor.hpp"

namespace lipcert::estimate {

namespace {

/// Where the sign puts what lies below the level and its gap, and a little more.
Interval lower_side(const SignPolynomial& sign) {
    constexpr double kMore = 1.5;
    return {-1.0, kMore * std::max(sign.error(), kLeastErrorOfSign)};
}

}  // namespace

void to_unit_interval(const SideOfLevel& side, FloatMatrix& gram) {
    const auto level = static_cast<float>(side.level);
    const auto factor = static_cast<float>(1.0 / side.scale);
    for_each_row(gram.rows(), gram.cols(), [&](Eigen::Index i) {
        gram(i, i) -= level;
        gram.row(i) *= factor;
    });
}

double degree_on_sign(const SignPolynomial& sign) {
    return degrees_for(kFromRandom, 0.0, lower_side(sign));
}

void keep_upper_side(const SideOfLevel& side, FloatMatrix gram, FloatMatrix& rows) {
    to_unit_interval(side, gram);
    SymmetricFactor sign;
    apply(side.sign, gram, sign);
    sign.assign(gram);
    gram.resize(0, 0);
    const Product<FloatMatrix> times = [&](const FloatMatrix& basis, FloatMatrix& image) {
        sign.times_rows(basis, image);
    };
    const Interval lower = lower_side(side.sign);
    apply_chebyshev(times, lower, static_cast<int>(degree_on_sign(side.sign)), rows);
    // Random vectors are far from orthonormal, and what rounding mixed in would grow with them.
    Matrix basis = rows.cast<double>();
    orthonormalise(basis);
    rows = basis.cast<float>();
    apply_chebyshev(times, lower, 1, rows);
}

}  // namespace lipcert::estimate
