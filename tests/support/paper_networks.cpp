#include "support/paper_networks.hpp"

#include <cmath>
#include <random>
#include <variant>

#include "support/decompositions.hpp"
#include "support/forward.hpp"

namespace lipcert::test {

namespace {

using Eigen::Index;

/// A source of numbers that LIPCERT_TEST_SEED does not change.
class Fixed {
public:
    explicit Fixed(std::uint64_t seed) : engine_(seed) {}

    Matrix gaussian(Index rows, Index cols) {
        return Matrix::NullaryExpr(rows, cols, [this] { return normal_(engine_); });
    }

private:
    std::mt19937_64 engine_;
    std::normal_distribution<double> normal_;
};

/// Of spectral norm rms_norm sqrt(rows/cols).
Matrix drawn(Fixed& source, Index rows, Index cols, const PaperNetwork& network, double rms_norm) {
    Matrix weight = source.gaussian(rows, cols);
    if (network.orthogonal) {
        const bool tall = rows >= cols;
        const Matrix upright = tall ? weight : Matrix(weight.transpose());
        const Matrix basis = orthonormal_basis(upright);
        weight = tall ? basis : Matrix(basis.transpose());
    }
    const double target =
        rms_norm * std::sqrt(static_cast<double>(rows) / static_cast<double>(cols));
    return weight * (target / largest_singular_value(weight));
}

struct Running {
    double constant = 1.0;
    double radius = 0.0;
};

Matrix stored(const Checkpoint& checkpoint, const LinearMap& map) {
    return checkpoint.read(*checkpoint.find(map.weight));
}

void pass(const Attention& attention,
          const Residual& residual,
          const Checkpoint& checkpoint,
          Running& running) {
    const Matrix query = stored(checkpoint, attention.query);
    const Matrix key = stored(checkpoint, attention.key);
    const Matrix value = stored(checkpoint, attention.value);
    const Matrix output = stored(checkpoint, attention.output);
    const auto heads = static_cast<Index>(attention.heads);
    const Index rows = query.rows() / heads;
    const double tau = midpoint(attention.score_scale);
    double gain = 0.0;
    double reach = 0.0;
    for (Index h = 0; h < heads; ++h) {
        const auto part = [&](const Matrix& matrix) {
            return largest_singular_value(matrix.middleRows(h * rows, rows));
        };
        const double path = largest_singular_value(output.middleCols(h * rows, rows)) * part(value);
        gain +=
            path * (1.0 + 2.0 * tau * running.radius * running.radius * part(query) * part(key));
        reach += path;
    }
    const double skip = midpoint(residual.skip_scale);
    const double branch = midpoint(residual.branch_scale) * midpoint(attention.output_scale);
    running.constant *= skip + branch * gain;
    running.radius *= skip + branch * reach;
}

void pass(const Mlp& mlp,
          const Residual& residual,
          const Checkpoint& checkpoint,
          Running& running) {
    constexpr double kSlope = 1.12890414518515479;  // of gelu, erf form
    const double gain = midpoint(residual.branch_scale) * midpoint(mlp.activation_scale) *
                        largest_singular_value(stored(checkpoint, mlp.out)) *
                        largest_singular_value(stored(checkpoint, mlp.in));
    const double skip = midpoint(residual.skip_scale);
    running.constant *= skip + kSlope * gain;
    running.radius *= skip + gain;
}

}  // namespace

std::vector<PaperNetwork> paper_networks() {
    std::vector<PaperNetwork> networks = {
        {"d32 H4 2 layers, orthogonal", 32, 4, 2, true, 1.0, false, 1},
        {"d32 H4 6 layers, random", 32, 4, 6, false, 1.0, false, 2},
        {"d32 H4 6 layers, random, q k 3", 32, 4, 6, false, 3.0, false, 3},
        {"d64 H8 12 layers, random", 64, 8, 12, false, 1.0, false, 4},
        {"d64 H4 6 layers, orthogonal, q k 2", 64, 4, 6, true, 2.0, false, 5}};
    const std::size_t count = networks.size();
    for (std::size_t i = 0; i < count; ++i) {
        networks.push_back(networks[i]);
        networks.back().name += ", rotary";
        networks.back().rotary = true;
    }
    return networks;
}

TinyModel build(const PaperNetwork& network) {
    Random unused(1);
    LipschitzOptions options;
    options.width = network.width;
    options.heads = network.heads;
    options.layers = network.layers;
    options.inner_width = 4 * network.width;
    options.vocabulary = network.width;
    if (!network.rotary) {
        options.rope = nullptr;
    }
    options.edit = [&network](TinyTensors& tensors) {
        Fixed source(network.seed);
        for (auto& [name, matrix] : tensors.matrices) {
            if (name == "embed.weight") {
                matrix = source.gaussian(matrix.rows(), matrix.cols());
                matrix.rowwise().normalize();
                matrix *= std::sqrt(static_cast<double>(matrix.cols()));
                continue;
            }
            const bool scores = name.ends_with("attn_q.weight") || name.ends_with("attn_k.weight");
            matrix = drawn(source,
                           matrix.rows(),
                           matrix.cols(),
                           network,
                           scores ? network.query_key_norm : 1.0);
        }
    };
    return tiny_lipschitz_transformer(unused, options);
}

double naive_product(const Architecture& architecture,
                     const Checkpoint& checkpoint,
                     double radius) {
    Running running{1.0, radius};
    for (const Layer& layer : architecture.layers) {
        for (const Module& module : layer.modules) {
            const auto& residual = std::get<Residual>(module.kind);
            if (const auto* attention = std::get_if<Attention>(&residual.body.front().kind)) {
                pass(*attention, residual, checkpoint, running);
            } else {
                pass(std::get<Mlp>(residual.body.front().kind), residual, checkpoint, running);
            }
        }
    }
    return running.constant;
}

}  // namespace lipcert::test
