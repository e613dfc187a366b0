#include "norms/freivalds.hpp"

#include "lipcert/error.hpp"
#include "lipcert/rounding/roundoff.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "norms/blas.hpp"
#include "norms/four_kernel.hpp"
#include "norms/parallel.hpp"
#include "norms/triangular.hpp"

namespace lipcert::freivalds {

namespace {

/// 2^64 divided by the golden ratio, made odd.
constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15ULL;
/// The column of the vector whose entries are not +-1.
constexpr int kGraded = kVectors - 1;

/// The finaliser of splitmix64 (Steele, Lea, Flood, OOPSLA 2014): neighbouring indices share
/// nothing, as those of a linear congruence would.
std::uint64_t mixed(std::uint64_t index) {
    std::uint64_t bits = (index + 1) * kGolden;
    bits = (bits ^ (bits >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    bits = (bits ^ (bits >> 27U)) * 0x94d049bb133111ebULL;
    return bits ^ (bits >> 31U);
}

/// 1/2 + half of the fractional part of index times the golden ratio, to 52 bits: entries i and j
/// differ by at least about 1/(5 |i - j|) (the golden ratio is badly approximable).
double graded(std::uint64_t index) {
    return 0.5 + static_cast<double>((index * kGolden) >> 12U) * 0x1p-53;
}

/// |computed residual| <= gamma_roundings T, where T was itself computed with `magnitude_roundings`
/// roundings per term: the factor that turns the computed T into a threshold.
double threshold_factor(std::size_t roundings, std::size_t magnitude_roundings) {
    // One rounding more for the product with T below.
    return (gamma(roundings + 1) / (Lower::exact(1.0) - gamma(magnitude_roundings))).to_double();
}

/// Far above every underflow term (at most n times what one entry of a product loses), far below
/// every matrix that matters: the largest entry of what is checked is of order 1.
constexpr double kUnderflow = 0x1p-560;

/// What a residual may be: a part of a magnitude, and a number.
struct Allowed {
    double factor;
    double more = 0.0;
};

void require_below(const Block& residual,
                   const Vector& magnitude,
                   const Allowed& allowed,
                   const char* what) {
    for (Eigen::Index i = 0; i < residual.rows(); ++i) {
        const double threshold = allowed.factor * magnitude(i) + allowed.more + kUnderflow;
        for (int k = 0; k < kVectors; ++k) {
            if (!(std::abs(residual(i, k)) <= threshold)) {  // a NaN must fail too
                distrust(what, i);
            }
        }
    }
}

/// Such products for every row.
struct Combined {
    Block of_signs;
    Vector of_ones;
};

using four_kernel::Products;

static_assert(kVectors == four_kernel::kVectors);

/// Row i of the panel times X, and its magnitudes times w.
Products dot(const MatrixView& panel, Eigen::Index i, const Block& x, const Vector& w) {
    return four_kernel::longest().dot({panel.row(i).data(), panel.cols()}, x.data(), w.data());
}

/// Adds row^T p to both parts of `sum`, |row|^T p to the second.
void add_outer(const MatrixView& panel, Eigen::Index i, const Products& p, Combined& sum) {
    four_kernel::longest().add_outer(
        {panel.row(i).data(), panel.cols()}, p, sum.of_signs.data(), sum.of_ones.data());
}

/// The sum of what add(i, part) adds to `part` for every row i of the panel: the same on any number
/// of threads.
template <typename Add>
Combined sum_over_rows(const MatrixView& panel, const Add& add) {
    constexpr Eigen::Index kParts = 8;
    const Eigen::Index size = panel.cols();
    const Eigen::Index length = (panel.rows() + kParts - 1) / kParts;
    std::vector<Combined> parts(static_cast<std::size_t>(kParts),
                                {Block::Zero(size, kVectors), Vector::Zero(size)});
    for_each_piece(kParts, operations_of_pass(panel.rows(), panel.cols()), [&](Eigen::Index piece) {
        Combined& part = parts[static_cast<std::size_t>(piece)];
        const Eigen::Index end = std::min((piece + 1) * length, panel.rows());
        for (Eigen::Index i = piece * length; i < end; ++i) {
            add(i, part);
        }
    });
    for (std::size_t i = 1; i < parts.size(); ++i) {
        parts[0].of_signs += parts[i].of_signs;
        parts[0].of_ones += parts[i].of_ones;
    }
    return std::move(parts[0]);
}

}  // namespace

void distrust(const std::string& what, Eigen::Index row) {
    throw Error(ErrorKind::environment,
                "",
                what + " is wrong beyond rounding in row " + std::to_string(row) +
                    "; expected OpenBLAS and this processor to be correct. Try another kernel "
                    "(OPENBLAS_CORETYPE) or one thread (OPENBLAS_NUM_THREADS=1), and check the "
                    "memory");
}

Block signs(Eigen::Index size) {
    Block result(size, kVectors);
    for (Eigen::Index i = 0; i < size; ++i) {
        const auto index = static_cast<std::uint64_t>(i);
        const std::uint64_t bits = mixed(index);
        for (int k = 0; k < kGraded; ++k) {
            result(i, k) = ((bits >> k) & 1U) != 0 ? 1.0 : -1.0;
        }
        result(i, kGraded) = graded(index);
    }
    return result;
}

GramWitness::GramWitness(Eigen::Index size)
    : signs(freivalds::signs(size)),
      expected(Block::Zero(size, kVectors)),
      magnitude(Vector::Zero(size)) {}

void GramWitness::add_panel(const MatrixView& panel, bool columns) {
    if (columns) {
        add_columns(panel);
    } else {
        add_rows(panel);
    }
    inner += columns ? panel.cols() : panel.rows();
    ++panel_count;
}

void GramWitness::scale(double factor) {
    expected *= factor;
    magnitude *= factor;
}

void GramWitness::add_rows(const MatrixView& panel) {
    const Vector ones = Vector::Ones(panel.cols());
    const Combined sum = sum_over_rows(panel, [&](Eigen::Index i, Combined& part) {
        add_outer(panel, i, dot(panel, i, signs, ones), part);
    });
    expected += sum.of_signs;
    magnitude += sum.of_ones;
}

void GramWitness::add_columns(const MatrixView& panel) {
    const Combined image = sum_over_rows(panel, [&](Eigen::Index i, Combined& part) {
        add_outer(panel, i, {signs.row(i), 1.0}, part);
    });
    for_each_row(panel.rows(), panel.cols(), [&](Eigen::Index i) {
        const Products here = dot(panel, i, image.of_signs, image.of_ones);
        expected.row(i) += here.of_vectors;
        magnitude(i) += here.of_magnitudes;
    });
}

void require_gram(const Matrix& lower, const GramWitness& witness, const GramSource& source) {
    const Block residual = symmetric_product(lower, witness.signs) - witness.expected;
    const auto n = static_cast<std::size_t>(lower.rows());
    const auto image = n + static_cast<std::size_t>(witness.inner + witness.panel_count);
    // With T = |W|^T (|W| 1): Gram gamma_{p+P} T, its product with x gamma_n (1 + gamma_{p+P}) T,
    // the two products with the panels gamma_image T, the subtraction one more; T itself: image.
    const std::size_t roundings = n + blas::gram_accumulation_length(witness.inner) + image + 1;
    // |E x|_2 <= |E|_2 |x|_2, and no entry of x is larger than 1.
    const Upper length = sqrt(Upper::of_count(n));
    require_below(residual,
                  witness.magnitude,
                  {threshold_factor(roundings, image), (source.off * length).to_double()},
                  source.name);
}

ProductWitness::ProductWitness(const Matrix& b)
    : signs_(signs(b.cols())), image_(b.rows(), kVectors), row_sums_(b.rows()) {
    for_each_row_range(b.rows(), b.cols(), [&](Eigen::Index begin, Eigen::Index end) {
        const auto rows = b.middleRows(begin, end - begin);
        image_.middleRows(begin, end - begin).noalias() = rows * signs_;
        row_sums_.segment(begin, end - begin) = rows.cwiseAbs().rowwise().sum();
    });
}

void ProductWitness::require(const Eigen::Ref<const Matrix>& a, const Matrix& result) const {
    Block residual(a.rows(), kVectors);
    Vector magnitude(a.rows());
    for_each_row_range(
        a.rows(), a.cols() + result.cols(), [&](Eigen::Index begin, Eigen::Index end) {
            const auto rows = a.middleRows(begin, end - begin);
            residual.middleRows(begin, end - begin) =
                result.middleRows(begin, end - begin) * signs_ - rows * image_;
            magnitude.segment(begin, end - begin).noalias() = rows.cwiseAbs() * row_sums_;
        });
    // With T = |A| (|B| 1): as for the Gram matrix.
    const auto image_roundings = static_cast<std::size_t>(a.cols() + result.cols());
    const std::size_t roundings = blas::accumulation_length(a.cols()) +
                                  static_cast<std::size_t>(result.cols()) + image_roundings + 1;
    require_below(residual,
                  magnitude,
                  {threshold_factor(roundings, image_roundings)},
                  "a matrix product (dgemm)");
}

void require_product(const Matrix& a, const Matrix& b, const Matrix& result) {
    ProductWitness(b).require(a, result);
}

Block factor_witness(const Matrix& lower) {
    return symmetric_product(lower, signs(lower.rows()));
}

void require_factor(const Block& witness, const Matrix& factor, const Vector& row_sums) {
    const Eigen::Index n = factor.rows();
    const Block residual = witness - gram_product(factor, signs(n));
    // With T = |L| (|L|^T 1): factorisation gamma_{n+10} T, A x: gamma_n (1 + gamma_{n+10}) T,
    // the two triangular products gamma_{2n} T, the subtraction one more; T itself: 2n.
    const auto size = static_cast<std::size_t>(n);
    require_below(residual,
                  row_sums,
                  {threshold_factor(4 * size + 12, 2 * size)},
                  "a Cholesky factor (dpotrf, dgemm)");
}

Block row_witness(const Matrix& b) {
    return b * signs(b.cols());
}

void require_solution(const Block& witness, const Matrix& solution, const Matrix& lower) {
    const Eigen::Index n = lower.rows();
    const auto upper = lower.triangularView<Eigen::Lower>().transpose();
    const Block image = upper * signs(n);
    const Vector row_sums =
        lower.cwiseAbs().triangularView<Eigen::Lower>().transpose() * Vector::Ones(n);
    const Block residual = witness - solution * image;
    const Vector magnitude = solution.cwiseAbs() * row_sums;
    // With T = |X| (|L|^T 1): the solution gamma_{n+10} T, B x: gamma_n (1 + gamma_{n+10}) T, the
    // two products gamma_{2n} T, the subtraction one more; T itself: 2n.
    const auto size = static_cast<std::size_t>(n);
    require_below(residual,
                  magnitude,
                  {threshold_factor(4 * size + 12, 2 * size)},
                  "the solution of a triangular system (dgemm)");
}

void require_factor(const Eigen::VectorXf& image,
                    const Eigen::VectorXf& x,
                    const FloatMatrix& factor,
                    const Eigen::VectorXf& row_sums) {
    const Eigen::VectorXf expected = gram_product(factor, x);
    // As in float64 above: factorisation, A x, the two triangular products, the subtraction.
    const auto size = static_cast<std::size_t>(factor.rows());
    const Upper relative = gamma(4 * size + 13, Precision::float32);
    const double allowed =
        (relative / (Lower::exact(1.0) - gamma(2 * size, Precision::float32))).to_double();
    constexpr double kFloatUnderflow = 0x1p-80;
    for (Eigen::Index i = 0; i < factor.rows(); ++i) {
        const double residual = static_cast<double>(image(i)) - static_cast<double>(expected(i));
        const double threshold = allowed * static_cast<double>(row_sums(i)) + kFloatUnderflow;
        if (!(std::abs(residual) <= threshold)) {  // a NaN must fail too
            distrust("a Cholesky factor in float32", i);
        }
    }
}

}  // namespace lipcert::freivalds
