#include "norms/orthonormal_rows.hpp"

#include "norms/blas_routines.hpp"
#include "norms/blocked_cholesky.hpp"
#include "norms/blocked_gram.hpp"
#include "norms/parallel.hpp"
#include <Eigen/QR>

namespace lipcert::estimate {

namespace {

using Eigen::Index;

void orthonormalise_dependent(Matrix& rows) {
    // Row by row in memory is the transpose, column by column.
    Eigen::Map<Eigen::MatrixXd> columns(rows.data(), rows.cols(), rows.rows());
    const Eigen::HouseholderQR<Eigen::MatrixXd> qr(columns);
    columns = qr.householderQ() * Eigen::MatrixXd::Identity(columns.rows(), columns.cols());
}

}  // namespace

void orthonormalise(Matrix& rows) {
    rows.rowwise().normalize();
    Matrix factor(rows.rows(), rows.rows());
    blas::gram_of_panel(rows, true, blas::Into::overwrite, factor);
    if (blas::cholesky(factor) != 0) {
        orthonormalise_dependent(rows);
        return;
    }
    const double multiply_adds =
        0.5 * static_cast<double>(factor.size()) * static_cast<double>(rows.cols());
    for_each_share(rows.cols(), multiply_adds, [&](Index begin, Index end) {
        cblas_dtrsm(CblasRowMajor,
                    CblasLeft,
                    CblasLower,
                    CblasNoTrans,
                    CblasNonUnit,
                    blas::checked(rows.rows()),
                    blas::checked(end - begin),
                    1.0,
                    factor.data(),
                    blas::checked(factor.cols()),
                    rows.data() + begin,
                    blas::checked(rows.cols()));
    });
}

}  // namespace lipcert::estimate
