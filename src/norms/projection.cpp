#include "norms/projection.hpp"

#include "lipcert/rounding/roundoff.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "norms/blas.hpp"
#include "norms/parallel.hpp"
#include <Eigen/Eigenvalues>

namespace lipcert {

namespace {

using Index = Eigen::Index;

/// Sums of fewer than 2^10 products of non-negative doubles lose less than this factor.
constexpr double kInflation = 1.0 + 0x1p-40;
constexpr double kTiny = SmallerSide::kUnderflow;

double gamma_of(Index operations) {
    return gamma(static_cast<std::size_t>(operations)).to_double();
}

double gamma_of_panels(Index inner) {
    return gamma(blas::accumulation_length(inner)).to_double();
}

/// At least the Euclidean norm of each column; entries are far from overflow.
Vector column_norms(const MatrixView& matrix) {
    const double relative = gamma_of(matrix.rows() + 4);
    return ((matrix.colwise().norm().transpose().array()) * (1.0 + 2.0 * relative) + kTiny)
        .matrix();
}

/// Y^T Y, of so many rows at a time.
Matrix gram_of_columns(const MatrixView& y) {
    constexpr Index kRows = 2048;
    const Index pieces = (y.rows() + kRows - 1) / kRows;
    std::vector<Matrix> parts(static_cast<std::size_t>(pieces));
    const double operations = static_cast<double>(y.cols()) * static_cast<double>(y.size());
    for_each_piece(pieces, operations, [&](Index piece) {
        const auto rows = y.middleRows(piece * kRows, std::min(kRows, y.rows() - piece * kRows));
        parts[static_cast<std::size_t>(piece)] = rows.transpose() * rows;
    });
    Matrix sum = Matrix::Zero(y.cols(), y.cols());
    for (const Matrix& part : parts) {
        sum += part;
    }
    return sum;
}

/// At least the Frobenius norm, from column norms.
double norm_of_norms(const Vector& norms) {
    return norms.norm() * kInflation + kTiny;
}

/// Cholesky of a small matrix by the textbook loop: true where it ends with positive pivots [S2].
bool has_factor(Matrix a) {
    for (Index j = 0; j < a.rows(); ++j) {
        const double pivot = a(j, j) - a.row(j).head(j).squaredNorm();
        if (!(pivot > 0.0 && std::isfinite(pivot))) {
            return false;
        }
        a(j, j) = std::sqrt(pivot);
        for (Index i = j + 1; i < a.rows(); ++i) {
            a(i, j) = (a(i, j) - a.row(i).head(j).dot(a.row(j).head(j))) / a(j, j);
        }
    }
    return true;
}

/// Weights for a bound of an error matrix by its row sums: the error of a direction that lies far
/// below the top may count more, so that those of the top count for themselves only.
Vector row_weights(const Matrix& h) {
    constexpr double kFar = 0.9;
    constexpr double kSmall = 0x1p-10;
    const double top = h.diagonal().maxCoeff();
    return (h.diagonal().array() > kFar * top).select(Vector::Ones(h.rows()), kSmall);
}

/// [S9] Whether tau S - H - R^T R/(tau - beta) is proved positive semidefinite, so that
/// |W|_2^2 <= tau.
bool proves_level(const Projection& p, double tau, double beta) {
    const double gap = std::nextafter(tau - beta, 0.0);
    if (!(gap > 0.0)) {
        return false;
    }
    const Index k = p.s.rows();
    Matrix m = tau * p.s - p.h - (2.0 / gap) * p.c;
    // Rounding of the small matrices, of the terms above, and R^T R <= 2 fl(R)^T fl(R) + 2 e^2 I.
    Matrix error =
        tau * p.s_error + p.h_error + (2.0 / gap) * p.c_error +
        gamma_of(8) * (tau * p.s.cwiseAbs() + p.h.cwiseAbs() + (2.0 / gap) * p.c.cwiseAbs());
    error.diagonal().array() += 2.0 * p.residual_error * p.residual_error / gap;
    const Vector weights = row_weights(p.h);
    const Vector shift = ((error * weights).array() / weights.array() * kInflation).matrix();
    // |E| <= diag(shift) in the Loewner order; the factorisation of k rows and the subtraction.
    const double kappa =
        2.0 * gamma_of(k + 16) * (m.diagonal().cwiseAbs().sum() + shift.sum()) * kInflation + kTiny;
    m.diagonal() -= shift;
    m.diagonal().array() -= kappa;
    return m.allFinite() && has_factor(std::move(m));
}

struct TopPair {
    double value = 0.0;
    Vector vector;
};

/// An estimate of the top eigenpair of H c = lambda S c.
TopPair top_pair(const Projection& p) {
    const Eigen::Index last = p.s.rows() - 1;
    const Eigen::GeneralizedSelfAdjointEigenSolver<Eigen::MatrixXd> solver(p.h, p.s);
    if (solver.info() == Eigen::Success && solver.eigenvectors().allFinite()) {
        return {solver.eigenvalues()(last), solver.eigenvectors().col(last)};
    }
    Index best = 0;
    const double value = p.h.diagonal().maxCoeff(&best);
    return {value / p.s(best, best), Vector::Unit(p.s.rows(), best)};
}

}  // namespace

Projection project(const SmallerSide& side, const Images& images, double frobenius) {
    const auto& [v, y, z] = images;
    const Index n = side.size();
    const Index m = side.inner();
    const Index k = v.cols();
    const double root = std::sqrt(static_cast<double>(m + n)) * kInflation;
    Projection p;
    p.s = v.transpose() * v;
    p.h = gram_of_columns(y);
    const Matrix residual = z - v * p.h;
    p.c = residual.transpose() * residual;
    const Vector of_v = column_norms(v);
    const Vector of_y = column_norms(y);
    const Vector of_r = column_norms(residual);
    // Column i of Y is off by at most e_i: gamma_{p+P} |W| |v_i|.
    const Vector e =
        ((gamma_of_panels(n) * frobenius * kInflation) * of_v.array() + root * kTiny).matrix();
    p.s_error = ((gamma_of(n) * of_v) * of_v.transpose()).array() + kTiny;
    p.h_error = (gamma_of(m) * of_y * of_y.transpose() + e * of_y.transpose() +
                 of_y * e.transpose() + e * e.transpose())
                    .array() +
                kTiny;
    p.c_error = ((gamma_of(n) * of_r) * of_r.transpose()).array() + kTiny;
    const double norm_y = norm_of_norms(of_y);
    const double norm_h = norm_of_norms(column_norms(p.h));
    p.residual_error =
        kInflation * (gamma_of(m) * frobenius * norm_y + frobenius * norm_of_norms(e) +
                      gamma_of(k + 2) * (norm_of_norms(of_v) * norm_h + norm_of_norms(of_r)) +
                      root * static_cast<double>(k) * kTiny);
    return p;
}

double lowest_level(const Projection& p, double beta) {
    const double top = top_pair(p).value;
    // From far too low up to a success, then down again by halves in the logarithm.
    constexpr int kSteps = 20;
    constexpr int kRefinements = 5;
    double below = 0x1p-54;
    double above = below;
    for (int i = 0; !proves_level(p, top * (1.0 + above), beta); ++i) {
        if (i == kSteps) {
            return std::numeric_limits<double>::infinity();
        }
        below = above;
        above *= 4.0;
    }
    for (int i = 0; i < kRefinements && above > below; ++i) {
        const double between = std::sqrt(below * above);
        (proves_level(p, top * (1.0 + between), beta) ? above : below) = between;
    }
    return top * (1.0 + above);
}

Lower quotient_of_top(const Projection& p) {
    const Vector c = top_pair(p).vector;
    const Vector size = c.cwiseAbs();
    // c^T (V^T G V) c / c^T S c for exact c: rounding of the two sums and of their matrices.
    const double rounding = gamma_of(2 * c.size() + 2);
    const auto form = [&c](const Matrix& matrix) { return c.dot(matrix * c); };
    const auto error = [&](const Matrix& matrix, const Matrix& of_matrix) {
        return kInflation * size.dot((rounding * matrix.cwiseAbs() + of_matrix) * size);
    };
    const double image = form(p.h);
    const double length = form(p.s);
    if (!(image > 0.0 && length > 0.0 && std::isfinite(image) && std::isfinite(length))) {
        return {};
    }
    return sqrt((Lower::exact(image) - Upper::exact(error(p.h, p.h_error))) /
                (Upper::exact(length) + Upper::exact(error(p.s, p.s_error))));
}

}  // namespace lipcert
