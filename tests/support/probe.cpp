#include "support/probe.hpp"

#include "lipcert/bounds/compose.hpp"

#include <cmath>
#include <utility>

namespace lipcert::test {

namespace {

SearchOptions options_of(const Probe& probe) {
    SearchOptions options;
    options.tokens = probe.tokens;
    options.dimension = probe.width;
    options.radius = probe.radius;
    options.pairs = probe.pairs;
    options.restarts = probe.restarts;
    options.steps = probe.steps;
    return options;
}

StreamFunction layers_of(const ForwardModel& model) {
    return StreamFunction::of([&model](const auto& stream) { return model.blocks(stream); });
}

}  // namespace

Architecture probed_architecture(GraphBuilder& builder,
                                 std::vector<Module> modules,
                                 const Probe& probe) {
    Architecture architecture = one_layer(std::move(modules));
    Matrix table = Matrix::Zero(2, probe.width);
    table(0, 0) = probe.radius;
    architecture.embedding.weight = builder.store(table);
    return architecture;
}

NetworkBounds proved(GraphBuilder& builder,
                     const std::vector<Module>& modules,
                     const Probe& probe,
                     std::optional<std::size_t> sequence_length) {
    ComposeOptions options;
    options.sequence_length = sequence_length;
    return compose(probed_architecture(builder, modules, probe), builder.checkpoint(), options);
}

double witnessed(const GraphBuilder& builder,
                 const std::vector<Module>& modules,
                 const Probe& probe,
                 Random& random,
                 const ForwardOptions& options) {
    const ForwardModel model = builder.model(modules, options);
    return best_ratio(layers_of(model), options_of(probe), random).ratio;
}

double witnessed_frobenius(const GraphBuilder& builder,
                           const std::vector<Module>& modules,
                           const Probe& probe,
                           Random& random,
                           const ForwardOptions& options) {
    const ForwardModel model = builder.model(modules, options);
    SearchOptions search = options_of(probe);
    search.input = InputNorm::frobenius;
    search.output = OutputNorm::frobenius;
    return best_ratio(layers_of(model), search, random).ratio;
}

double reached(const GraphBuilder& builder,
               const std::vector<Module>& modules,
               const Probe& probe,
               Random& random,
               const ForwardOptions& options) {
    const ForwardModel model = builder.model(modules, options);
    return reach(layers_of(model), options_of(probe), random).largest_token;
}

double quotient(const ForwardModel& model,
                const Matrix& first,
                const Matrix& direction,
                double step) {
    SearchOptions options;
    options.tokens = first.rows();
    options.dimension = first.cols();
    const StreamFunction function =
        StreamFunction::of([&model](const auto& stream) { return model.logits(stream); });
    return difference_quotient(function, first, first + step * direction, options);
}

Attention random_attention(GraphBuilder& builder, Random& random, const AttentionShape& shape) {
    const auto map = [&](std::size_t outputs, Eigen::Index inputs) {
        const auto rows = static_cast<Eigen::Index>(outputs);
        const double deviation = shape.weight_gain / std::sqrt(static_cast<double>(inputs));
        const Matrix weight = random.gaussian(rows, inputs, deviation);
        return shape.bias_gain == 0.0
                   ? builder.linear(weight)
                   : builder.linear(weight, random.gaussian_vector(rows, shape.bias_gain));
    };
    const auto head_width = static_cast<std::size_t>(shape.head_width);
    Attention attention;
    attention.query = map(shape.heads * head_width, shape.width);
    attention.key = map(shape.key_value_heads * head_width, shape.width);
    attention.value = map(shape.key_value_heads * head_width, shape.width);
    attention.output = map(static_cast<std::size_t>(shape.width),
                           static_cast<Eigen::Index>(shape.heads * head_width));
    attention.heads = shape.heads;
    attention.key_value_heads = shape.key_value_heads;
    attention.score_scale = Interval::exact(shape.score_scale);
    attention.rotary = shape.rotary;
    attention.causal = shape.causal;
    return attention;
}

}  // namespace lipcert::test
