#include "norms/sharp_sign.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "norms/blas.hpp"
#include "norms/eigen_system.hpp"
#include "norms/large_matrix.hpp"
#include "norms/measured_product.hpp"
#include "norms/orthonormal_rows.hpp"
#include "norms/parallel.hpp"
#include "norms/start_vectors.hpp"
#include "norms/symmetric_factor.hpp"
#include "norms/triangular.hpp"

namespace lipcert::estimate {

namespace {

using Eigen::Index;

/// Of the sign beyond the gap: as much as the tile unit's rounding.
constexpr double kError = 3e-5;
constexpr int kFewestSteps = 3;
constexpr int kMostSteps = 9;

/// For each number of steps the polynomial with the smallest gap.
std::vector<SignPolynomial> sharpest_polynomials() {
    const auto with_steps = [](int steps, double gap) {
        SignPolynomial result(gap);
        for (int i = 0; i < steps; ++i) {
            result.add_step();
        }
        return result;
    };
    const auto sharpest = [&](int steps) {
        constexpr int kBisections = 12;
        double below = 1e-5;
        double above = 0.5;
        for (int i = 0; i < kBisections; ++i) {
            const double gap = std::sqrt(below * above);
            (with_steps(steps, gap).error() > kError ? below : above) = gap;
        }
        return with_steps(steps, above);
    };
    std::vector<SignPolynomial> result;
    for (int steps = kFewestSteps; steps <= kMostSteps; ++steps) {
        result.push_back(sharpest(steps));
    }
    return result;
}

void apply(const Fold& fold, FloatMatrix& x, SymmetricFactor& workspace) {
    FloatMatrix square;
    workspace.square(x, square);
    const auto linear = static_cast<float>((1.0 + fold.gap) / fold.largest);
    const auto quadratic = static_cast<float>(-fold.direction / fold.largest);
    for_each_row_range(x.rows(), x.cols(), [&](Index begin, Index end) {
        const auto squares = square.middleRows(begin, end - begin);
        auto rows = x.middleRows(begin, end - begin);
        rows = linear * rows + quadratic * squares;
    });
    recycle(std::move(square));
}

/// A B^T for a few long rows each.
Matrix inner_products(const Matrix& a, const Matrix& b) {
    return blas::multiply(a, b.transpose());
}

/// X (I - S^2): what lies within the gap of the sign S stays, everything else all but vanishes.
void keep_within_gap(SymmetricFactor& sign, FloatMatrix& rows) {
    FloatMatrix once;
    FloatMatrix twice;
    sign.times_rows(rows, once);
    sign.times_rows(once, twice);
    rows -= twice;
}

/// `rows` become an orthonormal basis of the vectors within the gap, but for those at its ends.
/// Whether there was room for all of them.
bool take_vectors_within_gap(SymmetricFactor& sign, Matrix& rows) {
    /// I - S^2 at the ends: well above rounding, and so small that the sign is all but right.
    constexpr double kEnd = 1e-3;
    constexpr int kFilters = 2;
    for (int filter = 0; filter < kFilters; ++filter) {
        FloatMatrix filtered = rows.cast<float>();
        keep_within_gap(sign, filtered);
        rows = filtered.cast<double>();
        orthonormalise(rows);
    }
    orthonormalise(rows);  // what little is left of most of them was far from orthonormal
    FloatMatrix image;
    sign.times_rows(rows.cast<float>(), image);
    const Matrix signs = image.cast<double>();
    const EigenSystem inside =
        eigen_system(Matrix::Identity(rows.rows(), rows.rows()) - inner_products(signs, signs));
    const Index kept = (inside.values.array() > kEnd).count();
    const bool is_complete = kept < rows.rows();
    rows = blas::multiply(Matrix(inside.vectors.bottomRows(kept)), rows);
    return is_complete;
}

/// The vectors within the gap, of which there are about `count`; nothing where there are many.
std::optional<Matrix> vectors_within_gap(SymmetricFactor& sign, Index size, Index count) {
    StartVectors start(7);
    for (; count < size / 2; count *= 2) {
        Matrix rows = start.next(count, size);
        if (take_vectors_within_gap(sign, rows)) {
            return rows;
        }
    }
    return std::nullopt;
}

/// S + V^T C V, C symmetric.
void add_on_subspace(const Matrix& vectors, const Matrix& core, FloatMatrix& s) {
    constexpr Index kRows = 128;
    const FloatMatrix right = blas::multiply(core, vectors).cast<float>();
    const FloatMatrix left = vectors.transpose().cast<float>();
    const double operations = static_cast<double>(s.size()) * static_cast<double>(core.rows());
    for_each_piece((s.rows() + kRows - 1) / kRows, operations, [&](Index piece) {
        const Index begin = piece * kRows;
        const Index count = std::min(kRows, s.rows() - begin);
        FloatMatrix part(count, s.cols());
        blas::multiply_into<float>(1, left.middleRows(begin, count), false, right, part);
        s.middleRows(begin, count) += part;
    });
    mirror_above(s);
}

/// The sign within the gap, where the polynomial left it in between.
void settle_within_gap(const Matrix& vectors,
                       double level,
                       GramSpectrum& gram,
                       SymmetricFactor& sign,
                       FloatMatrix& s) {
    const FloatMatrix rows = vectors.cast<float>();
    FloatMatrix image;
    gram.times_rows(rows, image);
    const EigenSystem ritz = eigen_system(inner_products(image.cast<double>(), vectors));
    sign.times_rows(rows, image);
    const Matrix present = inner_products(image.cast<double>(), vectors);
    const Vector signs = (ritz.values.array() > level).select(Vector::Ones(ritz.values.size()), -1);
    add_on_subspace(vectors,
                    ritz.vectors.transpose() * signs.asDiagonal() * ritz.vectors -
                        0.5 * (present + present.transpose()),
                    s);
}

/// Of the eigenvalues.
double mean_square(const FloatMatrix& s) {
    Vector of_rows(s.rows());
    for_each_row(s.rows(), s.cols(), [&](Index i) {
        of_rows(i) = static_cast<double>(s.row(i).squaredNorm());
    });
    return of_rows.sum() / static_cast<double>(s.rows());
}

/// About how many eigenvalues lie within `gap` of the level, from a stretch that is as wide as the
/// density resolves.
double count_near(const SpectralDensity& density, double level, double gap) {
    constexpr double kResolved = 0.05;  // of the top
    const double wide = std::max(gap, kResolved * density.top());
    return gap / wide * (density.count_above(level - wide) - density.count_above(level + wide));
}

}  // namespace

std::optional<SharpSignPlan> plan_sharp_sign(const SpectralDensity& density,
                                             Index size,
                                             double level) {
    static const std::vector<SignPolynomial> polynomials = sharpest_polynomials();
    constexpr double kLargestPart = 0.25;
    const auto n = static_cast<double>(size);
    const double beyond = std::max(kBeyondTop * density.top() - level, 0.0);
    const double scale = std::max(beyond, level);
    const double shorter = std::min(beyond, level) / scale;
    std::optional<SharpSignPlan> best;
    double least = 0.0;
    const auto take_if_cheaper = [&](const SignPolynomial& polynomial,
                                     const std::optional<Fold>& fold) {
        const double gap = polynomial.gap() * (fold ? fold->largest : 1.0) * scale;
        const double count = count_near(density, level, gap);
        constexpr double kSpareVectors = 16.0;
        const double vectors = count + 2.0 * SpectralDensity::spread(count) + kSpareVectors;
        // What a vector costs, in products with a row: seven of them, bases and the rest.
        constexpr double kProductsOfVectors = 40.0;
        const double products =
            1.5 * static_cast<double>(polynomial.steps().size()) + (fold ? 0.5 : 0.0);
        const double cost = products * n + kProductsOfVectors * vectors;
        if (vectors < kLargestPart * n && (!best || cost < least)) {
            least = cost;
            best = {{level, scale, polynomial}, fold, static_cast<Index>(vectors)};
        }
    };
    for (const SignPolynomial& polynomial : polynomials) {
        take_if_cheaper(polynomial, std::nullopt);
        const double gap = polynomial.gap();
        const double peak = 0.25 * (1.0 + gap) * (1.0 + gap);
        const double largest = std::max(shorter * (1.0 + gap + shorter), peak);
        take_if_cheaper(polynomial, Fold{beyond > level ? 1.0 : -1.0, gap, largest});
    }
    return best;
}

std::optional<FloatMatrix> sharp_sign(const SharpSignPlan& plan,
                                      GramSpectrum& gram,
                                      SymmetricFactor& workspace) {
    auto s = converted<FloatMatrix>(gram.matrix());
    const SideOfLevel& side = plan.side;
    to_unit_interval(side, s);
    if (plan.fold) {
        apply(*plan.fold, s, workspace);
    }
    apply(side.sign, s, workspace);
    constexpr double kMostOff = 0.01;
    if (!(mean_square(s) <= 1.0 + kMostOff)) {
        return std::nullopt;  // eigenvalues beyond the scale grew without bound
    }
    SymmetricFactor& sign = workspace;
    sign.assign(s);
    const std::optional<Matrix> vectors = vectors_within_gap(sign, gram.size(), plan.vectors);
    if (!vectors) {
        return std::nullopt;
    }
    if (vectors->rows() > 0) {
        settle_within_gap(*vectors, side.level, gram, sign, s);
    }
    if (!(std::abs(mean_square(s) - 1.0) <= kMostOff)) {
        return std::nullopt;
    }
    return s;
}

}  // namespace lipcert::estimate
