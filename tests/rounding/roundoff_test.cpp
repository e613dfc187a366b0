#include "lipcert/rounding/roundoff.hpp"

#include <cmath>

#include "support/exact.hpp"
#include <doctest/doctest.h>

using lipcert::Upper;

TEST_CASE("gamma_n is at least n U, not much more, and infinite where n U reaches one") {
    CHECK(lipcert::gamma(0).is_zero());
    for (const std::size_t n :
         {std::size_t{1}, std::size_t{768}, std::size_t{4096}, std::size_t{1} << 30}) {
        const Upper plain = Upper::of_count(n).scaled(-52);
        CHECK(lipcert::gamma(n) >= plain);
        CHECK(lipcert::gamma(n) <= plain * Upper::exact(1.0000005));
    }
    for (const std::size_t n : {std::size_t{1}, std::size_t{100000}, std::size_t{1} << 40}) {
        CAPTURE(n);
        CHECK(lipcert::test::is_rounded_up(lipcert::gamma(n),
                                           lipcert::test::exact_gamma(static_cast<long>(n))));
    }
    CHECK_FALSE(lipcert::gamma(std::size_t{1} << 52).is_finite());
}
