#include "bounds/lipsdp.hpp"

#include "lipcert/rounding/roundoff.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "bounds/multiplier.hpp"
#include "bounds/search_scope.hpp"
#include "norms/schur_complement.hpp"

namespace lipcert {

namespace {

using Eigen::Index;

/// Exponents that doubles carry without loss in what follows.
constexpr long kLargestExponent = 400;
constexpr long kSmallestExponent = -900;

/// A family, its numbers scaled by powers of two so that W1 and W2 are of order one.
struct Scaled {
    const DiagonalFamily& family;
    double half_width = 0.0;  ///< r, rounded up: that only enlarges the family

    /// That of W2 W1, relative to the centres of both.
    [[nodiscard]] long exponent() const {
        return family.layer.in().exponent() + family.layer.out().exponent();
    }

    [[nodiscard]] MatrixBall centre() const { return family.centre.map().scaled(-exponent()); }

    [[nodiscard]] MultiplierGrams grams(const MultiplierGrams& stored) const {
        return {stored.x.scaled(-2 * family.layer.out().exponent()),
                stored.y.scaled(-2 * family.layer.in().exponent())};
    }

    /// r^2, or more.
    [[nodiscard]] double square() const { return next_up(half_width * half_width); }
};

/// The centre of a ball as doubles; nothing where they do not hold it.
std::optional<Matrix> doubles(const MatrixBall& ball) {
    if (ball.centre().isZero(0.0)) {
        return ball.centre();
    }
    if (ball.exponent() > kLargestExponent || ball.exponent() < kSmallestExponent) {
        return std::nullopt;
    }
    return Matrix(std::ldexp(1.0, static_cast<int>(ball.exponent())) * ball.centre());
}

/// What a search found, or what is stated in its place: `count` numbers, all of them positive.
template <typename Search>
std::vector<double> found_multiplier(Index count, const Search& search) {
    return found_parameters("multiplier", static_cast<std::size_t>(count), [&] {
        std::vector<double> numbers = search();
        const bool usable = std::all_of(numbers.begin(), numbers.end(), [](double number) {
            return std::isfinite(number) && number > 0.0;
        });
        return usable ? numbers : std::vector<double>();
    });
}

/// X / t and r^2 t Y, or more, for those of T0; nothing where t leaves the range of doubles.
std::optional<MultiplierGrams> grams_at_multiple(const Scaled& problem, double factor) {
    const double inverse = next_up(1.0 / factor);
    const double weight = next_up(problem.square() * factor);
    if (!std::isfinite(inverse) || !std::isfinite(weight)) {
        return std::nullopt;
    }
    const MultiplierGrams grams = problem.grams(problem.family.layer.grams());
    return MultiplierGrams{scaled_by(grams.x, inverse), scaled_by(grams.y, weight)};
}

/// [R10'] t for estimates of the norms.
double best_multiple(const Scaled& problem) {
    const DiagonalFamily& family = problem.family;
    const MultiplierGrams grams = problem.grams(family.layer.grams());
    const auto scale = [](const MatrixBall& ball) {
        return std::exp2(static_cast<double>(ball.exponent()));
    };
    return common_factor(family.centre.estimate() * scale(problem.centre()),
                         family.layer.x_top().eigenvalue * scale(grams.x),
                         problem.square() * family.layer.y_top().eigenvalue * scale(grams.y));
}

/// X and r^2 Y at a multiplier that is searched, or stated.
std::optional<MultiplierGrams> best_grams(const Scaled& problem, Effort effort) {
    const MatrixBall& in = problem.family.layer.in();
    const MatrixBall& out = problem.family.layer.out();
    const int steps = steps_of_search(problem.family.layer, effort);
    if (steps == 0) {
        const std::vector<double> multiple =
            found_multiplier(1, [&] { return std::vector<double>{best_multiple(problem)}; });
        return multiple.empty() ? std::nullopt : grams_at_multiple(problem, multiple.front());
    }
    const std::optional<Matrix> centre = doubles(problem.centre());
    const std::vector<double> diagonal = found_multiplier(in.rows(), [&] {
        if (!centre) {
            return std::vector<double>();
        }
        const std::optional<Vector> best =
            search_multiplier({*centre, in.centre(), out.centre(), problem.half_width}, steps);
        return best ? std::vector<double>(best->begin(), best->end()) : std::vector<double>();
    });
    if (diagonal.empty()) {
        return std::nullopt;
    }
    const Vector multiplier = Eigen::Map<const Vector>(diagonal.data(), in.rows());
    MultiplierGrams grams = problem.grams(multiplier_grams(in, out, multiplier));
    grams.y = scaled_by(grams.y, problem.square());
    return grams;
}

}  // namespace

FamilyCentre::FamilyCentre(MatrixBall map)
    : map_(std::move(map)), estimate_([this] { return estimated_norm(map_.centre()); }) {}

std::optional<Upper> lipsdp_bound(const DiagonalFamily& family, Effort effort) {
    const Scaled problem{family, family.half_width.to_double()};
    if (family.layer.vanishes() || !(problem.half_width > 0.0) ||
        !std::isfinite(problem.square())) {
        return std::nullopt;
    }
    const std::optional<MultiplierGrams> grams = best_grams(problem, effort);
    if (!grams) {
        return std::nullopt;
    }
    const std::optional<SchurTerm> term = schur_term(grams->x, problem.centre());
    if (!term) {
        return std::nullopt;
    }
    const Upper square = largest_eigenvalue(sum(grams->y, term->gram)) + term->excess;
    return square.is_finite() ? std::optional(sqrt(square).scaled(problem.exponent()))
                              : std::nullopt;
}

}  // namespace lipcert
