#include "bounds/gated_mlp.hpp"

#include "lipcert/rounding/roundoff.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace lipcert {

namespace {

using Eigen::Index;

constexpr double kLargestScale = 0x1p40;
constexpr int kSteps = 60;

/// t_i > 0 and a number no smaller than 1/t_i, for hidden units i.
struct UnitScaling {
    Vector forward, backward;
};

UnitScaling scaling_of(const Vector& log_scales) {
    UnitScaling result{log_scales, log_scales};
    for (Index i = 0; i < log_scales.size(); ++i) {
        const double scale = std::exp(log_scales(i) - log_scales.maxCoeff());
        result.forward(i) = std::isfinite(scale) ? std::max(scale, 1.0 / kLargestScale) : 1.0;
        result.backward(i) = next_up(1.0 / result.forward(i));
    }
    return result;
}

/// |Wd diag(backward)|
Upper down_norm(const MatrixBall& down, const UnitScaling& scaling) {
    return spectral_norm(scale_columns(down, MatrixBall::of_vector(scaling.backward))).upper();
}

/// log sqrt(|column i of Wd| / size_i): balances the two sides unit by unit.
Vector balance(const MatrixBall& down, const Vector& sizes) {
    Vector logs(sizes.size());
    for (Index i = 0; i < sizes.size(); ++i) {
        const double column = down.centre().col(i).norm();
        const double ratio = column > 0.0 && sizes(i) > 0.0 ? column / sizes(i) : 1.0;
        logs(i) = 0.5 * std::log(ratio);
    }
    return logs;
}

/// A few power steps of diag(d) G diag(d) from `top`; its squared entries tell which units its
/// largest eigenvalue comes from.
Vector unit_shares(const Matrix& gram, const Vector& diagonal, Vector& top) {
    for (int step = 0; step < 4; ++step) {
        top = diagonal.asDiagonal() * (gram * (diagonal.asDiagonal() * top)).eval();
        const double length = top.norm();
        if (!(length > 0.0) || !std::isfinite(length)) {
            top = Vector::Ones(diagonal.size());
            break;
        }
        top /= length;
    }
    return top.array().square();
}

/// sum_k factor_k sqrt(lmax(T S_k T)): what a scaling T is to make small beside |Wd T^-1|.
struct SchurTerm {
    MatrixBall product;  ///< S_k
    Upper factor;
};

using SchurTerms = std::vector<SchurTerm>;

/// Descends on log |Wd T^-1| + log sum_k factor_k sqrt(lmax(T S_k T)) from `logs`; averages the
/// last half of the steps. In rounded arithmetic: any scaling is valid [R0].
Vector descended(const Matrix& down, const SchurTerms& terms, Vector logs) {
    const Matrix gram = down.transpose() * down;
    Vector down_top = Vector::Ones(logs.size());
    std::vector<Vector> tops(terms.size(), Vector::Ones(logs.size()));
    Vector total = Vector::Zero(logs.size());
    for (int step = 0; step < kSteps; ++step) {
        const UnitScaling scaling = scaling_of(logs);
        Vector of_products = Vector::Zero(logs.size());
        double value = 0.0;
        for (std::size_t k = 0; k < terms.size(); ++k) {
            const Matrix& product = terms[k].product.centre();
            const Vector shares = unit_shares(product, scaling.forward, tops[k]);
            const Vector scaled = scaling.forward.asDiagonal() * tops[k];
            const double scale = terms[k].factor.to_double() *
                                 std::exp2(0.5 * static_cast<double>(terms[k].product.exponent() -
                                                                     terms[0].product.exponent()));
            const double part = scale * std::sqrt(std::max(scaled.dot(product * scaled), 0.0));
            of_products += part * shares;
            value += part;
        }
        if (!(value > 0.0) || !std::isfinite(value)) {
            return logs;
        }
        const Vector of_down = unit_shares(gram, scaling.backward, down_top);
        logs -= 4.0 / (1.0 + step / 8.0) * (of_products / value - of_down);
        if (step >= kSteps / 2) {
            total += logs;
        }
    }
    return total / (kSteps - kSteps / 2);
}

/// [R13] Schur: |Wd T^-1| sum_k factor_k sqrt(lmax(T S_k T)) for the better of two scalings.
Upper schur_bound(const MatrixBall& down, const SchurTerms& terms) {
    const Vector sizes = terms.front().product.centre().diagonal().cwiseMax(0.0).cwiseSqrt();
    const Vector balanced = balance(down, sizes);
    Upper best = Upper::infinity();
    for (const Vector& logs : {balanced, descended(down.centre(), terms, balanced)}) {
        const UnitScaling scaling = scaling_of(logs);
        Upper products;
        for (const SchurTerm& term : terms) {
            const MatrixBall scaled =
                scale_rows(scale_columns(term.product, MatrixBall::of_vector(scaling.forward)),
                           scaling.forward);
            products += term.factor * sqrt(spectral_norm(scaled).upper());
        }
        best = min(best, down_norm(down, scaling) * products);
    }
    return best;
}

/// [R13] rows: |Wd T^-1| |T diag(sizes) W| for numbers sizes_i that bound the other factor.
Upper row_bound(const MatrixBall& down, const std::vector<Upper>& sizes, const MatrixBall& map) {
    Vector factors(map.rows());
    for (Index i = 0; i < map.rows(); ++i) {
        factors(i) = sizes[static_cast<std::size_t>(i)].to_double();
    }
    if (!factors.allFinite()) {
        return Upper::infinity();
    }
    const MatrixBall rows = scale_rows(map, factors);
    Upper best = Upper::infinity();
    const Vector lengths = rows.centre().rowwise().norm();
    for (const Vector& logs : {Vector(Vector::Zero(map.rows())), balance(down, lengths)}) {
        const UnitScaling scaling = scaling_of(logs);
        best = min(
            best,
            down_norm(down, scaling) * spectral_norm(scale_rows(rows, scaling.forward)).upper());
    }
    return best;
}

/// [W, b/R]: (x, R) has norm at most sqrt(2) R.
MatrixBall augmented(const AffineMap& map, double radius) {
    const MatrixBall column = scaled_by(map.bias, 1.0 / radius);
    // 1/R is rounded.
    const Upper rounding = Upper::exact(0x1p-51) * frobenius_norm(column);
    return stack_columns(
        {map.weight,
         MatrixBall::around(column.centre(), column.exponent(), column.radius() + rounding)});
}

std::vector<Upper> unit_sizes(const AffineMap& map, const Upper& radius) {
    const std::vector<Upper> rows = row_norms(map.weight);
    const std::vector<Upper> biases = row_norms(map.bias);
    std::vector<Upper> sizes;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        sizes.push_back(affine_radius(rows[i], biases[i], radius));
    }
    return sizes;
}

/// The largest distance of a ratio phi(t)/t from the centre of the slopes.
Upper ratio_half_width(const ActivationBounds& activation) {
    const double apart = std::abs(activation.ratios.centre - activation.slopes.centre);
    return activation.ratios.half_width + Upper::exact(next_up(apart));
}

/// [R13] centred: the part of phi that is linear, c (g o u), is a quadratic form in x.
Upper centred_schur_lipschitz(const GatedMlpBlock& block,
                              const Upper& radius,
                              const Upper& symmetric_factor) {
    const ActivationBounds& activation = block.activation;
    const MatrixBall product = entrywise_gram(block.up.weight, block.gate.weight);
    const MatrixBall symmetric = symmetric_entrywise_gram(block.up.weight, block.gate.weight);
    const Upper centre = Upper::exact(std::abs(activation.slopes.centre));
    return radius *
           schur_bound(block.down.weight,
                       {{product, activation.slopes.half_width + ratio_half_width(activation)},
                        {symmetric, symmetric_factor * centre}});
}

/// [R13] with biases of gate or up.
Upper schur_lipschitz(const GatedMlpBlock& block, const Upper& radius) {
    const Upper& slope = block.activation.slope;
    const Upper& ratio = block.activation.ratio;
    const double reach = radius.to_double();
    if (!(reach >= 0x1p-300 && reach <= 0x1p300)) {
        return Upper::infinity();
    }
    const MatrixBall of_slope = entrywise_gram(augmented(block.up, reach), block.gate.weight);
    const MatrixBall of_ratio = entrywise_gram(augmented(block.gate, reach), block.up.weight);
    return sqrt(Upper::of_count(2)) * Upper::exact(reach) *
           (schur_bound(block.down.weight, {{of_slope, slope}}) +
            schur_bound(block.down.weight, {{of_ratio, ratio}}));
}

MatrixBall entrywise_product(const MatrixBall& x, const MatrixBall& y) {
    Matrix centre = x.centre().cwiseProduct(y.centre());
    const long exponent = x.exponent() + y.exponent();
    // Entries are at most 1. |fl(X o Y) - X o Y|_F <= U |X o Y|_F + n 2^-1022;
    // |(X+D) o (Y+E) - X o Y|_F <= max|Y| |D|_F + max|X| |E|_F + |D|_F |E|_F.
    const Upper size = Upper::of_count(static_cast<std::size_t>(centre.rows()));
    const Upper rounding = (unit_roundoff() * size + size * underflow_unit()).scaled(exponent);
    Upper radius = rounding + largest_entry(y) * x.radius() + largest_entry(x) * y.radius();
    return MatrixBall::around(std::move(centre), exponent, std::move(radius));
}

}  // namespace

MatrixBall entrywise_gram(const MatrixBall& a, const MatrixBall& b) {
    return entrywise_product(gram_of_rows(a), gram_of_rows(b));
}

MatrixBall symmetric_entrywise_gram(const MatrixBall& a, const MatrixBall& b) {
    const MatrixBall cross = product(a, b.transposed());
    const MatrixBall mirrored = entrywise_product(cross, cross.transposed());
    return sum(entrywise_gram(a, b), mirrored).scaled(-1);
}

Upper weighted_gated_mlp_bound(const GatedMlpBlock& block,
                               const Upper& radius,
                               const Upper& symmetric_factor) {
    if (block.down.weight.cols() > kMostUnits || !radius.is_finite()) {
        return Upper::infinity();
    }
    const bool unbiased = is_zero(block.gate.bias) && is_zero(block.up.bias);
    const Upper rows =
        block.activation.slope *
            row_bound(block.down.weight, unit_sizes(block.up, radius), block.gate.weight) +
        block.activation.ratio *
            row_bound(block.down.weight, unit_sizes(block.gate, radius), block.up.weight);
    const Upper schur = unbiased ? centred_schur_lipschitz(block, radius, symmetric_factor)
                                 : schur_lipschitz(block, radius);
    return block.scale * min(rows, schur);
}

}  // namespace lipcert
