#include "bounds/squared_relu.hpp"

#include "lipcert/error.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace lipcert {

namespace {

using Eigen::Index;

/// max(0, |w_i| radius + b_i) for every unit i, from above: the sign of a bias counts.
std::vector<Upper> largest_arguments(const AffineMap& in, const Upper& radius) {
    if (!radius.is_finite()) {
        throw Error(ErrorKind::internal, "", "a squared relu without a bound of its argument");
    }
    std::vector<Upper> reach = row_norms(in.weight);
    for (std::size_t i = 0; i < reach.size(); ++i) {
        const BigFloat centre = BigFloat(in.bias.centre()(static_cast<Index>(i), 0))
                                    .scaled(in.bias.exponent(), Rounding::up);
        const Upper without = reach[i] * radius + in.bias.radius();
        const BigFloat sum = add(without.value(), centre, Rounding::up);
        reach[i] = sum.is_negative() ? Upper() : Upper::of(sum);
    }
    return reach;
}

/// An exponent e with all s_i of about 2^e or less, so that doubles hold s_i 2^-e.
long common_exponent(const std::vector<Upper>& reach) {
    Upper largest;
    for (const Upper& each : reach) {
        largest = max(largest, each);
    }
    if (largest.is_zero() || !largest.is_finite()) {
        return 0;
    }
    return static_cast<long>(std::ceil(largest.log10() / std::log10(2.0)));
}

}  // namespace

AffineMap squared_relu_units(const AffineMap& in, const Upper& radius) {
    const std::vector<Upper> reach = largest_arguments(in, radius);
    const long exponent = common_exponent(reach);
    Vector shares(in.weight.rows());
    for (Index i = 0; i < shares.size(); ++i) {
        shares(i) = reach[static_cast<std::size_t>(i)].scaled(-exponent).to_double();
    }
    return {scale_rows(in.weight, shares).scaled(exponent),
            scale_rows(in.bias, shares).scaled(exponent)};
}

Upper largest_argument(const AffineMap& in, const Upper& radius) {
    const std::vector<Upper> reach = largest_arguments(in, radius);
    return reach.empty() ? Upper() : *std::max_element(reach.begin(), reach.end());
}

}  // namespace lipcert
