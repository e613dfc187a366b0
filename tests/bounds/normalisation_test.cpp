#include "lipcert/bounds/normalisation.hpp"

#include "lipcert/error.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "support/decompositions.hpp"
#include "support/probe.hpp"
#include "support/random.hpp"
#include <doctest/doctest.h>

namespace lipcert::test {

namespace {

BlockBound only_block(GraphBuilder& builder, const Module& module, const Probe& probe) {
    return proved(builder, {module}, probe).layers[0].blocks[0];
}

}  // namespace

TEST_CASE("no input moves a normalisation, or takes it, further than its bounds [R14]") {
    Random random(501);
    for (std::size_t i = 0; i < repetitions(60); ++i) {
        CAPTURE(i);
        Probe probe;
        probe.width = static_cast<Eigen::Index>(random.integer(1, 6));
        probe.radius = std::exp(random.uniform(-4.0, 3.0));
        GraphBuilder builder;
        const Normalisation norm = builder.norm(i % 2 == 0 ? NormKind::layer : NormKind::rms,
                                                std::exp(random.uniform(-12.0, 1.0)),
                                                random.gaussian_vector(probe.width),
                                                random.gaussian_vector(probe.width));
        const BlockBound block = only_block(builder, {norm}, probe);
        CHECK(witnessed(builder, {{norm}}, probe, random) <= block.lipschitz.to_double());
        CHECK(reached(builder, {{norm}}, probe, random) <= block.radius_out.to_double());
    }
}

TEST_CASE("the slope of a normalisation at the origin is 1/sqrt(epsilon) [R14]") {
    GraphBuilder builder;
    const Normalisation norm = builder.norm(NormKind::layer, 1e-6);
    Matrix direction(1, 4);
    direction << 1.0, -1.0, 2.0, -2.0;
    const double ratio = quotient(builder.model({{norm}}), Matrix::Zero(1, 4), direction, 1e-9);
    const double bound = normalisation_lipschitz(norm.epsilon, "").to_double();
    CHECK(ratio <= bound);
    CHECK(ratio > 0.999999 * bound);
}

TEST_CASE("an infinite stream has radius sqrt(d) behind a normalisation, a small one less [R14]") {
    const Interval epsilon = Interval::exact(1e-2);
    const double sphere = normalisation_radius(9, epsilon, Upper::infinity()).to_double();
    CHECK(sphere >= 3.0);
    CHECK(sphere <= 3.0 + 1e-15);
    const double exact = 3.0 * 0.5 / std::sqrt(0.25 + 9.0 * 1e-2);
    const double small = normalisation_radius(9, epsilon, Upper::exact(0.5)).to_double();
    CHECK(small == doctest::Approx(exact).epsilon(1e-14));
    CHECK(normalisation_radius(9, epsilon, Upper()).is_zero());
}

TEST_CASE("a normalisation without a positive epsilon is refused [R14]") {
    CHECK_THROWS_AS((void)normalisation_lipschitz(Interval::exact(0.0), "layer 0"), Error);
    CHECK(normalisation_lipschitz(Interval::exact(1e-12), "").to_double() ==
          doctest::Approx(1e6).epsilon(1e-12));
}

TEST_CASE("a linear map takes gamma, the centring and beta of the norm before it [R14]") {
    Random random(502);
    for (std::size_t i = 0; i < repetitions(30); ++i) {
        CAPTURE(i);
        Probe probe;
        probe.width = 4;
        GraphBuilder builder;
        const Vector gamma = random.gaussian_vector(4);
        const Vector beta = random.gaussian_vector(4);
        const Matrix weight = random.gaussian(3, 4);
        Normalisation norm =
            builder.norm(i % 2 == 0 ? NormKind::layer : NormKind::rms, 1e-2, gamma, beta);
        norm.weight_plus_one = i % 3 == 0;
        const std::vector<Module> modules = {{norm}, {builder.linear(weight)}};
        const NetworkBounds bounds = proved(builder, modules, probe);
        const Vector effective = norm.weight_plus_one ? (gamma.array() + 1.0).matrix() : gamma;
        Matrix folded = weight * effective.asDiagonal();
        if (norm.kind == NormKind::layer) {
            folded.colwise() -= folded.rowwise().mean().eval();
        }
        const double exact = largest_singular_value(folded) / std::sqrt(1e-2);
        const double bound = bounds.blocks_l2.upper.to_double();
        CHECK(bound >= exact * (1.0 - 1e-12));
        CHECK(bound <= exact * (1.0 + 1e-7));
        CHECK(witnessed(builder, modules, probe, random) <= bound);
        CHECK(reached(builder, modules, probe, random) <=
              bounds.layers[0].blocks[1].radius_out.to_double());
    }
}

TEST_CASE("a layer norm of one entry is constant, and its readers know [R14]") {
    GraphBuilder builder;
    Probe probe;
    probe.width = 1;
    const std::vector<Module> modules = {{builder.norm(NormKind::layer, 1e-5)},
                                         {builder.linear(Matrix::Constant(1, 1, 7.0))}};
    CHECK(proved(builder, modules, probe).blocks_l2.upper.to_double() < 1e-9);
}

TEST_CASE("a unit norm is bounded by its epsilon, or by the length that is assumed [R16]") {
    Random random(312);
    double best = 0.0;
    for (std::size_t i = 0; i < repetitions(200); ++i) {
        const auto width = static_cast<Eigen::Index>(random.integer(1, 4));
        const double epsilon = std::exp(random.uniform(-4.0, 0.0));
        const Interval floor = Interval::exact(epsilon);
        const auto normed = [&](const Vector& x) {
            return Vector(x / std::max(x.norm(), epsilon));
        };
        const double length = std::exp(random.uniform(-5.0, 1.0));
        const Vector x = length * random.gaussian_vector(width);
        const Vector y =
            x + length * std::exp(random.uniform(-6.0, 0.0)) * random.gaussian_vector(width);
        const double moved = (normed(x) - normed(y)).norm() / (x - y).norm();
        const auto dimension = static_cast<std::size_t>(width);
        const double everywhere =
            unit_norm_lipschitz(floor, std::nullopt, dimension, "").to_double();
        CHECK(moved <= everywhere * (1.0 + 1e-12));
        const double rms = std::min(x.norm(), y.norm()) / std::sqrt(static_cast<double>(width));
        const double away =
            unit_norm_lipschitz(floor, Lower::exact(rms * (1.0 - 1e-12)), dimension, "")
                .to_double();
        CHECK(moved <= away * (1.0 + 1e-12));
        CHECK(away <= everywhere);
        best = std::max(best, moved / away);
        const Upper radius = Upper::exact(x.norm());
        CHECK(normed(x).norm() <= unit_norm_radius(floor, radius).to_double() * (1.0 + 1e-12));
    }
    CHECK(best > 0.999);
}

}  // namespace lipcert::test
