#include "bounds/unrolled.hpp"

#include "lipcert/bounds/activation.hpp"
#include "lipcert/bounds/attention.hpp"
#include "lipcert/bounds/head_sum.hpp"
#include "lipcert/error.hpp"

#include <utility>
#include <variant>

#include "bounds/head_weights.hpp"
#include "bounds/pair_scaling.hpp"
#include "bounds/squared_relu.hpp"

namespace lipcert {

namespace {

using Eigen::Index;

/// The least of two bounds of max_u sum_h gains_h |B_h^T u| [R20]. Blocks that are zero or of gain
/// zero count nothing.
Upper head_sum(const std::vector<MatrixBall>& blocks, const std::vector<Upper>& gains) {
    std::vector<MatrixBall> used;
    std::vector<Upper> used_gains;
    std::vector<Upper> norms;
    Upper plain;
    for (std::size_t h = 0; h < blocks.size(); ++h) {
        const Upper norm = spectral_norm(blocks[h]).upper();
        plain += norm * gains[h];
        if (!norm.is_zero() && !gains[h].is_zero()) {
            used.push_back(blocks[h]);
            used_gains.push_back(gains[h]);
            norms.push_back(norm);
        }
    }
    if (used.size() < 2 || !plain.is_finite()) {
        return plain;
    }
    const HeadWeights weights = weights_for(used_gains, norms);
    return min(plain, weighted_norm(used, weights.roots) * weighted_gain(used_gains, weights));
}

MatrixBall identity(std::size_t width) {
    const auto size = static_cast<Index>(width);
    return MatrixBall::of(Matrix::Identity(size, size));
}

/// A centre near that of the smallest ball around the rows: steps towards the farthest one.
Vector middle_of_rows(const Matrix& rows) {
    constexpr int kSteps = 100;
    Vector centre = rows.colwise().mean().transpose();
    for (int step = 0; step < kSteps; ++step) {
        Index farthest = 0;
        (rows.rowwise() - centre.transpose()).rowwise().squaredNorm().maxCoeff(&farthest);
        centre += (rows.row(farthest).transpose() - centre) / (step + 2.0);
    }
    return centre;
}

/// The rows less one vector near their middle.
MatrixBall centred_rows(const MatrixBall& rows) {
    const Vector centre = middle_of_rows(rows.centre());
    const MatrixBall shift = product(MatrixBall::of_vector(Vector::Ones(rows.rows())),
                                     MatrixBall::of(Matrix(-centre.transpose())));
    return sum(rows, shift.scaled(rows.exponent()));
}

/// [factors_h / root_h * N_h] below each other, relative to the largest of the factors.
struct Stack {
    MatrixBall weight, bias;
    Upper unit;
};

Stack stacked(const std::vector<AffineMap>& maps,
              const std::vector<Upper>& factors,
              const HeadWeights& weights) {
    Stack stack;
    for (const Upper& factor : factors) {
        stack.unit = max(stack.unit, factor);
    }
    std::vector<MatrixBall> rows;
    std::vector<MatrixBall> biases;
    for (std::size_t h = 0; h < maps.size(); ++h) {
        double share = 0.0;
        if (!stack.unit.is_zero() && stack.unit.is_finite()) {
            // Rounded up: more of a row is worse, never wrong.
            share = (factors[h] / Lower::of(stack.unit.value()) *
                     Upper::exact(weights.inverse_roots[h]))
                        .to_double();
        }
        rows.push_back(scaled_by(maps[h].weight, share));
        biases.push_back(scaled_by(maps[h].bias, share));
    }
    stack.weight = stack_rows(rows);
    stack.bias = stack_rows(biases);
    return stack;
}

}  // namespace

/// One head's reads: its score's derivative is at most query_reach |K dx_j| + key_reach |Q dx_i|.
struct Unrolled::Head {
    AffineMap query, key;
    Upper value_difference, value_spread, value_reach;
    Upper query_reach, query_difference;
    Upper key_reach, key_difference;
    Upper key_square;  ///< what |k|^2 adds to the derivative [R24]

    [[nodiscard]] Upper score() const {
        return query_reach * key_difference + key_reach * query_difference + key_square;
    }
};

Unrolled::Unrolled(const Checkpoint& checkpoint, InputTokens tokens, Effort effort)
    : checkpoint_(checkpoint),
      tokens_(std::move(tokens)),
      effort_(effort),
      slope_path_(identity(tokens_.width)),
      ratio_path_(slope_path_),
      offset_(MatrixBall::zero(static_cast<Index>(tokens_.width), 1)),
      radius_(tokens_.radius) {}

bool Unrolled::understands(const Module& module) {
    const auto* residual = std::get_if<Residual>(&module.kind);
    if (residual == nullptr || residual->body.size() != 1 || residual->projection) {
        return false;
    }
    if (const auto* attention = std::get_if<Attention>(&residual->body.front().kind)) {
        return !attention->query_norm && !attention->key_norm;
    }
    return std::holds_alternative<Mlp>(residual->body.front().kind);
}

Upper Unrolled::written(const MatrixBall& read, bool ratios) const {
    Upper total;
    for (const Source& source : sources_) {
        std::vector<MatrixBall> blocks;
        for (const MatrixBall& block : ratios ? source.ratio_blocks : source.slope_blocks) {
            blocks.push_back(product(read, block));
        }
        const Upper apart = head_sum(blocks, ratios ? source.ratio_gains : source.slope_gains);
        total += ratios
                     ? apart
                     : min(apart,
                           spectral_norm(product(read, source.whole)).upper() * source.whole_gain);
    }
    return total;
}

Upper Unrolled::table_reach(const MatrixBall& read, bool centred) const {
    const MatrixBall map = product(read, ratio_path_);
    Upper of_ball = spectral_norm(map).upper() * tokens_.radius;
    if (tokens_.tables.empty()) {
        return of_ball;
    }
    // [R29] a convex function is largest at a row.
    Upper total;
    for (const MatrixBall& table : tokens_.tables) {
        const MatrixBall rows = product(table, map.transposed());
        total += centred ? min(largest_row_norm(centred_rows(rows)), largest_row_norm(rows))
                         : largest_row_norm(rows);
    }
    return min(of_ball, total);
}

Upper Unrolled::difference(const MatrixBall& read) const {
    const Upper whole = spectral_norm(read).upper() * lipschitz_;
    if (sources_.empty()) {
        return min(whole, spectral_norm(product(read, slope_path_)).upper());
    }
    return min(whole, spectral_norm(product(read, slope_path_)).upper() + written(read, false));
}

Upper Unrolled::reach(const MatrixBall& read, const MatrixBall& bias) const {
    const Upper whole = spectral_norm(read).upper() * radius_ + frobenius_norm(bias);
    return min(whole,
               table_reach(read, false) + written(read, true) +
                   frobenius_norm(sum(product(read, offset_), bias)));
}

Upper Unrolled::spread(const MatrixBall& read) const {
    return min(spectral_norm(read).upper() * radius_,
               table_reach(read, true) + written(read, true));
}

Unrolled::Head Unrolled::read_head(const Attention& attention,
                                   const AffineMap& query,
                                   const AffineMap& key,
                                   const AffineMap& value) const {
    Head head;
    head.value_difference = difference(value.weight);
    if (attention.sink) {
        // [R24] One more value is zero, and a bias is no constant.
        head.value_reach = reach(value.weight, value.bias);
        head.value_spread = head.value_reach;
    } else {
        head.value_reach = reach(value.weight, MatrixBall::zero(value.weight.rows(), 1));
        head.value_spread = spread(value.weight);
    }
    const auto scores = [&](const QueryKey& maps) {
        Head result = head;
        result.query = maps.query;
        result.key = maps.key;
        result.query_reach = reach(maps.query.weight, maps.query.bias);
        result.query_difference = difference(maps.query.weight);
        result.key_reach = reach(maps.key.weight, maps.key.bias);
        result.key_difference = difference(maps.key.weight);
        return result;
    };
    QueryKey maps{query, key};
    const bool is_plain =
        attention.rotary == Rotary::none && !attention.score_cap && !attention.sink;
    if (attention.squared_distance && !is_plain) {
        throw Error(ErrorKind::internal, "", "squared distances beside what changes scores");
    }
    if (is_plain) {
        // [R19] A key bias shifts all scores of a token alike; scores are (L^T q) . y, |y| <= |x|.
        const MatrixBall factor = gram_factor(key.weight);
        maps.key.bias = MatrixBall::zero(key.weight.rows(), 1);
        if (attention.squared_distance) {
            maps.query.bias = sum(query.bias, scaled_by(key.bias, -1.0));
            head.key_square = reach(key.weight, maps.key.bias) * difference(key.weight);
        }
        const AffineMap joint{product(factor.transposed(), query.weight),
                              product(factor.transposed(), maps.query.bias)};
        Head whole = head;
        whole.query = joint;
        whole.query_reach = reach(joint.weight, joint.bias);
        whole.query_difference = difference(joint.weight);
        whole.key_reach = radius_;
        whole.key_difference = lipschitz_;
        const Head apart = scores(maps);
        return whole.score() < apart.score() ? whole : apart;
    }
    Head plain = scores(maps);
    // What commutes with every rotation is balanced; without rotation, anything is.
    if (attention.rotary == Rotary::partial || query.weight.rows() % 2 != 0) {
        return plain;
    }
    const Head balanced = scores(balanced_pairs(maps, radius_));
    return balanced.score() < plain.score() ? balanced : plain;
}

Upper Unrolled::branch_gain(const std::vector<Head>& heads,
                            const std::vector<MatrixBall>& outputs,
                            const Upper& score_scale) const {
    std::vector<Upper> alone;
    std::vector<Upper> values;
    std::vector<Upper> norms;
    std::vector<Upper> by_keys;
    std::vector<Upper> by_query;
    std::vector<Upper> together;
    std::vector<AffineMap> queries;
    std::vector<MatrixBall> inputs;
    std::vector<MatrixBall> used;
    for (std::size_t h = 0; h < heads.size(); ++h) {
        const Head& head = heads[h];
        const Upper norm = spectral_norm(outputs[h]).upper();
        if (norm.is_zero()) {
            continue;
        }
        const Upper score = score_scale * head.value_spread;
        used.push_back(outputs[h]);
        norms.push_back(norm);
        values.push_back(head.value_difference + score * head.key_square);
        alone.push_back(head.value_difference + score * head.score());
        queries.push_back(head.query);
        inputs.push_back(head.query.weight.transposed());
        by_keys.push_back(score * head.key_difference);
        by_query.push_back(score * head.key_reach);
        together.push_back(by_keys.back() * radius_ + by_query.back() * lipschitz_);
    }
    if (used.size() < 2) {
        return head_sum(used, alone);
    }
    // [R21] all heads see the same x_i and x_i - x_i'.
    const std::vector<Upper> none(used.size());
    const HeadWeights weights =
        optimised_weights({used, values, &inputs, together, none, Joining::parallel, effort_},
                          weights_for(alone, norms));
    const Stack keys = stacked(queries, by_keys, weights);
    const Stack query = stacked(queries, by_query, weights);
    if (!keys.unit.is_finite() || !query.unit.is_finite()) {
        return head_sum(used, alone);
    }
    const Upper shared =
        weighted_norm(used, weights.roots) *
        (weighted_gain(values, weights) + keys.unit * reach(keys.weight, keys.bias) +
         query.unit * difference(query.weight));
    return min(head_sum(used, alone), shared);
}

void Unrolled::pass_attention(const Residual& residual,
                              const Attention& attention,
                              const std::string& where) {
    const AffineMap query = read_affine(checkpoint_, attention.query, where);
    const AffineMap key = read_affine(checkpoint_, attention.key, where);
    const AffineMap value = read_affine(checkpoint_, attention.value, where);
    const AffineMap output = read_affine(checkpoint_, attention.output, where);
    const Interval branch = residual.branch_scale * attention.output_scale;
    const auto heads_count = static_cast<Index>(attention.heads);
    const auto groups = static_cast<Index>(attention.key_value_heads);
    const Index query_rows = query.weight.rows() / heads_count;
    const Index key_rows = key.weight.rows() / groups;
    const Index value_rows = value.weight.rows() / groups;
    const MatrixBall scaled_output = scaled_by(output.weight, branch);

    Source source;
    std::vector<Head> heads;
    std::vector<MatrixBall> biases;
    const Upper tau = product_scale(attention);
    for (Index h = 0; h < heads_count; ++h) {
        const Index group = h * groups / heads_count;  // [R25]
        const AffineMap head_value = output_block(value, group * value_rows, value_rows);
        heads.push_back(read_head(attention,
                                  output_block(query, h * query_rows, query_rows),
                                  output_block(key, group * key_rows, key_rows),
                                  head_value));
        const Head& head = heads.back();
        source.slope_blocks.push_back(scaled_output.column_block(h * value_rows, value_rows));
        source.slope_gains.push_back(head.value_difference +
                                     tau * head.value_spread * head.score());
        source.ratio_gains.push_back(head.value_reach);
        biases.push_back(attention.sink ? MatrixBall::zero(value_rows, 1) : head_value.bias);
    }
    source.ratio_blocks = source.slope_blocks;
    source.whole = identity(tokens_.width);
    source.whole_gain = branch_gain(heads, source.slope_blocks, tau);
    // [R26] weights of a row sum to one: a value bias is a constant.
    const MatrixBall constant =
        scaled_by(sum(product(output.weight, stack_rows(biases)), output.bias), branch);
    const MatrixBall skip = scaled_by(identity(tokens_.width), residual.skip_scale);
    lipschitz_ = residual.skip_scale.magnitude() * lipschitz_ + source.whole_gain;
    radius_ = Upper::infinity();
    advance(skip, skip, std::move(source));
    offset_ = sum(scaled_by(offset_, residual.skip_scale), constant);
}

void Unrolled::pass_mlp(const Residual& residual, const Mlp& mlp, const std::string& where) {
    AffineMap in = read_affine(checkpoint_, mlp.in, where);
    if (!has_bounded_slope(mlp.activation)) {
        in = squared_relu_units(in, radius_);  // [R44]
    }
    const AffineMap stored = read_affine(checkpoint_, mlp.out, where);
    const MatrixBall out = scaled_by(stored.weight, mlp.activation_scale * residual.branch_scale);
    const ActivationBounds activation = activation_bounds(mlp.activation, Upper::exact(1.0));
    const MatrixBall linear = product(out, in.weight);
    const MatrixBall skip = scaled_by(identity(tokens_.width), residual.skip_scale);
    const MatrixBall slopes = sum(skip, scaled_by(linear, activation.slopes.centre));
    const MatrixBall ratios = sum(skip, scaled_by(linear, activation.ratios.centre));

    Source source;
    source.slope_blocks = source.ratio_blocks = {out};
    source.slope_gains = {activation.slopes.half_width * difference(in.weight)};
    // Ratios have their own centre: mixing it with the slopes' half-width is a false bound.
    source.ratio_gains = {activation.ratios.half_width * reach(in.weight, in.bias)};
    source.whole = identity(tokens_.width);
    source.whole_gain = spectral_norm(out).upper() * source.slope_gains.front();
    const MatrixBall constant = sum(scaled_by(product(out, in.bias), activation.ratios.centre),
                                    scaled_by(stored.bias, residual.branch_scale));
    lipschitz_ = radius_ = Upper::infinity();
    offset_ = sum(product(ratios, offset_), constant);
    advance(slopes, ratios, std::move(source));
}

void Unrolled::advance(const MatrixBall& slopes, const MatrixBall& ratios, Source source) {
    slope_path_ = product(slopes, slope_path_);
    ratio_path_ = product(ratios, ratio_path_);
    for (Source& earlier : sources_) {
        for (MatrixBall& block : earlier.slope_blocks) {
            block = product(slopes, block);
        }
        for (MatrixBall& block : earlier.ratio_blocks) {
            block = product(ratios, block);
        }
        earlier.whole = product(slopes, earlier.whole);
    }
    sources_.push_back(std::move(source));
}

void Unrolled::pass(const Module& module,
                    const std::string& where,
                    const Upper& lipschitz,
                    const Upper& radius) {
    lipschitz_ = min(lipschitz_, lipschitz);
    radius_ = min(radius_, radius);
    const auto& residual = std::get<Residual>(module.kind);
    if (const auto* attention = std::get_if<Attention>(&residual.body.front().kind)) {
        pass_attention(residual, *attention, where);
    } else {
        pass_mlp(residual, std::get<Mlp>(residual.body.front().kind), where);
    }
    const MatrixBall all = identity(tokens_.width);
    lipschitz_ = difference(all);
    radius_ = reach(all, MatrixBall::zero(all.rows(), 1));
}

}  // namespace lipcert
