#pragma once

#include "lipcert/rounding/bound.hpp"
#include "lipcert/tensor/matrix.hpp"

#include <cstddef>
#include <string>

#include "norms/float_matrix.hpp"
#include "norms/triangular.hpp"

/// Self-checks of what the BLAS returned (Freivalds): C = A B is multiplied with a few vectors and
/// compared with A (B x) by loops of our own. A violation proves that the BLAS broke the error
/// bound that a certificate would rest on; passing proves nothing and no bound uses it. Gross
/// faults are what it finds: wrong entries, panels, columns in each other's place [S1].
namespace lipcert::freivalds {

inline constexpr int kVectors = 4;
/// The vectors, or their products.
using Block = FourVectors;
static_assert(Block::ColsAtCompileTime == kVectors);

/// Three vectors of +-1 and, in the last column, one of graded entries in [1/2, 1). The signs are
/// hashes of the index; the graded entries are pairwise different (up to 2^50 of them), so that no
/// fault which is confined to two columns cancels in all four. Fixed: the same input takes the same
/// path in every run.
[[nodiscard]] Block signs(Eigen::Index size);

/// Collects (P^T P) X and |P|^T |P| 1 over the panels P of a Gram matrix.
struct GramWitness {
    explicit GramWitness(Eigen::Index size);
    /// P, or its transpose where `columns`.
    void add_panel(const MatrixView& panel, bool columns);
    /// For panels in other units: a power of two times the products.
    void scale(double factor);

    Block signs;             ///< X
    Block expected;          ///< sum of P^T (P X)
    Vector magnitude;        ///< sum of |P|^T (|P| 1)
    Eigen::Index inner = 0;  ///< rows of all panels
    Eigen::Index panel_count = 0;

private:
    void add_rows(const MatrixView& panel);
    void add_columns(const MatrixView& panel);
};

/// Who formed a Gram matrix, and by how much it may differ from the true one beside what [S1]
/// allows, in the spectral norm.
struct GramSource {
    const char* name = "a Gram matrix (dsyrk)";
    Upper off;
};

/// Throws Error{environment} unless the lower triangle `lower` is, within the rounding that [S1]
/// allows and what its source does, the Gram matrix that `witness` saw.
void require_gram(const Matrix& lower, const GramWitness& witness, const GramSource& source = {});

/// Throws Error{environment}: `what` is wrong in a row.
[[noreturn]] void distrust(const std::string& what, Eigen::Index row);

/// Throws Error{environment} unless L (L^T x), L the float32 factor of A, is within the rounding
/// that [S2] allows `image`, which is A x for a vector x of +-1. `row_sums`: |L| (|L|^T 1).
void require_factor(const Eigen::VectorXf& image,
                    const Eigen::VectorXf& x,
                    const FloatMatrix& factor,
                    const Eigen::VectorXf& row_sums);

/// What products with B are compared with: once for all parts of A.
class ProductWitness {
public:
    explicit ProductWitness(const Matrix& b);

    /// Throws Error{environment} unless `result` is A B within the rounding that [S6] allows.
    void require(const Eigen::Ref<const Matrix>& a, const Matrix& result) const;

private:
    Block signs_;
    Block image_;      ///< B X
    Vector row_sums_;  ///< |B| 1
};

/// The same for one product.
void require_product(const Matrix& a, const Matrix& b, const Matrix& result);

/// A X for the symmetric matrix A with this lower triangle, before it is factorised in place.
[[nodiscard]] Block factor_witness(const Matrix& lower);

/// Throws Error{environment} unless L L^T is, within the rounding that [S2] allows, the matrix of
/// which `witness` was taken. `row_sums`: |L| (|L|^T 1).
void require_factor(const Block& witness, const Matrix& factor, const Vector& row_sums);

/// B X, before B is overwritten with the solution of an equation.
[[nodiscard]] Block row_witness(const Matrix& b);

/// Throws Error{environment} unless `solution` times L^T, L the lower triangle, is, within the
/// rounding that [S11] allows, the matrix of which `witness` was taken.
void require_solution(const Block& witness, const Matrix& solution, const Matrix& lower);

}  // namespace lipcert::freivalds
