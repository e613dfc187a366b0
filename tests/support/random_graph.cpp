#include "support/random_graph.hpp"

#include <cmath>
#include <optional>
#include <utility>

namespace lipcert::test {

namespace {

using Eigen::Index;

class Drawing {
public:
    Drawing(GraphBuilder& builder, Random& random)
        : builder_(builder), random_(random), gain_(std::pow(10.0, random.uniform(-2.0, 1.0))) {}

    Architecture draw() {
        Architecture architecture;
        architecture.family = "random";
        width_ = static_cast<Index>(random_.integer(1, 5));
        architecture.embedding = embedding();
        if (one_in(4)) {
            architecture.stem.push_back({norm(width_)});
        }
        const std::size_t layers = random_.integer(1, 2);
        for (std::size_t i = 0; i < layers; ++i) {
            architecture.layers.push_back({i, layer()});
        }
        if (one_in(2)) {
            architecture.head.push_back({norm(width_)});
        }
        if (!one_in(4)) {
            architecture.unembedding = linear(static_cast<Index>(random_.integer(1, 6)), width_);
            add_tail(architecture.after_unembedding);
        }
        return architecture;
    }

private:
    bool one_in(std::size_t count) { return random_.integer(1, count) == 1; }

    Interval small_factor() { return Interval::exact(random_.uniform(-1.5, 1.5)); }

    void add_tail(std::vector<Module>& tail) {
        if (one_in(3)) {
            tail.push_back({Scale{small_factor()}});
        }
        if (one_in(3)) {
            tail.push_back({SoftCap{Interval::exact(random_.uniform(0.1, 10.0))}});
        }
        if (one_in(3)) {
            tail.push_back({Scale{small_factor()}});
        }
    }

    Embedding embedding() {
        const double deviation = std::pow(10.0, random_.uniform(-1.0, 1.0));
        Embedding embedding;
        embedding.weight = builder_.store(random_.gaussian(5, width_, deviation));
        if (one_in(3)) {
            embedding.positions = builder_.store(random_.gaussian(6, width_, deviation));
        }
        if (one_in(3)) {
            embedding.scale = small_factor();
        }
        if (one_in(4)) {
            embedding.max_row_norm = Interval::exact(deviation);
        }
        return embedding;
    }

    LinearMap linear(Index outputs, Index inputs) {
        const double deviation =
            gain_ * random_gain(random_, -0.5, 0.5) / std::sqrt(static_cast<double>(inputs));
        const Index before = static_cast<Index>(one_in(4) ? random_.integer(0, 3) : 0);
        const Index behind = static_cast<Index>(one_in(4) ? random_.integer(0, 3) : 0);
        const Index stored = before + outputs + behind;
        const Vector bias =
            one_in(2) ? random_.gaussian_vector(stored, random_gain(random_, -2, 1)) : Vector();
        const Matrix weight = random_.gaussian(stored, inputs, deviation);
        const bool transposed = one_in(3);
        LinearMap map = builder_.linear(transposed ? Matrix(weight.transpose()) : weight, bias);
        map.layout = transposed ? Layout::in_out : Layout::out_in;
        if (stored != outputs) {
            map.slice =
                OutputSlice{static_cast<std::size_t>(before), static_cast<std::size_t>(outputs)};
        }
        return map;
    }

    Normalisation norm(Index width) {
        const auto vector = [&](double low, double high) {
            return one_in(3) ? Vector()
                             : random_.gaussian_vector(width, random_gain(random_, low, high));
        };
        Normalisation norm = builder_.norm(one_in(2) ? NormKind::layer : NormKind::rms,
                                           std::pow(10.0, random_.uniform(-12.0, -1.0)),
                                           vector(-1.0, 0.5),
                                           vector(-1.0, 0.5));
        norm.weight_plus_one = !norm.weight.empty() && one_in(3);
        return norm;
    }

    Normalisation head_norm(Index width) {
        Normalisation result = norm(width);
        if (one_in(3)) {
            result.kind = NormKind::unit;
            // As steep at zero as the others are, whose epsilon stands below a root.
            result.epsilon = Interval::exact(std::pow(10.0, random_.uniform(-6.0, -0.5)));
        }
        return result;
    }

    Activation activation() {
        constexpr std::size_t kLast = static_cast<std::size_t>(Activation::identity);
        return static_cast<Activation>(random_.integer(0, kLast));
    }

    void add_score_variants(Attention& attention, Index head_width, Index heads) {
        if (one_in(4)) {
            attention.query_norm = head_norm(head_width);
        }
        if (one_in(4)) {
            attention.key_norm = head_norm(head_width);
        }
        if (one_in(4)) {
            attention.score_cap = Interval::exact(std::pow(10.0, random_.uniform(-1.0, 2.0)));
        }
        if (one_in(4)) {
            const auto scores = [&] { return random_.gaussian_vector(heads, 3.0); };
            attention.sink = Sink{one_in(2) ? "" : builder_.store(scores())};
        }
    }

    Attention attention(Index outputs) {
        Attention attention;
        attention.key_value_heads = random_.integer(1, 2);
        attention.heads = attention.key_value_heads * random_.integer(1, 2);
        attention.rotary = static_cast<Rotary>(random_.integer(0, 2));
        // Which nothing else that changes scores goes with.
        attention.squared_distance = attention.rotary == Rotary::none && one_in(2);
        const auto heads = static_cast<Index>(attention.heads);
        const auto groups = static_cast<Index>(attention.key_value_heads);
        const auto half = static_cast<Index>(random_.integer(1, 2));
        const Index head_width = attention.rotary == Rotary::none ? half : 2 * half;
        const auto value_width = static_cast<Index>(random_.integer(1, 3));
        attention.query = linear(heads * head_width, width_);
        attention.key = linear(groups * head_width, width_);
        attention.value = linear(groups * value_width, width_);
        attention.output = linear(outputs, heads * value_width);
        attention.score_scale = Interval::exact(random_.uniform(0.1, 2.0));
        attention.causal = one_in(2);
        attention.output_scale = one_in(3) ? small_factor() : Interval::exact(1.0);
        if (!attention.squared_distance) {
            add_score_variants(attention, head_width, heads);
        }
        if (one_in(6)) {
            attention.relative_bias =
                RelativeBias{builder_.store(random_.gaussian(8, heads, 3.0)), 20};
        }
        return attention;
    }

    Mlp mlp(Index outputs) {
        const auto inner = static_cast<Index>(random_.integer(1, 8));
        return {linear(inner, width_), linear(outputs, inner), activation(), activation_scale()};
    }

    GatedMlp gated_mlp(Index outputs) {
        const auto inner = static_cast<Index>(random_.integer(1, 6));
        return {linear(inner, width_),
                linear(inner, width_),
                linear(outputs, inner),
                activation(),
                activation_scale()};
    }

    Interval activation_scale() { return one_in(3) ? small_factor() : Interval::exact(1.0); }

    Module body(Index outputs) {
        switch (random_.integer(0, 7)) {
            case 0:
            case 1:
            case 2:
                return {attention(outputs)};
            case 3:
            case 4:
                return {mlp(outputs)};
            case 5:
                return {linear(outputs, width_)};
            default:
                return {gated_mlp(outputs)};
        }
    }

    std::vector<Module> branch(Index outputs) {
        std::vector<Module> modules;
        if (one_in(2)) {
            modules.push_back({norm(width_)});
        }
        if (one_in(6)) {
            modules.push_back({Parallel{{{body(outputs)}, {{norm(width_)}, body(outputs)}}}});
        } else {
            modules.push_back(body(outputs));
        }
        if (one_in(4)) {
            modules.push_back({norm(outputs)});
        }
        if (one_in(8)) {
            modules.push_back({SoftCap{Interval::exact(random_.uniform(0.1, 10.0))}});
        }
        return modules;
    }

    Module block() {
        if (one_in(10)) {
            return body(width_);
        }
        const Index outputs = one_in(8) ? static_cast<Index>(random_.integer(1, 5)) : width_;
        Residual block;
        block.body = branch(outputs);
        if (outputs != width_ || one_in(10)) {
            block.projection = linear(outputs, width_);
        }
        if (one_in(2)) {
            block.skip_scale = small_factor();
            block.branch_scale = small_factor();
        }
        width_ = outputs;
        return {block};
    }

    std::vector<Module> layer() {
        std::vector<Module> modules;
        const std::size_t blocks = random_.integer(1, 3);
        for (std::size_t i = 0; i < blocks; ++i) {
            modules.push_back(block());
            if (one_in(5)) {
                modules.push_back({norm(width_)});
            }
            if (one_in(10)) {
                modules.push_back({Scale{small_factor()}});
            }
            if (one_in(12)) {
                modules.push_back({SoftCap{Interval::exact(random_.uniform(0.1, 10.0))}});
            }
            if (one_in(12)) {
                modules.push_back({Elementwise{activation()}});
            }
        }
        return modules;
    }

    GraphBuilder& builder_;
    Random& random_;
    double gain_;
    Index width_ = 0;
};

}  // namespace

double random_gain(Random& random, double low, double high) {
    return random.integer(0, 19) == 0 ? 0.0 : std::pow(10.0, random.uniform(low, high));
}

Architecture random_graph(GraphBuilder& builder, Random& random) {
    return Drawing(builder, random).draw();
}

}  // namespace lipcert::test
