#include "lipcert/architecture/description.hpp"
#include "lipcert/bounds/compose.hpp"

#include <cmath>
#include <string>

#include "support/published_models.hpp"
#include "support/soundness.hpp"
#include <doctest/doctest.h>

namespace lipcert::test {

TEST_CASE("no input refutes a bound of any published family") {
    for (std::size_t i = 0; i < repetitions(2); ++i) {
        Random random(std::size_t{911} * 1000003 + i);
        for (const PublishedModel& published : published_models(random)) {
            const TinyModel tiny = make_model(published.tensors, published.configuration);
            const Architecture architecture = architecture_of(*tiny.checkpoint, tiny.configuration);
            if (architecture.embedding.vectors) {
                continue;  // more tokens come out than go in, for which this search is not made
            }
            const std::size_t tokens = random.integer(1, 3);
            const NetworkBounds bounds = compose(architecture, *tiny.checkpoint, {tokens, {}});
            const ForwardModel model(architecture, *tiny.checkpoint, published.rotation);
            const Soundness found = attack(model, bounds, tokens, {8, 1, 3, 2}, random);
            CAPTURE(published.family);
            CAPTURE(i);
            CHECK(bounds.domain.everything == (published.family != "nanogpt-lipschitz"));
            for (const std::string& violation : found.violations) {
                FAIL_CHECK(violation);
            }
        }
    }
}

namespace {

double largest_row(const Matrix& matrix) {
    return std::sqrt(matrix.rowwise().squaredNorm().maxCoeff());
}

}  // namespace

TEST_CASE("no pair of inputs refutes a bound of a family for the forward pass of its class") {
    for (std::size_t i = 0; i < repetitions(1); ++i) {
        Random random(std::size_t{917} * 1000003 + i);
        for (const PublishedModel& published : published_models(random)) {
            CAPTURE(published.family);
            const TinyModel tiny = make_model(published.tensors, published.configuration);
            const Architecture architecture = architecture_of(*tiny.checkpoint, tiny.configuration);
            const NetworkBounds bounds = compose(architecture, *tiny.checkpoint, {});
            if (!bounds.domain.everything) {
                continue;  // random streams leave the ball; the test above covers these
            }
            const double bound = bounds.max_token_l2.upper.to_double();
            for (const double step : {1e-6, 1e-3, 1.0}) {
                const Matrix x = random.gaussian(5, 8, random.uniform(0.1, 2.0));
                const Matrix y = x + random.gaussian(5, 8, step);
                const double moved = largest_row(published.forward(published.tensors, x) -
                                                 published.forward(published.tensors, y));
                CHECK(moved > 0.0);
                CHECK(moved <= bound * largest_row(x - y));
            }
        }
    }
}

}  // namespace lipcert::test
