#include "lipcert/bounds/compose.hpp"
#include "lipcert/bounds/embedding_hull.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "support/decompositions.hpp"
#include "support/probe.hpp"
#include "support/random.hpp"
#include "support/witness.hpp"
#include <doctest/doctest.h>

namespace lipcert::test {

namespace {

using Eigen::Index;

struct Tables {
    Matrix embeddings, positions;
};

/// Residual blocks of attention and MLPs with everything that R30 has a term for.
Architecture random_model(GraphBuilder& builder, Random& random, const Tables& tables) {
    const Index width = tables.embeddings.cols();
    std::vector<Module> modules;
    const std::size_t count = random.integer(1, 4);
    for (std::size_t k = 0; k < count; ++k) {
        const double gain = std::pow(10.0, random.uniform(-1.0, 0.5));
        Module body;
        // Attention first: without any, the bounds hold for every stream.
        if (k == 0 || random.integer(0, 1) == 0) {
            AttentionShape shape;
            shape.width = width;
            shape.heads = random.integer(1, 2);
            shape.key_value_heads = 1;
            shape.weight_gain = gain;
            shape.bias_gain = random.integer(0, 1) == 0 ? 0.0 : 3.0;
            shape.rotary =
                std::vector<Rotary>{Rotary::none, Rotary::half_split, Rotary::partial}.at(
                    random.integer(0, 2));
            Attention attention = random_attention(builder, random, shape);
            attention.squared_distance = shape.rotary == Rotary::none && shape.heads == 2;
            body = {attention};
        } else {
            const auto units = static_cast<Index>(random.integer(1, 5));
            Mlp mlp;
            mlp.in = builder.linear(random.gaussian(units, width, gain),
                                    random.gaussian_vector(units, random.uniform(0.0, 3.0)));
            mlp.out = builder.linear(random.gaussian(width, units), random.gaussian_vector(width));
            mlp.activation = std::vector<Activation>{Activation::mish,
                                                     Activation::gelu_erf,
                                                     Activation::hardswish,
                                                     Activation::relu_squared,
                                                     Activation::identity}
                                 .at(random.integer(0, 4));
            body = {mlp};
        }
        modules.push_back({residual({body}, random.uniform(-1.0, 1.0), random.uniform(-2.0, 2.0))});
    }
    Architecture architecture = one_layer(modules);
    architecture.embedding.weight = builder.store(tables.embeddings);
    if (tables.positions.size() > 0) {
        architecture.embedding.positions = builder.store(tables.positions);
    }
    return architecture;
}

/// A stream of the domain of R29: often a vertex.
Matrix mixture(Random& random, const Tables& tables, Index tokens) {
    Matrix stream(tokens, tables.embeddings.cols());
    const auto one = [&](const Matrix& table) {
        Vector weights = Vector::Zero(table.rows());
        weights(static_cast<Index>(random.integer(0, static_cast<std::size_t>(table.rows() - 1)))) =
            1.0;
        if (random.integer(0, 2) == 0) {
            weights = weights.array() + 0.5 * random.uniform(0.0, 1.0);
        }
        return Vector(table.transpose() * (weights / weights.sum()));
    };
    for (Index i = 0; i < tokens; ++i) {
        stream.row(i) = one(tables.embeddings).transpose();
        if (tables.positions.size() > 0) {
            stream.row(i) += one(tables.positions).transpose();
        }
    }
    return stream;
}

}  // namespace

TEST_CASE(
    "no mixture of embeddings refutes the bounds that are proved for them [R29] [R30] [R31]") {
    Random random(961);
    double closest = 0.0;
    std::size_t smaller = 0;
    // So many, even where fewer are asked for: one in some tens comes close.
    constexpr std::size_t kModels = 150;
    for (std::size_t i = 0; i < std::max(repetitions(kModels), kModels); ++i) {
        CAPTURE(i);
        const auto width = static_cast<Index>(random.integer(2, 4));
        Tables tables{random.gaussian(static_cast<Index>(random.integer(2, 5)), width), {}};
        if (random.integer(0, 1) == 0) {
            tables.positions = random.gaussian(3, width, random.uniform(0.0, 3.0));
        }
        GraphBuilder builder;
        const Architecture architecture = random_model(builder, random, tables);
        const NetworkBounds bounds = compose_on_embeddings(architecture, builder.checkpoint(), {});
        const Upper of_ball = compose(architecture, builder.checkpoint(), {}).blocks_l2.upper;
        smaller += bounds.blocks_l2.upper < of_ball ? 1U : 0U;
        const ForwardModel model(architecture, builder.checkpoint());
        const StreamFunction function =
            StreamFunction::of([&](const auto& stream) { return model.blocks(stream); });
        SearchOptions search;
        search.tokens = static_cast<Index>(random.integer(1, 3));
        search.dimension = width;
        const double bound = bounds.blocks_l2.upper.to_double();
        const double radius = bounds.layers[0].blocks.back().radius_out.to_double();
        for (std::size_t pair = 0; pair < 6; ++pair) {
            const Matrix first = mixture(random, tables, search.tokens);
            const Matrix other = mixture(random, tables, search.tokens);
            const Matrix second = first + (pair % 2 == 0 ? 1.0 : 1e-5) * (other - first);
            const double ratio = difference_quotient(function, first, second, search);
            CHECK(ratio <= bound);
            closest = std::max(closest, ratio / bound);
            CHECK(model.blocks(first).rowwise().norm().maxCoeff() <= radius * (1.0 + 1e-12));
        }
        // Steepest directions at a mixture: near it, every direction is as good as inside.
        const Matrix inner =
            0.5 * (mixture(random, tables, search.tokens) + mixture(random, tables, search.tokens));
        const double gain = largest_gain(jacobian(function, inner), search, random).value;
        CHECK(gain <= bound * (1.0 + 1e-9));
        closest = std::max(closest, gain / bound);
    }
    CHECK(closest > 0.9);
    CHECK(smaller > 0);
}

TEST_CASE("a chain of linear blocks is bounded by the norm of its product [R30]") {
    Random random(962);
    GraphBuilder builder;
    Matrix product = Matrix::Identity(3, 3);
    std::vector<Module> modules;
    for (std::size_t k = 0; k < 3; ++k) {
        Mlp mlp;
        const Matrix in = random.gaussian(4, 3);
        const Matrix out = random.gaussian(3, 4);
        mlp.in = builder.linear(in);
        mlp.out = builder.linear(out);
        mlp.activation = Activation::identity;
        modules.push_back({residual({{mlp}}, 0.5)});
        product = (0.5 * Matrix::Identity(3, 3) + out * in) * product;
    }
    // Something that needs a bounded domain, and adds nothing.
    AttentionShape shape;
    shape.width = 3;
    Attention nothing = random_attention(builder, random, shape);
    nothing.output_scale = Interval::exact(0.0);
    modules.push_back({residual({{nothing}})});
    Probe probe;
    probe.width = 3;
    const NetworkBounds bounds = proved(builder, modules, probe);
    const double exact = largest_singular_value(product);
    CHECK(bounds.blocks_l2.upper.to_double() >= exact * (1.0 - 1e-12));
    CHECK(bounds.blocks_l2.upper.to_double() <= exact * (1.0 + 1e-6));
    CHECK(bounds.blocks_l2.rule.find("R30") != std::string::npos);
}

TEST_CASE("positions count in the radius of a mixture of embeddings [R29]") {
    Random random(963);
    GraphBuilder builder;
    const Tables tables{0.01 * random.gaussian(3, 4), random.gaussian(3, 4)};
    AttentionShape shape;
    Architecture architecture =
        one_layer({{residual({{random_attention(builder, random, shape)}})}});
    architecture.embedding.weight = builder.store(tables.embeddings);
    const double without =
        compose_on_embeddings(architecture, builder.checkpoint(), {}).blocks_l2.upper.to_double();
    architecture.embedding.positions = builder.store(tables.positions);
    const double with =
        compose_on_embeddings(architecture, builder.checkpoint(), {}).blocks_l2.upper.to_double();
    CHECK(with > 1.5 * without);
}

}  // namespace lipcert::test
