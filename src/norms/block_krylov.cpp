#include "norms/block_krylov.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

namespace lipcert::estimate {

namespace {

/// Vectors that are multiplied at once: enough to share the pass over the matrix, few enough to
/// leave the Krylov space a high degree.
constexpr Eigen::Index kBlock = 4;
constexpr double kRoundoff = 0x1p-46;
/// Below this part of the top Ritz value a new direction is rounding; a random one replaces it.
constexpr double kDeficient = 1e-10;

/// Fixed pseudo-random numbers in [-1, 1]: the same input gives the same bytes in every run.
class StartVectors {
public:
    [[nodiscard]] Matrix next(Eigen::Index count, Eigen::Index size) {
        Matrix result(count, size);
        for (double& entry : result.reshaped<Eigen::RowMajor>()) {
            state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
            entry = static_cast<double>(static_cast<std::int64_t>(state_)) * 0x1p-63;
        }
        return result;
    }

private:
    std::uint64_t state_ = 3;
};

/// The basis grows block by block; vectors are rows throughout.
class BlockKrylov {
public:
    BlockKrylov(const Matrix& lower, double level, double tolerance)
        : lower_(lower),
          level_(level),
          tolerance_(tolerance),
          most_(kSmallestBasis + lower.rows() / 8) {
        basis_.resize(most_ + kBlock, lower.rows());
        projected_ = Matrix::Zero(most_ + kBlock, most_ + kBlock);
    }

    [[nodiscard]] std::optional<EigenSystem> run() {
        Matrix block = start_.next(kBlock, lower_.rows());
        static_cast<void>(orthonormalise(block));
        Eigen::Index next_look = kFirstLook;
        while (size_ + kBlock <= most_) {
            Matrix image = extend(block);
            scale_ = std::max(scale_, projected_.diagonal().head(size_).maxCoeff());
            coupling_ = orthonormalise(image);
            block = std::move(image);
            if (size_ >= next_look) {
                const EigenSystem ritz = eigen_system(projected_.topLeftCorner(size_, size_));
                if (is_resolved(ritz)) {
                    return pairs_above_level(ritz);
                }
                if (is_hopeless(ritz)) {
                    break;
                }
                next_look = size_ + size_ / 4;
            }
        }
        return std::nullopt;
    }

private:
    static constexpr Eigen::Index kSmallestBasis = 64;
    static constexpr Eigen::Index kFirstLook = 40;

    /// Appends `block` and returns what its image has outside the new basis.
    [[nodiscard]] Matrix extend(const Matrix& block) {
        basis_.middleRows(size_, kBlock) = block;
        size_ += kBlock;
        Matrix image = times_symmetric(block, lower_);
        projected_.block(size_ - kBlock, 0, kBlock, size_) = remove_basis(image);
        static_cast<void>(remove_basis(image));  // twice is enough
        return image;
    }

    /// Subtracts the part of each row that lies in the basis; returns its coefficients.
    Matrix remove_basis(Matrix& rows) const {
        Matrix coefficients = times_transposed(rows, basis_.topRows(size_));
        subtract_product(rows, coefficients, basis_.topRows(size_));
        return coefficients;
    }

    /// Gram-Schmidt: rows = L * result, L returned. A row that is rounding only gives way to a
    /// random direction; its length stays in L, where residuals look for it.
    [[nodiscard]] Matrix orthonormalise(Matrix& rows) {
        const Eigen::Index count = rows.rows();
        Matrix factor = Matrix::Zero(count, count);
        for (Eigen::Index i = 0; i < count; ++i) {
            for (int pass = 0; pass < 2; ++pass) {
                const Vector shares = rows.topRows(i) * rows.row(i).transpose();
                rows.row(i) -= shares.transpose() * rows.topRows(i);
                factor.row(i).head(i) += shares.transpose();
            }
            const double length = rows.row(i).norm();
            factor(i, i) = length;
            if (!(length > kDeficient * scale_)) {
                rows.row(i) = fresh_direction(rows.topRows(i));
            } else {
                rows.row(i) /= length;
            }
        }
        if (size_ > 0 && factor.diagonal().minCoeff() < kCancelled * scale_) {
            static_cast<void>(remove_basis(rows));
            rows.rowwise().normalize();
        }
        return factor;
    }

    [[nodiscard]] Matrix fresh_direction(const Eigen::Ref<const Matrix>& others) {
        Matrix row = start_.next(1, lower_.rows());
        for (int pass = 0; pass < 2; ++pass) {
            if (size_ > 0) {
                static_cast<void>(remove_basis(row));
            }
            const Vector shares = others * row.row(0).transpose();
            row -= shares.transpose() * others;
            row.row(0).normalize();
        }
        return row;
    }

    /// |G y - theta y| of a Ritz vector y: the basis leaves the rest of its last block only.
    [[nodiscard]] double residual(const EigenSystem& ritz, Eigen::Index i) const {
        return (ritz.vectors.row(i).tail(kBlock) * coupling_).norm();
    }

    [[nodiscard]] bool is_resolved(const EigenSystem& ritz) const {
        const double top = ritz.values(size_ - 1);
        const double small = std::max(tolerance_ * level_, kRoundoff * top);
        for (Eigen::Index i = size_ - 1; i >= 0; --i) {
            const double theta = ritz.values(i);
            const double distance = residual(ritz, i);
            // An eigenvalue lies within `distance` of theta.
            if (distance > small && theta + distance > level_ + small) {
                return false;
            }
        }
        return ritz.values(0) <= level_;  // else nothing says that there are no more above
    }

    /// The random start block meets each eigenvector with weight 1/n on average, so the weight of
    /// the Ritz vectors above the level tells how many eigenvalues lie there. From about n/16 of
    /// them on a full decomposition costs less.
    [[nodiscard]] bool is_hopeless(const EigenSystem& ritz) const {
        const Eigen::Index above = (ritz.values.array() > level_).count();
        const double weight =
            ritz.vectors.bottomRows(above).leftCols(kBlock).squaredNorm() / kBlock;
        return weight > 1.0 / 16.0 && 3 * above > size_;
    }

    [[nodiscard]] EigenSystem pairs_above_level(const EigenSystem& ritz) const {
        const Eigen::Index count = (ritz.values.array() > level_).count();
        EigenSystem result{ritz.values.tail(count), Matrix::Zero(count, lower_.rows())};
        subtract_product(result.vectors, -ritz.vectors.bottomRows(count), basis_.topRows(size_));
        return result;
    }

    static constexpr double kCancelled = 1e-4;

    const Matrix& lower_;
    double level_;
    double tolerance_;
    Eigen::Index most_;
    StartVectors start_;
    Matrix basis_;
    Eigen::Index size_ = 0;
    Matrix projected_;  ///< lower triangle of Q G Q^T
    Matrix coupling_;   ///< image of the last block = projection + coupling * next block
    double scale_ = 0.0;
};

}  // namespace

std::optional<EigenSystem> eigenpairs_above(const Matrix& lower, double level, double tolerance) {
    return BlockKrylov(lower, level, tolerance).run();
}

}  // namespace lipcert::estimate
