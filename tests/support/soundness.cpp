#include "support/soundness.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <variant>

#include "support/witness.hpp"
#include "support/witness_inputs.hpp"
#include <fmt/format.h>

namespace lipcert::test {

namespace {

using Eigen::Index;

Evaluation evaluation_of(const Matrix& input) {
    const Stream<long double> precise = input.cast<long double>();
    return {precise, input, largest_token(precise)};
}

/// The stream at the end of every module of the stem and the layers, and the logits.
struct Trace {
    Matrix input;
    std::vector<Evaluation> after_stem;
    std::vector<std::vector<Evaluation>> after_modules;  ///< [layer][module]
    Evaluation blocks;
    Evaluation logits;
};

class Attack {
public:
    Attack(const ForwardModel& model,
           const NetworkBounds& bounds,
           std::size_t tokens,
           const SoundnessBudget& budget)
        : model_(model),
          bounds_(bounds),
          budget_(budget),
          ball_radius_(bounds.domain.radius.to_double()) {
        ball_.tokens = static_cast<Index>(tokens);
        ball_.dimension = static_cast<Index>(bounds.domain.dimension);
        ball_.radius = ball_radius_;
        ball_.steps = budget.steps;
        domain_ = ball_;
        if (bounds.domain.everything) {
            domain_.radius = std::numeric_limits<double>::infinity();
        }
    }

    Soundness run(Random& random) {
        for (std::size_t pair = 0; pair < budget_.pairs; ++pair) {
            const SearchOptions& options = pair % 3 == 0 ? ball_ : domain_;
            const Matrix first = random_stream(options, random);
            measure(first, random_partner(first, options, random));
        }
        for (std::size_t restart = 0; restart < budget_.restarts; ++restart) {
            ascend(random);
        }
        attack_blocks(random);
        attack_radii(random);
        return result_;
    }

private:
    void compare(const std::string& name, const Upper& bound, long double measured) {
        constexpr long double kRoundingOfTheModel = 1e-12L;
        const auto proved = static_cast<long double>(bound.to_double());
        if (measured > proved * (1.0L + kRoundingOfTheModel)) {
            result_.violations.push_back(fmt::format("{}: bound {}, measured {:.17g}",
                                                     name,
                                                     bound.to_decimal(17),
                                                     static_cast<double>(measured)));
        }
    }

    [[nodiscard]] Evaluation apply(const Module& module, const Evaluation& in) const {
        Evaluation out{model_.apply(module, in.precise), model_.apply(module, in.rounded)};
        out.largest = std::max(in.largest, largest_token(out.precise));
        return out;
    }

    [[nodiscard]] Trace trace(const Matrix& input) const {
        Trace result;
        result.input = input;
        Evaluation now = evaluation_of(input);
        for (const Module& module : model_.architecture().stem) {
            now = apply(module, now);
            result.after_stem.push_back(now);
        }
        for (const Layer& layer : model_.architecture().layers) {
            result.after_modules.emplace_back();
            for (const Module& module : layer.modules) {
                now = apply(module, now);
                result.after_modules.back().push_back(now);
            }
        }
        result.blocks = now;
        result.logits = {model_.output(now.precise), model_.output(now.rounded), now.largest};
        return result;
    }

    /// One pair against every constant, and both of its inputs against the radii where they lie in
    /// the embeddings' ball.
    void measure(const Matrix& first, const Matrix& second) {
        const long double token_distance = distance(first, second, InputNorm::max_token);
        if (token_distance <= 0.0L) {
            return;
        }
        const Trace x = trace(first);
        const Trace y = trace(second);
        check_reach(x);
        check_reach(y);
        const auto ratio = [&](const Evaluation& a, const Evaluation& b, OutputNorm norm) {
            return certain_difference(a, b, norm) / token_distance;
        };
        for (std::size_t i = 0; i < x.after_modules.size(); ++i) {
            if (!x.after_modules[i].empty()) {
                compare(fmt::format("cumulative of layer {}", i),
                        bounds_.layers.at(i).cumulative,
                        ratio(x.after_modules[i].back(),
                              y.after_modules[i].back(),
                              OutputNorm::max_token));
            }
        }
        const long double blocks = ratio(x.blocks, y.blocks, OutputNorm::max_token);
        compare("blocks_l2", bounds_.blocks_l2.upper, blocks);
        const long double all = ratio(x.logits, y.logits, OutputNorm::max_token);
        compare("max_token_l2", bounds_.max_token_l2.upper, all);
        const long double units = std::sqrt(static_cast<long double>(first.cols()) /
                                            static_cast<long double>(x.logits.rounded.cols()));
        compare("max_token_rms", bounds_.max_token_rms.upper, units * all);
        const long double logit = ratio(x.logits, y.logits, OutputNorm::entry);
        compare("logit", bounds_.logit.upper, logit);
        compare("logit_difference",
                bounds_.logit_difference.upper,
                ratio(x.logits, y.logits, OutputNorm::entry_difference));
        if (bounds_.frobenius) {
            compare("frobenius",
                    bounds_.frobenius->upper,
                    certain_difference(x.logits, y.logits, OutputNorm::frobenius) /
                        distance(first, second, InputNorm::frobenius));
        }
        note_shares(blocks, logit);
    }

    void note_shares(long double blocks, long double logit) {
        const auto share = [](long double measured, const Upper& bound) {
            return bound.is_zero() ? 0.0
                                   : static_cast<double>(
                                         measured / static_cast<long double>(bound.to_double()));
        };
        result_.best_share_of_blocks =
            std::max(result_.best_share_of_blocks, share(blocks, bounds_.blocks_l2.upper));
        result_.best_share_of_logit =
            std::max(result_.best_share_of_logit, share(logit, bounds_.logit.upper));
    }

    void check_token_norms(const std::string& name, const Upper& bound, const Evaluation& at) {
        // A difference from zero: the estimate of rounding is subtracted there too.
        const Evaluation zero = evaluation_of(Matrix::Zero(at.rounded.rows(), at.rounded.cols()));
        compare(name, bound, certain_difference(at, zero, OutputNorm::max_token));
    }

    void check_reach(const Trace& at) {
        if (at.input.rowwise().norm().maxCoeff() > ball_radius_) {
            return;
        }
        for (std::size_t i = 0; i < at.after_stem.size(); ++i) {
            check_boundary(fmt::format("stem module {}", i),
                           model_.architecture().stem[i],
                           bounds_.stem.at(i),
                           at.after_stem[i]);
        }
        for (std::size_t i = 0; i < at.after_modules.size(); ++i) {
            for (std::size_t j = 0; j < at.after_modules[i].size(); ++j) {
                check_boundary(fmt::format("layer {} module {}", i, j),
                               model_.architecture().layers[i].modules[j],
                               bounds_.layers.at(i).blocks.at(j),
                               at.after_modules[i][j]);
            }
        }
    }

    void check_boundary(const std::string& name,
                        const Module& module,
                        const BlockBound& block,
                        const Evaluation& at) {
        check_token_norms(name + " max_activation", bounds_.max_activation, at);
        // A normalisation's own row may leave gamma and beta to the module behind it.
        if (!std::holds_alternative<Normalisation>(module.kind)) {
            check_token_norms(name + " radius_out", block.radius_out, at);
        }
    }

    /// A search for one of the constants; the pair that it ends with is held against all.
    void ascend(Random& random) {
        SearchOptions options = domain_;
        options.pairs = 3;
        options.restarts = 1;
        const std::size_t layers = model_.architecture().layers.size();
        Witness witness;
        switch (random.integer(0, 5)) {
            case 0: {
                const std::size_t layer = random.integer(0, layers - 1);
                witness = best_ratio(StreamFunction::of([&](const auto& stream) {
                                         return model_.through_layer(stream, layer);
                                     }),
                                     options,
                                     random);
                break;
            }
            case 1:
                witness = search_logits(OutputNorm::entry, InputNorm::max_token, random);
                break;
            case 2:
                witness = search_logits(OutputNorm::entry_difference, InputNorm::max_token, random);
                break;
            case 3:
                witness = search_logits(OutputNorm::frobenius, InputNorm::frobenius, random);
                break;
            case 4:
                witness = search_logits(OutputNorm::max_token, InputNorm::max_token, random);
                break;
            default:
                witness = best_ratio(
                    StreamFunction::of([&](const auto& stream) { return model_.blocks(stream); }),
                    options,
                    random);
                break;
        }
        measure(witness.first, witness.second);
    }

    [[nodiscard]] Witness search_logits(OutputNorm output, InputNorm input, Random& random) const {
        SearchOptions options = domain_;
        options.pairs = 3;
        options.restarts = 1;
        options.output = output;
        options.input = input;
        return best_ratio(
            StreamFunction::of([&](const auto& stream) { return model_.logits(stream); }),
            options,
            random);
    }

    /// One layer's residual blocks, each on its own over the ball that its row says its input lies
    /// in.
    void attack_blocks(Random& random) {
        const std::vector<Layer>& layers = model_.architecture().layers;
        const std::size_t layer = random.integer(0, layers.size() - 1);
        const Trace widths = trace(Matrix::Zero(ball_.tokens, ball_.dimension));
        Index width = ball_.dimension;
        if (layer > 0) {
            width = widths.after_modules[layer - 1].back().rounded.cols();
        } else if (!widths.after_stem.empty()) {
            width = widths.after_stem.back().rounded.cols();
        }
        for (std::size_t j = 0; j < layers[layer].modules.size(); ++j) {
            attack_block(layers[layer].modules[j],
                         bounds_.layers.at(layer).blocks.at(j),
                         fmt::format("layer {} block {} lipschitz", layer, j),
                         width,
                         random);
            width = widths.after_modules[layer][j].rounded.cols();
        }
    }

    void attack_block(const Module& module,
                      const BlockBound& block,
                      const std::string& name,
                      Index width,
                      Random& random) {
        SearchOptions options = ball_;
        options.dimension = width;
        options.radius = block.radius_in.to_double();
        options.pairs = 3;
        options.restarts = budget_.restarts;
        if (!std::holds_alternative<Residual>(module.kind) || options.radius > 1e100 ||
            options.radius < 1e-100) {
            return;
        }
        const auto alone =
            StreamFunction::of([&](const auto& stream) { return model_.apply(module, stream); });
        const Witness witness = best_ratio(alone, options, random);
        compare(name, block.lipschitz, static_cast<long double>(witness.ratio));
    }

    void attack_radii(Random& random) {
        SearchOptions options = ball_;
        options.pairs = 0;
        options.restarts = 2;
        options.steps = budget_.reach_steps;
        const auto blocks =
            StreamFunction::of([&](const auto& stream) { return model_.blocks(stream); });
        check_reach(trace(reach(blocks, options, random).input));
    }

    const ForwardModel& model_;
    const NetworkBounds& bounds_;
    SoundnessBudget budget_;
    double ball_radius_;
    SearchOptions ball_;
    SearchOptions domain_;
    Soundness result_;
};

}  // namespace

Soundness attack(const ForwardModel& model,
                 const NetworkBounds& bounds,
                 std::size_t tokens,
                 const SoundnessBudget& budget,
                 Random& random) {
    return Attack(model, bounds, tokens, budget).run(random);
}

}  // namespace lipcert::test
