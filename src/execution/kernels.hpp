#pragma once

#include "lipcert/architecture/graph.hpp"
#include "lipcert/execution/stream.hpp"

#include <optional>

namespace lipcert {

/// Throws Error{architecture} where the graph does not say by which angles to turn.
void require_known_angles(const Attention& attention);

/// What modules are made of, in the arithmetic `Scalar`: float and double through the BLAS and
/// Eigen, to a few units in the last place; EnclosedNumber by loops that round outward.
template <class Scalar>
struct Kernels {
    using Values = Stream<Scalar>;
    using Weights = Coefficients<Scalar>;

    /// The number of a hyper-parameter's interval with which every run computes.
    [[nodiscard]] static Scalar number(const Interval& parameter);

    /// x W + b for W inputs x outputs and b 1 x outputs, or empty.
    [[nodiscard]] static Values affine(const Values& x, const Weights& w, const Weights& b);
    /// Each column times its gain, plus its shift (1 x d, or empty).
    static void affine_columns(const Weights& gain, const Weights& shift, Values& x);
    /// Rows become z(x): for a layer norm without their mean, divided by sqrt(mean square + eps).
    static void normalise(NormKind kind, const Interval& epsilon, Values& x);
    /// scale phi(x), entry by entry.
    static void activate(Activation activation, const Interval& factor, Values& x);
    /// Turns the entries of one head (row = position) by the angles of their positions.
    static void rotate(const RotaryAngles& angles, Values& head);
    /// tau q_i.k_j; where causal, what lies above the diagonal is not used.
    [[nodiscard]] static Values scores(const Values& query, const Values& key, const Interval& tau);
    /// Rows of scores become softmax weights; causal: over the tokens up to the own one, zero
    /// behind. With a sink they sum to less than 1: one more key of that score takes the rest.
    static void softmax(bool causal,
                        const std::optional<typename Weights::Scalar>& sink_score,
                        Values& scores);

    /// c tanh(x / c), entry by entry.
    static void soft_cap(const Interval& cap, Values& x) {
        divide(cap, x);
        activate(Activation::tanh, cap, x);
    }

    /// A B.
    [[nodiscard]] static Values product(const Values& a, const Values& b);
    static void scale(const Interval& factor, Values& x);
    static void divide(const Interval& divisor, Values& x);
    static void add(const Values& summand, Values& x);
    static void multiply_entries(const Values& factor, Values& x);
};

extern template struct Kernels<double>;
extern template struct Kernels<float>;

}  // namespace lipcert
