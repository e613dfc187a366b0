#include "norms/filtered_subspace.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "norms/blocked_gram.hpp"
#include "norms/chebyshev_filter.hpp"
#include "norms/large_matrix.hpp"
#include "norms/measured_product.hpp"
#include "norms/orthonormal_rows.hpp"
#include "norms/parallel.hpp"
#include "norms/start_vectors.hpp"
#include "norms/subspace_plan.hpp"

namespace lipcert::estimate {

namespace {

using Index = Eigen::Index;
using blas::Rows;

/// Where the level is lower than this part of the top, float32 does not tell what is above it.
constexpr double kLowestForFloat = 0x1p-8;
constexpr int kRounds = 12;
/// What the residuals of a large subspace may exceed the tolerance by: it counts squared, and
/// getting nearer would cost as much again.
constexpr double kSlack = 16.0;
/// Residuals that tell a vector from a random one, as parts of the level.
constexpr double kSettled = 0x1p-8;

template <typename Number>
struct Limits;

template <>
struct Limits<float> {
    /// The least residual, as a part of the top.
    static double roundoff() {
        return SymmetricFactor::fastest_unit() == SymmetricFactor::Unit::tiles ? 0x1p-17 : 0x1p-19;
    }

    static constexpr double kLargestGrowth = kLargestGrowthInFloat;
    static constexpr double kLowestEnd = 0x1p-12;
    static constexpr int kPasses = 1;
};

template <>
struct Limits<double> {
    static double roundoff() { return 0x1p-46; }

    static constexpr double kLargestGrowth = 1e6;
    static constexpr double kLowestEnd = 0x1p-20;
    static constexpr int kPasses = 2;  ///< the first one is as good as the condition was
};

/// A op(B), op the transpose where `transposed`; each thread forms columns of its own.
template <typename Number>
Rows<Number> product(const Rows<Number>& a, const Rows<Number>& b, bool transposed) {
    const Index cols = transposed ? b.rows() : b.cols();
    Rows<Number> result;
    resize_uninitialised(result, a.rows(), cols);
    const double multiply_adds = static_cast<double>(a.rows()) * static_cast<double>(b.size());
    for_each_share(cols, multiply_adds, [&](Index begin, Index end) {
        const Index count = end - begin;
        blas::WritablePart<Number> part = result.middleCols(begin, count);
        if (transposed) {
            blas::multiply_into<Number>(1, a, true, b.middleRows(begin, count), part);
        } else {
            blas::multiply_into<Number>(1, a, false, b.middleCols(begin, count), part);
        }
    });
    return result;
}

/// What one precision does. Vectors are rows throughout.
template <typename Number>
class FilteredSubspace {
public:
    FilteredSubspace(Product<Rows<Number>> times_gram, double level, double tolerance)
        : times_gram_(std::move(times_gram)), level_(level), tolerance_(tolerance) {}

    /// Filters from a random (`wanted` large) or a good basis on, without looking at the result.
    void filter(Rows<Number>& basis, double wanted, double top, double end) const {
        const Interval kept = from_zero(end, Limits<Number>::kLowestEnd * top);
        double left = degrees_for(wanted, level_, kept);
        const double most = std::clamp(std::floor(std::log(Limits<Number>::kLargestGrowth) /
                                                  std::log(chebyshev_growth(top, kept))),
                                       2.0,
                                       20.0);
        while (left > 0.0) {
            // Of equal length, so that no short one is left over.
            const double degree = std::ceil(left / std::ceil(left / most));
            apply_chebyshev(times_gram_, kept, static_cast<int>(degree), basis);
            orthonormalise_rows(basis);
            left -= degree;
        }
    }

    /// The best vectors of the orthonormal basis, their values in ascending order, and |G y - theta
    /// y|.
    void take_ritz_pairs(Rows<Number>& basis) {
        Rows<Number> image;
        times_gram_(basis, image);
        EigenSystem ritz =
            eigen_system(product<Number>(image, basis, true).template cast<double>());
        const Rows<Number> rotation = ritz.vectors.template cast<Number>();
        values_ = std::move(ritz.values);
        basis = product<Number>(rotation, basis, false);
        residuals_ = (product<Number>(rotation, image, false) -
                      values_.template cast<Number>().asDiagonal() * basis)
                         .rowwise()
                         .norm()
                         .template cast<double>();
    }

    [[nodiscard]] const Vector& values() const { return values_; }

    [[nodiscard]] double top() const { return values_(values_.size() - 1); }

    [[nodiscard]] Index count_above() const { return (values_.array() > level_).count(); }

    [[nodiscard]] double allowed() const {
        return std::max(tolerance_ * level_, Limits<Number>::roundoff() * top());
    }

    [[nodiscard]] bool is_resolved() const {
        const Index below = values_.size() - count_above() - 1;
        // The best vector below the level says that there are no more above, once it is one.
        return worst() <= allowed() && below >= 0 && residuals_(below) <= kSettled * level_;
    }

    /// By what the worst residual of a pair that is, or may be, above the level has to shrink.
    [[nodiscard]] double wanted() const {
        constexpr double kMargin = 2.0;
        return std::clamp(kMargin * worst() / allowed(), 2.0 * kMargin, kFromRandom);
    }

    [[nodiscard]] bool needs_room() const {
        constexpr double kMostDegrees = 120.0;
        return values_.size() < count_above() + kSpare ||
               degrees_for(
                   kFromRandom, level_, from_zero(values_(0), Limits<Number>::kLowestEnd * top())) >
                   kMostDegrees;
    }

private:
    /// The largest residual of a pair that is, or may be, above the level. An eigenvalue lies
    /// within the residual r of a Ritz value, and within r^2/gap of it, the gap being that to the
    /// end of the subspace. The pairs next to the end never settle, and hide nothing once better
    /// ones have.
    [[nodiscard]] double worst() const {
        const double end = values_(0);
        const double middle = 0.5 * (level_ + end);
        double result = 0.0;
        for (Index i = 0; i < values_.size(); ++i) {
            const double r = residuals_(i);
            const double hidden = std::min(r, r * r / std::max(values_(i) - end, 1e-300));
            if (values_(i) > level_ ||
                (values_(i) > middle && values_(i) + hidden > level_ + allowed())) {
                result = std::max(result, r);
            }
        }
        return result;
    }

    static void orthonormalise_rows(Rows<Number>& basis) {
        Matrix rows = basis.template cast<double>();
        for (int pass = 0; pass < Limits<Number>::kPasses; ++pass) {
            orthonormalise(rows);
        }
        basis = rows.template cast<Number>();
    }

    Product<Rows<Number>> times_gram_;
    double level_;
    double tolerance_;
    Vector values_;
    Vector residuals_;
};

class Search {
public:
    Search(const Matrix& tall, GramSpectrum gram, double level, double tolerance)
        : tall_(tall),
          level_(level),
          tolerance_(tolerance),
          gram_(std::move(gram)),
          in_float_(times_float_gram(), level, tolerance),
          in_double_(
              [this](const Matrix& rows, Matrix& result) {
                  result = product<double>(product<double>(rows, tall_, true), tall_, false);
              },
              level,
              tolerance) {}

    [[nodiscard]] std::optional<EigenpairsAbove> run() {
        const SpectralDensity& density = gram_->density();
        const bool is_for_float = level_ >= kLowestForFloat * density.top();
        const std::optional<SubspacePlan> plan =
            plan_subspace(density, tall_.cols(), level_, is_for_float);
        if (!plan) {
            return std::nullopt;
        }
        end_ = plan->end;
        Matrix basis = start_.next(plan->size, tall_.cols());
        if (!is_for_float) {
            in_double_.filter(basis, kFromRandom, density.top(), end_);
            return finish(std::move(basis));
        }
        FloatMatrix rows = basis.cast<float>();
        if (plan->side) {
            keep_upper_side(*plan->side, gram_->take_matrix(), rows);
        } else {
            (void)gram_->take_matrix();  // its memory
            in_float_.filter(rows, kFromRandom, density.top(), end_);
        }
        const bool is_large =
            static_cast<double>(rows.rows()) >= kLarge * static_cast<double>(rows.cols());
        if (!is_large && !settle(in_float_, rows, kFromRandom)) {
            return std::nullopt;
        }
        basis = rows.cast<double>();
        if (is_large && kSlack * tolerance_ * level_ >= Limits<float>::roundoff() * density.top()) {
            if (std::optional<EigenpairsAbove> found = pairs_of_large(basis)) {
                return found;
            }
        }
        return finish(std::move(basis));
    }

private:
    [[nodiscard]] Product<FloatMatrix> times_float_gram() {
        return [this](const FloatMatrix& rows, FloatMatrix& result) {
            gram_->times_rows(rows, result);
        };
    }

    /// Filters until the pairs are as good as the precision allows, or nearly so.
    template <typename Number>
    bool settle(FilteredSubspace<Number>& of, Rows<Number>& basis, double wanted) {
        for (int round = 0; round < kRounds; ++round) {
            of.take_ritz_pairs(basis);
            if (of.is_resolved()) {
                return true;
            }
            if (of.needs_room()) {
                if (!make_room(basis)) {
                    return false;
                }
                wanted = kFromRandom;
            } else {
                end_ = of.values()(0);
                wanted = of.wanted();
            }
            of.filter(basis, wanted, of.top(), end_);
        }
        return false;
    }

    /// Twice the size, from what is there and random vectors, which are good for nothing before
    /// they are filtered.
    template <typename Number>
    bool make_room(Rows<Number>& basis) {
        const Index size = basis.rows();
        if (2.0 * static_cast<double>(size) > kLargestPart * static_cast<double>(basis.cols())) {
            return false;
        }
        Rows<Number> grown(2 * size, basis.cols());
        grown << start_.next(size, basis.cols()).rowwise().normalized().template cast<Number>(),
            basis;
        basis = std::move(grown);
        return true;
    }

    /// The pairs in a large subspace, which becomes orthonormal, where residuals in float32 show
    /// that they are good enough.
    std::optional<EigenpairsAbove> pairs_of_large(Matrix& basis) {
        orthonormalise(basis);  // after filters that leave its condition small
        Matrix projection;
        {
            const Matrix image = product<double>(basis, tall_, true);
            resize_uninitialised(projection, image.rows(), image.rows());
            blas::gram_of_panel(image, true, blas::Into::overwrite, projection);
        }
        const EigenSystem ritz = eigen_system(projection);
        const Index count = (ritz.values.array() > level_).count();
        const Index nearby = (ritz.values.array() > kNearby * level_).count();
        // The best one below the level says that there are no more above.
        const Index looked_at = std::min(count + 1, basis.rows());
        const Matrix vectors = product<double>(ritz.vectors.bottomRows(looked_at), basis, false);
        const FloatMatrix rows = vectors.cast<float>();
        FloatMatrix images;
        gram_->times_rows(rows, images);
        const Vector residuals =
            (images - ritz.values.tail(looked_at).cast<float>().asDiagonal() * rows)
                .rowwise()
                .norm()
                .cast<double>();
        if (count == 0 || looked_at == count || !(residuals(0) <= kSettled * level_) ||
            !(residuals.tail(count).maxCoeff() <= kSlack * tolerance_ * level_)) {
            return std::nullopt;
        }
        return EigenpairsAbove{{ritz.values.tail(count), vectors.bottomRows(count)}, nearby};
    }

    [[nodiscard]] std::optional<EigenpairsAbove> finish(Matrix basis) {
        gram_.reset();  // its memory
        orthonormalise(basis);
        orthonormalise(basis);  // the first one is as good as the condition was
        if (!settle(in_double_, basis, kFromRandom)) {
            return std::nullopt;
        }
        const Index count = in_double_.count_above();
        const Index nearby = (in_double_.values().array() > kNearby * level_).count();
        return EigenpairsAbove{{in_double_.values().tail(count), basis.bottomRows(count)}, nearby};
    }

    const Matrix& tall_;
    double level_;
    double tolerance_;
    double end_ = 0.0;
    std::optional<GramSpectrum> gram_;
    FilteredSubspace<float> in_float_;
    FilteredSubspace<double> in_double_;
    StartVectors start_{3};
};

}  // namespace

std::optional<EigenpairsAbove> eigenpairs_above(const Matrix& tall,
                                                GramSpectrum gram,
                                                double level,
                                                double tolerance) {
    return Search(tall, std::move(gram), level, tolerance).run();
}

}  // namespace lipcert::estimate
