#pragma once

#include "lipcert/architecture/graph.hpp"
#include "lipcert/execution/stream.hpp"

#include <optional>
#include <vector>

namespace lipcert {

/// Throws Error{architecture} where the graph does not say by which angles to turn.
void require_known_angles(const Attention& attention);

/// How many pairs of a head's entries turn.
[[nodiscard]] Eigen::Index rotated_pairs(const RotaryAngles& angles, Eigen::Index head_width);

/// What the heads of an attention module read: rows of whole sequences, one after the other, in
/// each row one head after the other. Query head h reads the keys and values of head
/// h * key-value heads / heads.
template <class Scalar>
struct HeadInputs {
    const Attention& attention;
    Stream<Scalar> queries, keys, values;
    Eigen::Index sequence_length = 0;
    /// Of the key that every token sees beside the others; empty: there is none.
    std::vector<typename Coefficients<Scalar>::Scalar> sink_scores = {};
    /// Query x key of one sequence, what is added to the scores of each head; empty: nothing.
    std::vector<Stream<Scalar>> relative_bias = {};
};

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
    /// Each column times its gain (one more where `plus_one`), plus its shift (1 x d, or empty).
    static void affine_columns(const Weights& gain, bool plus_one, const Weights& shift, Values& x);
    /// Rows become z(x): for a layer norm without their mean, divided by sqrt(mean square + eps).
    static void normalise(NormKind kind, const Interval& epsilon, Values& x);
    /// scale phi(x), entry by entry.
    static void activate(Activation activation, const Interval& factor, Values& x);
    /// Turns the leading entries of every head of `width` entries by the angles of their
    /// positions, which start again at 0 after every `sequence_length` rows.
    static void rotate(const RotaryAngles& angles,
                       Eigen::Index width,
                       Eigen::Index sequence_length,
                       Values& x);
    /// tau q_i.k_j or -tau |q_i - k_j|^2; where causal, what lies above the diagonal is not used.
    [[nodiscard]] static Values scores(const Attention& attention,
                                       const Values& query,
                                       const Values& key);
    /// Rows of scores become softmax weights, the first over `seen_by_first` keys and each further
    /// one over one more, zero behind. With a sink they sum to less than 1: one more key of that
    /// score takes the rest.
    static void softmax(Eigen::Index seen_by_first,
                        const std::optional<typename Weights::Scalar>& sink_score,
                        Values& scores);
    /// The averages of values that the heads take, side by side. The largest |score| that a query
    /// sees goes to `largest_score`, unless that is null or the arithmetic encloses.
    [[nodiscard]] static Values attend(const HeadInputs<Scalar>& inputs, double* largest_score);

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
