#include "lipcert/bounds/normalisation.hpp"

#include "lipcert/error.hpp"

namespace lipcert {

namespace {

void require_positive(const Interval& epsilon, const std::string& where) {
    if (!epsilon.is_positive()) {
        throw Error(ErrorKind::architecture,
                    where,
                    "a normalisation with epsilon 0 has no Lipschitz constant: its slope at the "
                    "origin is unbounded; a positive epsilon was expected");
    }
}

}  // namespace

Upper normalisation_lipschitz(const Interval& epsilon, const std::string& where) {
    require_positive(epsilon, where);
    return Upper::exact(1.0) / sqrt(epsilon.mignitude());
}

Upper normalisation_lipschitz(const Interval& epsilon,
                              const std::optional<Lower>& minimum_rms,
                              const std::string& where) {
    if (!minimum_rms) {
        return normalisation_lipschitz(epsilon, where);
    }
    require_positive(epsilon, where);
    return Upper::exact(1.0) / sqrt(*minimum_rms * *minimum_rms + epsilon.mignitude());
}

Upper unit_norm_lipschitz(const Interval& epsilon,
                          const std::optional<Lower>& minimum_rms,
                          std::size_t dimension,
                          const std::string& where) {
    require_positive(epsilon, where);
    const Lower floor =
        minimum_rms ? max(sqrt(Lower::of_count(dimension)) * *minimum_rms, epsilon.mignitude())
                    : epsilon.mignitude();
    return Upper::exact(1.0) / floor;
}

Upper unit_norm_radius(const Interval& epsilon, const Upper& radius) {
    return min(radius / epsilon.mignitude(), Upper::exact(1.0));
}

Shell shell_of(std::size_t dimension, const Interval& epsilon, const Lower& minimum_rms) {
    // r -> r/sqrt(r^2 + epsilon) grows with r and falls with epsilon.
    const Upper same = Upper::of(minimum_rms.value());
    const Upper root = sqrt(square(same) + epsilon.magnitude());
    return {sqrt(Lower::of_count(dimension)) * minimum_rms / root,
            epsilon.magnitude() / (minimum_rms * minimum_rms + epsilon.mignitude())};
}

Upper normalisation_radius(std::size_t dimension, const Interval& epsilon, const Upper& radius) {
    Upper sphere = sqrt(Upper::of_count(dimension));
    if (!radius.is_finite()) {
        return sphere;
    }
    // R -> sqrt(d) R / sqrt(R^2 + d epsilon) grows with R, so it may be taken at the very number
    // that bounds R, rounded up above the line and down below it.
    const Lower same = Lower::of(radius.value());
    const Lower root = sqrt(Lower::of(multiply(same.value(), same.value(), Rounding::down)) +
                            Lower::of(multiply(BigFloat::from_integer(static_cast<long>(dimension)),
                                               epsilon.mignitude().value(),
                                               Rounding::down)));
    if (root.is_zero()) {
        return radius.is_zero() ? Upper() : sphere;
    }
    return min(sphere * (radius / root), sphere);
}

Fold read_fold(const Checkpoint& checkpoint,
               const Normalisation& norm,
               Eigen::Index width,
               const std::string& where) {
    const MatrixBall ones = MatrixBall::of_vector(Vector::Ones(width));
    Fold fold;
    fold.centred = norm.kind == NormKind::layer;
    fold.gamma = ones;
    if (!norm.weight.empty()) {
        const auto stored =
            MatrixBall::of_vector(read_vector(checkpoint, norm.weight, width, where));
        fold.gamma = norm.weight_plus_one ? sum(stored, ones) : stored;
    }
    fold.beta = norm.bias.empty()
                    ? MatrixBall::zero(width, 1)
                    : MatrixBall::of_vector(read_vector(checkpoint, norm.bias, width, where));
    return fold;
}

FoldNorms measure_fold(const Fold& fold) {
    return {largest_entry(fold.gamma), frobenius_norm(fold.beta)};
}

}  // namespace lipcert
