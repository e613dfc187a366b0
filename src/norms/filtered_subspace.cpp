#include "norms/filtered_subspace.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "norms/blas.hpp"
#include "norms/start_vectors.hpp"
#include <Eigen/QR>

namespace lipcert::estimate {

namespace {

using Index = Eigen::Index;

constexpr double kRoundoff = 0x1p-46;
constexpr Index kFirstSize = 32;
constexpr Index kSpare = 8;
/// A subspace that ends this far below the level needs no more room.
constexpr double kFarBelow = 0.6;
constexpr int kDegree = 10;
/// How much a filter may raise the top of the spectrum above its end, so that what is wanted stays
/// above rounding until the next orthonormalisation.
constexpr double kLargestGrowth = 1e8;
/// Multiply-adds in units of the cube of the size. A full decomposition takes as many, at a tenth
/// of the rate.
constexpr double kBudget = 12.0;

/// The rows become an orthonormal basis of what they span.
void orthonormalise(Matrix& rows) {
    // Row by row in memory is the transpose, column by column.
    Eigen::Map<Eigen::MatrixXd> columns(rows.data(), rows.cols(), rows.rows());
    const Eigen::HouseholderQR<Eigen::MatrixXd> qr(columns);
    columns = qr.householderQ() * Eigen::MatrixXd::Identity(columns.rows(), columns.cols());
}

/// Vectors are rows throughout.
class FilteredSubspace {
public:
    FilteredSubspace(const Matrix& lower, double level, double tolerance)
        : lower_(lower),
          level_(level),
          tolerance_(tolerance),
          most_(kFirstSize + lower.rows() / 8),
          budget_(kBudget * std::pow(static_cast<double>(lower.rows()), 3.0)) {}

    [[nodiscard]] std::optional<EigenSystem> run() {
        basis_ = start_.next(std::min(kFirstSize, lower_.rows()), lower_.rows());
        while (budget_ > 0.0) {
            orthonormalise(basis_);
            take_ritz_pairs();
            if (is_resolved()) {
                return pairs_above_level();
            }
            if (needs_room()) {
                if (!make_room()) {
                    break;
                }
                continue;
            }
            filter();
        }
        return std::nullopt;
    }

private:
    [[nodiscard]] Matrix image_of(const Matrix& rows) {
        const auto size = static_cast<double>(lower_.rows());
        budget_ -= size * size * static_cast<double>(rows.rows());
        return times_symmetric(rows, lower_);
    }

    /// The best vectors of the subspace, their values in ascending order, and |G y - theta y|.
    void take_ritz_pairs() {
        const Matrix image = image_of(basis_);
        const EigenSystem ritz = eigen_system(times_transposed(image, basis_));
        values_ = ritz.values;
        basis_ = blas::multiply(ritz.vectors, basis_);
        residuals_ =
            (blas::multiply(ritz.vectors, image) - values_.asDiagonal() * basis_).rowwise().norm();
    }

    [[nodiscard]] double top() const { return values_(values_.size() - 1); }

    [[nodiscard]] Index count_above() const { return (values_.array() > level_).count(); }

    [[nodiscard]] bool is_resolved() const {
        const double small = std::max(tolerance_ * level_, kRoundoff * top());
        // An eigenvalue lies within the residual of a Ritz value.
        const bool hides_one =
            (residuals_.array() > small && values_.array() + residuals_.array() > level_ + small)
                .any();
        const Index below = values_.size() - count_above() - 1;
        // The best vector below the level says that there are no more above, once it is one.
        constexpr double kSettled = 0x1p-8;
        return !hides_one && below >= 0 && residuals_(below) <= kSettled * level_;
    }

    [[nodiscard]] bool needs_room() const {
        return values_.size() < 2 * count_above() + kSpare && values_(0) > kFarBelow * level_;
    }

    /// Twice the size, from what is there and random vectors. False where that is no use: were the
    /// values as dense further down as they are here, which they are at least, too many would be
    /// above the level.
    [[nodiscard]] bool make_room() {
        const Index size = values_.size();
        const double spread = (top() - level_) / (top() - values_(0));
        const Index larger = std::min(2 * size, most_);
        if (larger == size || spread * static_cast<double>(size) > static_cast<double>(most_)) {
            return false;
        }
        Matrix grown(larger, lower_.rows());
        grown << start_.next(larger - size, lower_.rows()), basis_;
        basis_ = std::move(grown);
        return true;
    }

    /// basis <- T(2 G / end - I) basis, T the Chebyshev polynomial: what lies in [0, end] stays,
    /// and what lies above grows.
    void filter() {
        const double end = std::max(values_(0), 0x1p-20 * top());
        const double argument = 2.0 * top() / end - 1.0;
        const double growth = argument + std::sqrt(std::max(argument * argument - 1.0, 0.0));
        const int degree = static_cast<int>(
            std::clamp(std::log(kLargestGrowth) / std::log(growth), 2.0, double{kDegree}));
        const auto apply = [&](const Matrix& rows) -> Matrix {
            return (2.0 / end) * image_of(rows) - rows;
        };
        Matrix before = basis_;
        basis_ = apply(before);
        for (int i = 1; i < degree; ++i) {
            Matrix next = 2.0 * apply(basis_) - before;
            before = std::move(basis_);
            basis_ = std::move(next);
        }
    }

    [[nodiscard]] EigenSystem pairs_above_level() const {
        const Index count = count_above();
        return {values_.tail(count), basis_.bottomRows(count)};
    }

    const Matrix& lower_;
    double level_;
    double tolerance_;
    Index most_;
    double budget_;  ///< multiply-adds that are left
    StartVectors start_{3};
    Matrix basis_;
    Vector values_;
    Vector residuals_;
};

}  // namespace

std::optional<EigenSystem> eigenpairs_above(const Matrix& lower, double level, double tolerance) {
    return FilteredSubspace(lower, level, tolerance).run();
}

}  // namespace lipcert::estimate
