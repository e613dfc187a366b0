#include "lipcert/architecture/description.hpp"
#include "lipcert/bounds/compose.hpp"

#include <string>

#include "support/published_models.hpp"
#include "support/soundness.hpp"
#include <doctest/doctest.h>

namespace lipcert::test {

TEST_CASE("no input refutes a bound of any published family") {
    for (std::size_t i = 0; i < repetitions(3); ++i) {
        Random random(std::size_t{911} * 1000003 + i);
        for (const PublishedModel& published : published_models(random)) {
            const TinyModel tiny = make_model(published.tensors, published.configuration);
            const Architecture architecture = architecture_of(*tiny.checkpoint, tiny.configuration);
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

}  // namespace lipcert::test
