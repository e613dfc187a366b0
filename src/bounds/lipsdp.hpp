#pragma once

#include "lipcert/bounds/effort.hpp"
#include "lipcert/norms/matrix_ball.hpp"

#include <optional>

#include "bounds/hidden_layer.hpp"
#include "bounds/lazy.hpp"

namespace lipcert {

/// Hc = H + c W2 W1 of a family.
class FamilyCentre {
public:
    explicit FamilyCentre(MatrixBall map);

    /// outputs x inputs
    [[nodiscard]] const MatrixBall& map() const { return map_; }

    /// An estimate from below of the norm of map().centre(), in units of 2^map().exponent().
    [[nodiscard]] double estimate() const { return *estimate_; }

private:
    MatrixBall map_;
    Lazy<double> estimate_;
};

/// H + W2 Delta W1 for every diagonal Delta with c - r <= Delta_ii <= c + r: what one hidden layer
/// with a skip path does to a difference of inputs (Delta holds slopes) or to an input (Delta holds
/// the ratios phi(t)/t).
struct DiagonalFamily {
    const FamilyCentre& centre;  ///< Hc
    const HiddenLayer& layer;    ///< W1 and W2
    Upper half_width;            ///< r
};

/// Bounds |H + W2 Delta W1| over the whole family by a Schur complement and the norm of a matrix as
/// wide as the inputs [R10], at a multiplier found by a few steps of descent [R11] from the closed
/// form [R10']; for matrices so large that the effort allows no step, at a multiple of the T0 that
/// the families of a layer share. Nothing where no multiplier is proved to be one. Cost: that of
/// schur_term(), 4 N d^2 flops a step.
[[nodiscard]] std::optional<Upper> lipsdp_bound(const DiagonalFamily& family,
                                                Effort effort = Effort::standard);

}  // namespace lipcert
