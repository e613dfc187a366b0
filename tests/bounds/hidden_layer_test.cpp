// Families of diagonal matrices at multiples of the multiplier that a hidden layer's families
// share, as matrices get it that are too large for a search.
#include "bounds/hidden_layer.hpp"

#include "lipcert/bounds/searches.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "bounds/lipsdp.hpp"
#include "bounds/search_scope.hpp"
#include "support/decompositions.hpp"
#include "support/random.hpp"
#include <doctest/doctest.h>

namespace lipcert::test {

namespace {

using Eigen::Index;

struct Maps {
    Matrix in, out, centre;
    double half_width = 1.0;
};

/// The largest norm of a member whose entries are at the ends of their range.
double worst_corner(const Maps& maps) {
    double worst = 0.0;
    for (unsigned corner = 0; corner < (1U << maps.in.rows()); ++corner) {
        Vector delta(maps.in.rows());
        for (Index k = 0; k < delta.size(); ++k) {
            delta(k) = (corner >> k & 1U) != 0 ? maps.half_width : -maps.half_width;
        }
        worst = std::max(
            worst, largest_singular_value(maps.centre + maps.out * delta.asDiagonal() * maps.in));
    }
    return worst;
}

std::optional<Upper> closed_form(const Maps& maps, const HiddenLayer& layer) {
    const FamilyCentre centre(MatrixBall::of(maps.centre));
    return lipsdp_bound({centre, layer, Upper::exact(maps.half_width)}, Effort::fast);
}

std::optional<Upper> closed_form(const Maps& maps) {
    return closed_form(maps, HiddenLayer(MatrixBall::of(maps.in), MatrixBall::of(maps.out)));
}

Maps random_maps(Random& random, double least, double most) {
    const auto inputs = static_cast<Index>(random.integer(1, 5));
    const auto outputs = static_cast<Index>(random.integer(1, 5));
    const auto hidden = static_cast<Index>(random.integer(1, 7));
    const auto gain = [&] { return std::pow(10.0, random.uniform(least, most)); };
    Maps maps;
    maps.in = random.gaussian(hidden, inputs, gain());
    maps.out = random.gaussian(outputs, hidden, gain());
    maps.half_width = std::pow(10.0, random.uniform(-2.0, 2.0));
    const double typical = maps.half_width * maps.in.norm() * maps.out.norm();
    maps.centre = random.gaussian(outputs, inputs, typical * std::pow(10.0, random.uniform(-3, 2)));
    return maps;
}

/// h + r |W2 T0^-1/2| |T0^1/2 W1|
double textbook(const Maps& maps) {
    const Vector roots = balanced_multiplier(maps.in, maps.out).cwiseSqrt();
    return largest_singular_value(maps.centre) +
           maps.half_width * largest_singular_value(maps.out * roots.cwiseInverse().asDiagonal()) *
               largest_singular_value(roots.asDiagonal() * maps.in);
}

}  // namespace

TEST_CASE(
    "no member exceeds the bound at a multiple of T0, nor that the closed form [R10] [R10']") {
    Random random(421);
    double best = 0.0;
    for (std::size_t i = 0; i < repetitions(60); ++i) {
        CAPTURE(i);
        Maps maps = random_maps(random, -60.0, 60.0);
        if (i % 3 == 0) {  // units that do nothing, by one map or the other
            maps.in.row(0).setZero();
            maps.out.col(maps.out.cols() - 1).setZero();
        }
        if (maps.in.isZero(0.0) || maps.out.isZero(0.0)) {
            CHECK_FALSE(closed_form(maps));
            continue;
        }
        const std::optional<Upper> bound = closed_form(maps);
        REQUIRE(bound);
        const double worst = worst_corner(maps);
        CHECK(worst <= bound->to_double() * (1.0 + 1e-12));
        CHECK(bound->to_double() <= textbook(maps) * (1.0 + 1e-4));
        best = std::max(best, worst / bound->to_double());
    }
    CHECK(best > 0.999);
}

TEST_CASE("a column that weighs little keeps the multiplier, one that weighs much has its own") {
    Random random(422);
    for (std::size_t i = 0; i < repetitions(40); ++i) {
        CAPTURE(i);
        Maps maps = random_maps(random, -3.0, 3.0);
        const bool is_little = i % 2 == 0;
        Vector column = maps.in.rowwise().norm() * (is_little ? 0.1 : 30.0);
        for (double& entry : column) {
            entry *= random.uniform(-1.0, 1.0);
        }
        const HiddenLayer layer(MatrixBall::of(maps.in), MatrixBall::of(maps.out));
        const HiddenLayer augmented(layer, MatrixBall::of_vector(column));
        CHECK((&augmented.grams().x.centre() == &layer.grams().x.centre()) ==
              ((column.array().abs() <= 0.125 * maps.in.rowwise().norm().array()).all()));
        Maps all = maps;
        all.in.conservativeResize(Eigen::NoChange, maps.in.cols() + 1);
        all.in.rightCols(1) = column;
        all.centre.conservativeResize(Eigen::NoChange, maps.in.cols() + 1);
        all.centre.rightCols(1) = random.gaussian(all.centre.rows(), 1, maps.centre.norm());
        const std::optional<Upper> bound = closed_form(all, augmented);
        REQUIRE(bound);
        CHECK(worst_corner(all) <= bound->to_double() * (1.0 + 1e-12));
        const std::optional<Upper> own = closed_form(all);
        REQUIRE(own);
        CHECK(bound->to_double() <= own->to_double() * (1.0 + 1e-2));
    }
}

TEST_CASE("a zero column changes nothing, and a unit with a bias alone costs what it does") {
    Maps maps;
    maps.in = Matrix::Identity(2, 2);
    maps.out = Matrix::Identity(2, 2);
    maps.centre = Matrix::Zero(2, 2);
    const HiddenLayer layer(MatrixBall::of(maps.in), MatrixBall::of(maps.out));
    const HiddenLayer beside(layer, MatrixBall::zero(2, 1));
    maps.centre = Matrix::Zero(2, 3);
    const double same = closed_form(maps, beside)->to_double();
    CHECK(same >= 1.0);
    CHECK(same <= 1.0 + 1e-4);
    maps.in.row(0) *= 1e-30;
    const HiddenLayer uneven(MatrixBall::of(maps.in), MatrixBall::of(maps.out));
    Vector bias = Vector::Zero(2);
    bias(0) = 1.0;
    const double biased =
        closed_form(maps, HiddenLayer(uneven, MatrixBall::of_vector(bias)))->to_double();
    CHECK(biased >= 1.0);
    CHECK(biased <= 1.0 + 1e-4);
}

TEST_CASE("a unit that does next to nothing costs next to nothing") {
    Random random(425);
    Maps maps;
    maps.in = random.gaussian(6, 4);
    maps.out = random.gaussian(5, 6);
    maps.in.row(0).setZero();
    maps.out.col(1).setZero();
    maps.centre = random.gaussian(5, 4);
    const double without = closed_form(maps)->to_double();
    for (const double little : {1e-9, 1e-14, 1e-25, 1e-160}) {
        CAPTURE(little);
        maps.in.row(0).setConstant(little);
        maps.out.col(1).setConstant(little);
        const double with = closed_form(maps)->to_double();
        CHECK(with >= worst_corner(maps));
        CHECK(with <= 1.01 * without);
    }
}

TEST_CASE("the norms of both maps are estimated from below") {
    Random random(423);
    for (std::size_t i = 0; i < repetitions(20); ++i) {
        const Maps maps = random_maps(random, -20.0, 20.0);
        const HiddenLayer layer(MatrixBall::of(maps.in), MatrixBall::of(maps.out));
        const double exact = largest_singular_value(maps.in) * largest_singular_value(maps.out);
        CHECK(layer.norms_estimate() <= exact * (1.0 + 1e-12));
        CHECK(layer.norms_estimate() >= 0.5 * exact);
        const FamilyCentre centre(MatrixBall::of(maps.centre));
        CHECK(std::ldexp(centre.estimate(), static_cast<int>(centre.map().exponent())) ==
              doctest::Approx(largest_singular_value(maps.centre)).epsilon(1e-5));
    }
}

TEST_CASE("of a multiple one number is stated, and any number bounds every member [R0] [R10]") {
    Random random(424);
    const Maps maps = random_maps(random, -3.0, 3.0);
    Searches made;
    std::optional<Upper> bound;
    {
        const SearchScope scope(&made);
        bound = closed_form(maps);
    }
    REQUIRE(bound);
    REQUIRE(made.found().size() == 1);
    CHECK(made.found().front().values.size() == 1);
    const auto restated = [&](double number) {
        FoundParameters parameter = made.found().front();
        parameter.values = {number};
        Searches stated(std::vector<FoundParameters>{parameter});
        const SearchScope scope(&stated);
        return closed_form(maps);
    };
    const double found = made.found().front().values.front();
    CHECK(restated(found) == bound);
    std::size_t proved = 0;
    for (const double factor : {5e-324, 1e-310, 1e-200, 0.5, 0.99, 1.5, 100.0, 1e150, 1e300}) {
        CAPTURE(factor);
        const std::optional<Upper> other =
            restated(factor > 0.1 && factor < 1e6 ? factor * found : factor);
        CHECK((!other || worst_corner(maps) <= other->to_double() * (1.0 + 1e-12)));
        proved += other ? 1U : 0U;
    }
    CHECK(proved >= 2);
}

}  // namespace lipcert::test
