#include "lipcert/bounds/searches.hpp"

#include <limits>

#include "bounds/best.hpp"
#include "bounds/search_scope.hpp"
#include <doctest/doctest.h>

using lipcert::Best;
using lipcert::Bound;
using lipcert::FoundParameters;
using lipcert::Searches;
using lipcert::SearchScope;
using lipcert::Upper;

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

TEST_CASE("where a statement does not fit nothing is searched, and that is said") {
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
        CHECK(searches.take("multiplier", 1, fail).empty());
        CHECK(searches.disagreement());
    }
    Searches none{std::vector<lipcert::FoundParameters>()};
    none.enter("layer 0 mlp");
    CHECK(none.take("multiplier", 1, fail).empty());
    CHECK(none.disagreement());
}

namespace {

/// Two bounds of a part, each with a search, the second with a choice of its own; notes which are
/// computed.
Upper least_of_two(double first, double second, std::vector<int>& computed) {
    Best best("part");
    best.offer([&] {
        computed.push_back(1);
        return Bound{
            Upper::exact(
                first *
                lipcert::found_parameters("a", 1, [] { return std::vector<double>{1.0}; }).front()),
            "R1"};
    });
    best.offer(
        [&] {
            computed.push_back(2);
            Best inner("inner part");
            inner.offer([&] { return Upper::exact(100.0 * second); }, "R2");
            inner.offer(
                [&] {
                    computed.push_back(3);
                    return Upper::exact(second * lipcert::found_parameters("b", 1, [] {
                                                     return std::vector<double>{2.0};
                                                 }).front());
                },
                "R3");
            return inner.decide().upper();
        },
        "R4");
    return best.decide().upper();
}

}  // namespace

TEST_CASE("only the candidate that is used is remembered, and only that one computed again") {
    const std::vector<FoundParameters> first = {{"x", "candidate for part", {1.0}},
                                                {"x", "a", {1.0}}};
    const std::vector<FoundParameters> second = {{"x", "candidate for part", {2.0}},
                                                 {"x", "candidate for inner part", {2.0}},
                                                 {"x", "b", {2.0}}};
    for (const bool is_first : {true, false}) {
        std::vector<int> computed;
        Searches searches;
        searches.enter("x");
        Upper least;
        {
            const SearchScope scope(&searches);
            least = least_of_two(is_first ? 3.0 : 8.0, 2.0, computed);
        }
        CHECK(computed == std::vector<int>{1, 2, 3});
        CHECK(searches.found() == (is_first ? first : second));

        computed.clear();
        Searches again(searches.found());
        again.enter("x");
        {
            const SearchScope scope(&again);
            CHECK(least_of_two(is_first ? 3.0 : 8.0, 2.0, computed) == least);
        }
        CHECK(computed == (is_first ? std::vector<int>{1} : std::vector<int>{2, 3}));
        CHECK_FALSE(again.disagreement());
        CHECK(again.found() == searches.found());
    }
}

TEST_CASE("a stated choice that is worse proves what it proves, and one that is none nothing") {
    std::vector<int> computed;
    // The second candidate, whose bound is 4, where the first has 3.
    Searches worse(std::vector<FoundParameters>{{"x", "candidate for part", {2.0}},
                                                {"x", "candidate for inner part", {2.0}},
                                                {"x", "b", {2.0}}});
    worse.enter("x");
    {
        const SearchScope scope(&worse);
        CHECK(least_of_two(3.0, 2.0, computed) == Upper::exact(4.0));
    }
    CHECK_FALSE(worse.disagreement());
    for (const double number : {7.0, 1.5, 1e300}) {
        Searches none(std::vector<FoundParameters>{{"x", "candidate for part", {number}}});
        none.enter("x");
        const SearchScope scope(&none);
        CHECK_FALSE(least_of_two(3.0, 2.0, computed).is_finite());
    }
    // A candidate that is not named is the first, which must need no search.
    computed.clear();
    Searches wrong(std::vector<FoundParameters>{{"x", "candidate for part", {0.0}}});
    wrong.enter("x");
    const SearchScope scope(&wrong);
    const std::optional<std::size_t> first = lipcert::stated_candidate("part", [] {
        FAIL("nothing is to be tried");
        return std::size_t{2};
    });
    CHECK(first == 1);
    CHECK(wrong.disagreement());
}

namespace {

/// A bound of 2 and one that costs a search, of which a glance may prove 3; notes what is computed.
Best with_glance(bool is_hopeless, std::vector<int>& computed) {
    Best best("part");
    best.offer([] { return Upper::exact(2.0); }, "R1");
    best.offer_after(
        [&, is_hopeless]() -> std::optional<Bound> {
            computed.push_back(1);
            return is_hopeless ? std::optional(Bound{Upper::exact(3.0), "R2"}) : std::nullopt;
        },
        [&] {
            computed.push_back(2);
            const auto found =
                lipcert::found_parameters("a", 1, [] { return std::vector<double>{1.0}; });
            return Bound{Upper::exact(found.front()), "R2"};
        });
    return best.decide();
}

}  // namespace

TEST_CASE("a candidate that a glance rules out is listed, not computed, unless it is stated") {
    std::vector<int> computed;
    Searches searches;
    searches.enter("x");
    {
        const SearchScope scope(&searches);
        const Best best = with_glance(true, computed);
        CHECK(best.upper() == Upper::exact(2.0));
        CHECK(best.rule() == "R1");
        REQUIRE(best.alternatives().size() == 2);
        CHECK(best.alternatives()[1].upper == Upper::exact(3.0));
    }
    CHECK(computed == std::vector<int>{1});
    CHECK(searches.found() == std::vector<FoundParameters>{{"x", "candidate for part", {1.0}}});

    computed.clear();
    CHECK(with_glance(false, computed).upper() == Upper::exact(1.0));
    CHECK(computed == std::vector<int>{1, 2});

    // `verify` takes no glance: what is stated is proved.
    computed.clear();
    Searches stated(
        std::vector<FoundParameters>{{"x", "candidate for part", {2.0}}, {"x", "a", {1.0}}});
    stated.enter("x");
    const SearchScope scope(&stated);
    CHECK(with_glance(true, computed).upper() == Upper::exact(1.0));
    CHECK(computed == std::vector<int>{2});
    CHECK_FALSE(stated.disagreement());
}

TEST_CASE("a glance never wins, even where it proves less than all others") {
    Best best("part");
    best.offer_after(
        [] {
            return std::optional(Bound{Upper::exact(1.0), "R1"});
        },
        [] {
            return Bound{Upper::exact(1.0), "R1"};
        });
    best.offer([] { return Upper::exact(2.0); }, "R2");
    CHECK(best.decide().upper() == Upper::exact(2.0));
    CHECK(best.rule() == "R2");
}
