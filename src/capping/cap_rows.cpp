#include "lipcert/capping/cap_matrix.hpp"
#include "lipcert/error.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "capping/change.hpp"
#include "capping/job.hpp"
#include "capping/rounding_loop.hpp"

namespace lipcert {

namespace {

using namespace capping;

/// What became of the rows above the limit.
struct Rows {
    Matrix values;  ///< in the stored type
    std::size_t moved = 0;
    Lower least_squared;  ///< sum (|w| - c)^2, the least change that meets the limit
};

/// Every row that is not proved to be within the limit becomes a stored row that is. `norms`: of
/// the rows, as whoever certifies the result will bound them.
Rows cap_each(const Job& job, const std::vector<Upper>& norms) {
    Rows result{job.stored, 0, {}};
    const Upper limit = Upper::exact(job.request.limit);
    for (Eigen::Index i = 0; i < job.stored.rows(); ++i) {
        if (is_within(norms[static_cast<std::size_t>(i)], job.request.limit)) {
            continue;
        }
        const Matrix row = job.stored.row(i);
        const SpectralNorm norm = spectral_norm(row);  // of one row: its Euclidean norm
        const Job of_row = make_job(row, norm, job.request);
        const Rounded rounded = round_within_limit(of_row,
                                                   {row, of_row.exponent},
                                                   scale_to_limit(of_row, of_row.settled_limit),
                                                   certify_afresh);
        require_near_limit(of_row, rounded);
        result.values.row(i) = rounded.stored.matrix().row(0);
        const Lower excess = norm.spectral.lower() - limit;
        result.least_squared = result.least_squared + excess * excess;
        ++result.moved;
    }
    return result;
}

}  // namespace

CapResult cap_rows(const Matrix& matrix, const SpectralNorm& norm, const CapRequest& request) {
    const Job job = make_job(matrix, norm, request);
    const std::vector<Upper> norms = row_norms(MatrixBall::of(matrix));
    const Upper largest = norms.empty() ? Upper() : *std::max_element(norms.begin(), norms.end());
    Rows rows = cap_each(job, norms);
    if (rows.moved == 0) {
        CapResult result = unchanged(job);
        result.within_limit = true;
        result.largest_row_before = result.largest_row_after = largest;
        return result;
    }
    CapResult result;
    result.largest_row_before = largest;
    result.before = norm;
    result.values = StoredValues::rounded(request.type, rows.values);
    const Matrix stored = result.values->values();
    result.after = spectral_norm(stored);
    result.largest_row_after = largest_row_norm(MatrixBall::of(stored));
    result.within_limit = is_within(*result.largest_row_after, request.limit);
    if (!result.within_limit) {
        throw Error(ErrorKind::internal, "", "rows within the limit left it when they were stored");
    }
    result.relative_frobenius_change = quotient(frobenius_distance(matrix, stored), norm.frobenius);
    result.relative_spectral_change = spectral_distance(matrix, stored) / norm.spectral.lower();
    const Lower least = sqrt(rows.least_squared);
    if (!least.is_zero()) {
        result.change_over_least =
            result.relative_frobenius_change.upper() * norm.frobenius.upper() / least;
    }
    result.moved = rows.moved;
    return result;
}

}  // namespace lipcert
