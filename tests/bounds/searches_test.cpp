#include "lipcert/bounds/searches.hpp"

#include <limits>

#include <doctest/doctest.h>

using lipcert::Searches;

namespace {

std::vector<double> fail() {
    FAIL("nothing is to be searched");
    return {};
}

}  // namespace

TEST_CASE("what was found is answered again without a search") {
    Searches first;
    first.enter("layer 0 mlp");
    CHECK(first.take("multiplier", 2, [] { return std::vector<double>{1.0, 2.0}; }).size() == 2);
    first.enter("layer 1 mlp");
    CHECK(first.take("multiplier", 3, [] { return std::vector<double>(); }).empty());
    CHECK_FALSE(first.disagreement());

    Searches second(first.found());
    second.enter("layer 0 mlp");
    CHECK(second.take("multiplier", 2, fail) == std::vector<double>{1.0, 2.0});
    CHECK(second.disagreement());  // one is left
    second.enter("layer 1 mlp");
    CHECK(second.take("multiplier", 3, fail).empty());
    CHECK_FALSE(second.disagreement());
    CHECK(second.found() == first.found());
}

TEST_CASE("what does not fit is searched after all, and said") {
    const auto search = [] { return std::vector<double>{1.0}; };
    const double infinity = std::numeric_limits<double>::infinity();
    const std::vector<lipcert::FoundParameters> wrong = {{"layer 1 mlp", "multiplier", {2.0}},
                                                         {"layer 0 mlp", "head-weights", {2.0}},
                                                         {"layer 0 mlp", "multiplier", {2.0, 2.0}},
                                                         {"layer 0 mlp", "multiplier", {0.0}},
                                                         {"layer 0 mlp", "multiplier", {-2.0}},
                                                         {"layer 0 mlp", "multiplier", {infinity}}};
    for (const lipcert::FoundParameters& stated : wrong) {
        Searches searches({stated});
        searches.enter("layer 0 mlp");
        CHECK(searches.take("multiplier", 1, search) == search());
        CHECK(searches.disagreement());
    }
    Searches none{std::vector<lipcert::FoundParameters>()};
    none.enter("layer 0 mlp");
    CHECK(none.take("multiplier", 1, search) == search());
    CHECK(none.disagreement());
}
