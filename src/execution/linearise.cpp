#include "lipcert/execution/linearise.hpp"

#include <cmath>
#include <memory>
#include <utility>

#include "execution/kernels.hpp"
#include "execution/slopes.hpp"
#include "norms/blas.hpp"

namespace lipcert {

namespace {

using Eigen::Index;
using Kernel = Kernels<double>;

// Closures are copied with every Linearisation that is made of them, so what they hold is shared.

/// g behind f.
Linearisation chained(Linearisation f, Linearisation g) {
    Matrix value = std::move(g.value);
    const auto parts =
        std::make_shared<const std::pair<Linearisation, Linearisation>>(std::move(f), std::move(g));
    return {std::move(value),
            [parts](const Matrix& dx) { return parts->second.push(parts->first.push(dx)); },
            [parts](const Matrix& dy) { return parts->first.pull(parts->second.pull(dy)); }};
}

/// a f + b g of the same input.
Linearisation combined(double a, Linearisation f, double b, Linearisation g) {
    Matrix value = a * f.value + b * g.value;
    const auto parts =
        std::make_shared<const std::pair<Linearisation, Linearisation>>(std::move(f), std::move(g));
    return {std::move(value),
            [=](const Matrix& dx) {
                return Matrix(a * parts->first.push(dx) + b * parts->second.push(dx));
            },
            [=](const Matrix& dy) {
                return Matrix(parts->first.pull(a * dy) + parts->second.pull(b * dy));
            }};
}

Linearisation identity(const Matrix& stream) {
    const auto same = [](const Matrix& d) { return d; };
    return {stream, same, same};
}

Linearisation scaled(double factor, const Matrix& stream) {
    const auto times = [factor](const Matrix& d) { return Matrix(factor * d); };
    return {factor * stream, times, times};
}

/// Entry by entry: value and slope.
Linearisation by_entry(Matrix value, Matrix slope) {
    const auto shared = std::make_shared<const Matrix>(std::move(slope));
    const auto times = [shared](const Matrix& d) { return Matrix(shared->cwiseProduct(d)); };
    return {std::move(value), times, times};
}

Linearisation activated(Activation activation, const Interval& scale, const Matrix& stream) {
    Matrix value = stream;
    Kernel::activate(activation, scale, value);
    return by_entry(std::move(value), Kernel::number(scale) * slopes(activation, stream));
}

/// The rotation of a head (row = position) is orthogonal: it is pulled back by the opposite angles.
/// Turned as a whole: J^T d = R^-1 d, with R^-1 = P R P, P the sign of the second halves.
Matrix rotated(const RotaryAngles& angles, Matrix head, bool backward) {
    const Index pairs = rotated_pairs(angles, head.cols());
    if (backward) {
        head.middleCols(pairs, pairs) *= -1.0;
    }
    Kernel::rotate(angles, head.cols(), head.rows(), head);
    if (backward) {
        head.middleCols(pairs, pairs) *= -1.0;
    }
    return head;
}

/// What one attention module is made of, at one input.
struct HeadState {
    Linearisation query, key;  ///< from their parts of the projections to q and k
    Matrix values;             ///< n x value width
    Matrix shares;             ///< softmax weights, n x n
    Matrix cap_slopes;         ///< of a cap on scores, n x n; empty: none

    /// A change of scores through the cap, either way.
    [[nodiscard]] Matrix capped(const Matrix& dscores) const {
        return cap_slopes.size() == 0 ? dscores : cap_slopes.cwiseProduct(dscores);
    }
};

class AttentionAtInput {
public:
    AttentionAtInput(const Transformer& model, const Attention& attention, const Matrix& stream);

    [[nodiscard]] const Matrix& value() const { return output_.value; }

    [[nodiscard]] Matrix push(const Matrix& dx) const;
    [[nodiscard]] Matrix pull(const Matrix& dy) const;

private:
    [[nodiscard]] Index source_of(Index head) const { return head * sources_ / heads_count_; }

    /// Derivative of softmax along `d`, row by row: a o (d - <a, d>); a sink's score stays.
    static Matrix through_softmax(const Matrix& shares, const Matrix& d) {
        const Vector mean = shares.cwiseProduct(d).rowwise().sum();
        return shares.cwiseProduct(d.colwise() - mean);
    }

    bool squared_distance_ = false;
    double tau_ = 0.0;  ///< of q.k
    double output_scale_ = 1.0;
    Index heads_count_ = 0, sources_ = 0, width_ = 0, value_width_ = 0;
    Linearisation queries_, keys_, values_, output_;
    std::vector<HeadState> heads_;
};

Linearisation linear(const Transformer& model, const LinearMap& map, const Matrix& stream) {
    // By address: the model's weights outlive the linearisation.
    const Matrix* weight = &model.weights().map(map);
    return {model.apply(map, stream, {}),
            [weight](const Matrix& dx) { return blas::multiply(dx, *weight); },
            [weight](const Matrix& dy) { return blas::multiply(dy, Matrix(weight->transpose())); }};
}

/// Constants move with nothing: a change passes on behind the constant tokens, and back alone.
Linearisation joined(const Transformer& model, const Matrix& stream) {
    Matrix value = model.join_constants(stream);
    const Index tokens = stream.rows();
    const Index all = value.rows();
    return {std::move(value),
            [=](const Matrix& dx) {
                Matrix behind = Matrix::Zero(all, dx.cols());
                behind.bottomRows(tokens) = dx;
                return behind;
            },
            [=](const Matrix& dy) { return Matrix(dy.bottomRows(tokens)); }};
}

/// A normalisation at one input: gamma o z, z = Px / s on each token, s the divisor. z has the
/// derivative (P - z z^T / d) / s, which is symmetric; z is centred already.
struct NormAtInput {
    Matrix z;
    Vector divisor;
    Vector radial;  ///< what z z^T is multiplied by before it is taken off the identity
    Vector gain;
    bool centred = false;

    [[nodiscard]] Matrix derivative(Matrix d) const {
        for (Index token = 0; token < d.rows(); ++token) {
            auto row = d.row(token);
            if (centred) {
                row.array() -= row.mean();
            }
            row -= (z.row(token).dot(row) * radial(token)) * z.row(token);
            row /= divisor(token);
        }
        return d;
    }
};

Linearisation normalised(const Transformer& model,
                         const Normalisation& norm,
                         const Matrix& stream) {
    auto at = std::make_shared<NormAtInput>();
    at->centred = norm.kind == NormKind::layer;
    at->gain = model.weights().gain(norm, stream.cols()).row(0).transpose();
    at->z = stream;
    Kernel::normalise(norm.kind, norm.epsilon, at->z);
    at->divisor.resize(stream.rows());
    at->radial = Vector::Constant(stream.rows(), 1.0 / static_cast<double>(stream.cols()));
    for (Index token = 0; token < stream.rows(); ++token) {
        const auto row = stream.row(token);
        if (norm.kind == NormKind::unit) {
            const double epsilon = Kernel::number(norm.epsilon);
            const double length = row.norm();
            at->divisor(token) = std::max(length, epsilon);
            at->radial(token) = length > epsilon ? 1.0 : 0.0;
            continue;
        }
        const double mean = at->centred ? row.mean() : 0.0;
        at->divisor(token) =
            std::sqrt((row.array() - mean).square().mean() + Kernel::number(norm.epsilon));
    }
    return {model.apply(Module{norm}, stream),
            [at](const Matrix& dx) { return Matrix(at->derivative(dx) * at->gain.asDiagonal()); },
            [at](const Matrix& dy) { return at->derivative(dy * at->gain.asDiagonal()); }};
}

/// Of a query's or key's part of a projection: the optional normalisation, the rotation.
Linearisation prepared(const Transformer& model,
                       const std::optional<Normalisation>& norm,
                       const std::optional<RotaryAngles>& angles,
                       const Matrix& head) {
    Linearisation normed = norm ? normalised(model, *norm, head) : identity(head);
    if (!angles) {
        return normed;
    }
    const RotaryAngles turn = *angles;
    return chained(normed,
                   {rotated(turn, normed.value, false),
                    [turn](const Matrix& dx) { return rotated(turn, dx, false); },
                    [turn](const Matrix& dy) { return rotated(turn, dy, true); }});
}

AttentionAtInput::AttentionAtInput(const Transformer& model,
                                   const Attention& attention,
                                   const Matrix& stream)
    : squared_distance_(attention.squared_distance),
      tau_((squared_distance_ ? 2.0 : 1.0) * Kernel::number(attention.score_scale)),
      output_scale_(Kernel::number(attention.output_scale)),
      heads_count_(static_cast<Index>(attention.heads)),
      sources_(static_cast<Index>(attention.key_value_heads)),
      queries_(linear(model, attention.query, stream)),
      keys_(linear(model, attention.key, stream)),
      values_(linear(model, attention.value, stream)) {
    width_ = queries_.value.cols() / heads_count_;
    value_width_ = values_.value.cols() / sources_;
    Matrix averages(stream.rows(), heads_count_ * value_width_);
    for (Index head = 0; head < heads_count_; ++head) {
        const Index source = source_of(head);
        HeadState state;
        state.query = prepared(model,
                               attention.query_norm,
                               attention.rotary_angles,
                               queries_.value.middleCols(head * width_, width_));
        state.key = prepared(model,
                             attention.key_norm,
                             attention.rotary_angles,
                             keys_.value.middleCols(source * width_, width_));
        state.values = values_.value.middleCols(source * value_width_, value_width_);
        state.shares = Kernel::scores(attention, state.query.value, state.key.value);
        if (attention.score_cap) {
            state.cap_slopes =
                slopes(Activation::tanh, state.shares / Kernel::number(*attention.score_cap));
            Kernel::soft_cap(*attention.score_cap, state.shares);
        }
        if (attention.relative_bias) {
            Kernel::add(model.weights().relative_bias(attention, head, state.shares.rows()),
                        state.shares);
        }
        Kernel::softmax(attention.causal ? 1 : stream.rows(),
                        model.weights().sink_score(attention, head),
                        state.shares);
        averages.middleCols(head * value_width_, value_width_) =
            Kernel::product(state.shares, state.values);
        heads_.push_back(std::move(state));
    }
    output_ = linear(model, attention.output, averages);
    output_.value *= output_scale_;
}

Matrix AttentionAtInput::push(const Matrix& dx) const {
    const Matrix dqueries = queries_.push(dx);
    const Matrix dkeys = keys_.push(dx);
    const Matrix dvalues = values_.push(dx);
    Matrix averages(dx.rows(), heads_count_ * value_width_);
    for (Index head = 0; head < heads_count_; ++head) {
        const HeadState& state = heads_[static_cast<std::size_t>(head)];
        const Index source = source_of(head);
        const Matrix dquery = state.query.push(dqueries.middleCols(head * width_, width_));
        const Matrix dkey = state.key.push(dkeys.middleCols(source * width_, width_));
        Matrix dscores =
            tau_ * (dquery * state.key.value.transpose() + state.query.value * dkey.transpose());
        if (squared_distance_) {
            // -|q|^2 is the same for every key: the softmax takes no note of its change.
            dscores.rowwise() -=
                tau_ * state.key.value.cwiseProduct(dkey).rowwise().sum().transpose();
        }
        averages.middleCols(head * value_width_, value_width_) =
            through_softmax(state.shares, state.capped(dscores)) * state.values +
            state.shares * dvalues.middleCols(source * value_width_, value_width_);
    }
    return output_scale_ * output_.push(averages);
}

Matrix AttentionAtInput::pull(const Matrix& dy) const {
    const Matrix daverages = output_scale_ * output_.pull(dy);
    Matrix dqueries = Matrix::Zero(dy.rows(), queries_.value.cols());
    Matrix dkeys = Matrix::Zero(dy.rows(), keys_.value.cols());
    Matrix dvalues = Matrix::Zero(dy.rows(), values_.value.cols());
    for (Index head = 0; head < heads_count_; ++head) {
        const HeadState& state = heads_[static_cast<std::size_t>(head)];
        const Index source = source_of(head);
        const Matrix daverage = daverages.middleCols(head * value_width_, value_width_);
        dvalues.middleCols(source * value_width_, value_width_) +=
            state.shares.transpose() * daverage;
        const Matrix dshares = daverage * state.values.transpose();
        const Matrix dscores = tau_ * state.capped(through_softmax(state.shares, dshares));
        dqueries.middleCols(head * width_, width_) += state.query.pull(dscores * state.key.value);
        Matrix dkey = dscores.transpose() * state.query.value;
        if (squared_distance_) {
            dkey -= dscores.colwise().sum().transpose().asDiagonal() * state.key.value;
        }
        dkeys.middleCols(source * width_, width_) += state.key.pull(dkey);
    }
    return queries_.pull(dqueries) + keys_.pull(dkeys) + values_.pull(dvalues);
}

/// One overload for each kind of module.
class AtInput {
public:
    AtInput(const Transformer& model, const Matrix& stream) : model_(model), stream_(stream) {}

    Linearisation operator()(const LinearMap& map) const { return linear(model_, map, stream_); }

    Linearisation operator()(const Normalisation& norm) const {
        return normalised(model_, norm, stream_);
    }

    Linearisation operator()(const Attention& attention) const {
        require_known_angles(attention);
        const auto at = std::make_shared<const AttentionAtInput>(model_, attention, stream_);
        return {at->value(),
                [at](const Matrix& dx) { return at->push(dx); },
                [at](const Matrix& dy) { return at->pull(dy); }};
    }

    Linearisation operator()(const Mlp& mlp) const {
        const Linearisation in = linear(model_, mlp.in, stream_);
        const Linearisation hidden =
            chained(in, activated(mlp.activation, mlp.activation_scale, in.value));
        return chained(hidden, linear(model_, mlp.out, hidden.value));
    }

    Linearisation operator()(const GatedMlp& mlp) const {
        const Linearisation gate_in = linear(model_, mlp.gate, stream_);
        const Linearisation gate =
            chained(gate_in, activated(mlp.activation, mlp.activation_scale, gate_in.value));
        const Linearisation up = linear(model_, mlp.up, stream_);
        const Matrix product = gate.value.cwiseProduct(up.value);
        // d(g u) = u dg + g du
        Linearisation hidden = combined(
            1.0, chained(gate, by_entry({}, up.value)), 1.0, chained(up, by_entry({}, gate.value)));
        hidden.value = product;
        return chained(hidden, linear(model_, mlp.down, hidden.value));
    }

    Linearisation operator()(const Elementwise& module) const {
        return activated(module.activation, Interval::exact(1.0), stream_);
    }

    Linearisation operator()(const Residual& residual) const {
        const Linearisation skip =
            residual.projection ? linear(model_, *residual.projection, stream_) : identity(stream_);
        return combined(Kernel::number(residual.skip_scale),
                        skip,
                        Kernel::number(residual.branch_scale),
                        linearise(model_, residual.body, stream_));
    }

    Linearisation operator()(const Parallel& parallel) const {
        Linearisation sum = linearise(model_, parallel.branches.front(), stream_);
        for (std::size_t i = 1; i < parallel.branches.size(); ++i) {
            sum = combined(1.0, sum, 1.0, linearise(model_, parallel.branches[i], stream_));
        }
        return sum;
    }

    Linearisation operator()(const Scale& scale) const {
        return scaled(Kernel::number(scale.factor), stream_);
    }

    Linearisation operator()(const SoftCap& cap) const {
        const double level = Kernel::number(cap.cap);
        const Linearisation inner = scaled(1.0 / level, stream_);
        return chained(inner, activated(Activation::tanh, cap.cap, inner.value));
    }

private:
    const Transformer& model_;
    const Matrix& stream_;
};

}  // namespace

Linearisation linearise(const Transformer& model, const Module& module, const Matrix& stream) {
    return std::visit(AtInput(model, stream), module.kind);
}

Linearisation linearise(const Transformer& model,
                        const std::vector<Module>& modules,
                        const Matrix& stream) {
    Linearisation whole = identity(stream);
    for (const Module& module : modules) {
        whole = chained(whole, linearise(model, module, whole.value));
    }
    return whole;
}

Linearisation linearise_blocks(const Transformer& model, const Matrix& stream) {
    const Architecture& architecture = model.architecture();
    Linearisation whole = linearise(model, architecture.stem, stream);
    if (architecture.embedding.vectors) {
        whole = chained(whole, joined(model, whole.value));
    }
    for (const Layer& layer : architecture.layers) {
        whole = chained(whole, linearise(model, layer.modules, whole.value));
    }
    return whole;
}

Linearisation linearise_logits(const Transformer& model, const Matrix& stream) {
    const Architecture& architecture = model.architecture();
    Linearisation whole = linearise_blocks(model, stream);
    whole = chained(whole, linearise(model, architecture.head, whole.value));
    if (architecture.unembedding) {
        whole = chained(whole, linear(model, *architecture.unembedding, whole.value));
    }
    return chained(whole, linearise(model, architecture.after_unembedding, whole.value));
}

}  // namespace lipcert
