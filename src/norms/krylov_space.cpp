#include "norms/krylov_space.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "norms/blas.hpp"
#include "norms/blas_routines.hpp"
#include "norms/eigen_system.hpp"
#include "norms/start_vectors.hpp"
#include "norms/thread_limit.hpp"
#include "norms/triangular.hpp"

namespace lipcert {

namespace {

using Eigen::Index;

constexpr Index kMostSteps = 192;
constexpr Index kMostStarts = 16;
/// The pairs are looked at after so many steps, and whenever half as many again have been made.
constexpr Index kFirstLook = 16;

/// An orthonormal basis Q of the span of q, A q, A^2 q, ..., for one or several q, of which the
/// first vectors have been multiplied by A, and H = Q^T A Q for those.
class KrylovSpace {
public:
    explicit KrylovSpace(const FloatMatrix& lower)
        : lower_(lower),
          most_(std::min(kMostSteps, lower.rows())),
          basis_(most_ + kMostStarts, lower.rows()),
          projected_(Matrix::Zero(most_ + kMostStarts, most_)) {
        add_start();
    }

    [[nodiscard]] bool is_full() const { return size_ == most_; }

    [[nodiscard]] Index size() const { return size_; }

    /// Multiplies one more vector by A.
    void step() {
        Eigen::VectorXf next = symmetric_product(lower_, basis_.row(size_).transpose());
        const auto before = static_cast<double>(next.norm());
        projected_.col(size_).head(count_) = orthogonalise(next);
        const auto length = static_cast<double>(next.norm());
        ++size_;
        // What is left where the space is invariant is rounding.
        if (length > 0x1p-20 * before && count_ < basis_.rows()) {
            projected_(count_, size_ - 1) = length;
            add(next);
        } else if (size_ == count_ && !is_full()) {
            add_start();
        }
    }

    /// From now on, another random vector goes along.
    void add_start() {
        if (count_ < basis_.rows()) {
            Eigen::VectorXf next = start_.next(1, lower_.rows()).row(0).transpose().cast<float>();
            static_cast<void>(orthogonalise(next));
            add(next);
        }
    }

    [[nodiscard]] RitzPairs leading_pairs() {
        const estimate::EigenSystem all =
            estimate::eigen_system(projected_.topLeftCorner(size_, size_));
        const Index count = std::min(kLeadingPairs, size_);
        weights_ = all.vectors.bottomRows(count).colwise().reverse().transpose();
        RitzPairs pairs;
        pairs.values = all.values.tail(count).reverse();
        // A Q = Q H, but for rounding: what is left of A (Q s) lies along the vectors that have not
        // been multiplied yet.
        pairs.residuals = (projected_.block(size_, 0, count_ - size_, size_) * weights_)
                              .colwise()
                              .norm()
                              .transpose();
        return pairs;
    }

    /// Those of the pairs that were asked for last.
    [[nodiscard]] Matrix vectors() const {
        const FloatMatrix weights = weights_.cast<float>();
        const FloatMatrix rows = basis_.topRows(weights.rows());
        return blas::multiply(rows, true, weights).cast<double>();
    }

private:
    void add(const Eigen::VectorXf& vector) {
        basis_.row(count_++) = vector.normalized().transpose();
    }

    /// Takes from `vector` what lies in the span of the basis; returns how much of each that was.
    [[nodiscard]] Vector orthogonalise(Eigen::VectorXf& vector) const {
        const int rows = blas::checked(count_);
        const int n = blas::checked(basis_.cols());
        Vector all = Vector::Zero(count_);
        const ThreadLimit one(0.0);  // sums that are the same on any number of threads
        for (int pass = 0; pass < 2 && rows > 0; ++pass) {
            Eigen::VectorXf parts(count_);
            cblas_sgemv(CblasRowMajor,
                        CblasNoTrans,
                        rows,
                        n,
                        1.0F,
                        basis_.data(),
                        n,
                        vector.data(),
                        1,
                        0.0F,
                        parts.data(),
                        1);
            cblas_sgemv(CblasRowMajor,
                        CblasTrans,
                        rows,
                        n,
                        -1.0F,
                        basis_.data(),
                        n,
                        parts.data(),
                        1,
                        1.0F,
                        vector.data(),
                        1);
            all += parts.cast<double>();
        }
        return all;
    }

    const FloatMatrix& lower_;
    estimate::StartVectors start_{2};
    Index most_;
    Index size_ = 0;     ///< vectors that have been multiplied
    Index count_ = 0;    ///< vectors
    FloatMatrix basis_;  ///< a vector a row
    Matrix projected_;
    Matrix weights_;  ///< of the pairs that were asked for last, a pair a column
};

}  // namespace

std::optional<RitzPairs> leading_ritz_pairs(const FloatMatrix& lower,
                                            const std::function<Search(const RitzPairs&)>& judge) {
    KrylovSpace space(lower);
    RitzPairs pairs;
    Index next_look = kFirstLook;
    for (Search search; !search.ends;) {
        space.step();
        if (!space.is_full() && space.size() < next_look) {
            continue;
        }
        pairs = space.leading_pairs();
        if (!pairs.values.allFinite() || space.is_full()) {
            break;
        }
        search = judge(pairs);
        next_look = space.size() + space.size() / 2;
        if (search.with_new_start > 0) {
            space.add_start();
            next_look = space.size() + search.with_new_start;
        }
    }
    pairs.vectors = space.vectors();
    return pairs.vectors.allFinite() && pairs.values.allFinite() ? std::optional(std::move(pairs))
                                                                 : std::nullopt;
}

}  // namespace lipcert
