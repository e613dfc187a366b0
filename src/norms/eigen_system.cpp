#include "norms/eigen_system.hpp"

#include "lipcert/error.hpp"

#include <cmath>
#include <string>
#include <vector>

#include "norms/blas_routines.hpp"
#include "norms/thread_limit.hpp"
#include <Eigen/Eigenvalues>

// LAPACK's own name; no C header of it is among the dependencies.
// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" void dsyevd_(const char* job,
                        const char* uplo,
                        const int* n,
                        double* a,
                        const int* lda,
                        double* values,
                        double* work,
                        const int* work_size,
                        int* integer_work,
                        const int* integer_work_size,
                        int* info,
                        std::size_t job_length,
                        std::size_t uplo_length);

namespace lipcert::estimate {

namespace {

/// 2 n^2 numbers of workspace are counted in an int.
constexpr Eigen::Index kLargestSize = 32000;

/// Overwrites `a` with the eigenvectors; false where the iteration did not converge.
bool divide_and_conquer(Matrix& a, Vector& values) {
    const int n = blas::checked(a.rows());
    const int work_size = 1 + 6 * n + 2 * n * n;
    const int integer_work_size = 3 + 5 * n;
    Vector work(work_size);
    std::vector<int> integer_work(static_cast<std::size_t>(integer_work_size));
    int info = 0;
    // The reduction to a tridiagonal matrix is bound by memory, and LAPACK's threads meet n times
    // in it: where another process wants their core, 2048 rows took 20 s instead of 1.2.
    const ThreadLimit one(0.0);
    // The lower triangle of a row-major matrix is the upper one of LAPACK's column-major matrix,
    // and its columns of eigenvectors are our rows.
    dsyevd_("V",
            "U",
            &n,
            a.data(),
            &n,
            values.data(),
            work.data(),
            &work_size,
            integer_work.data(),
            &integer_work_size,
            &info,
            1,
            1);
    return info == 0;
}

}  // namespace

EigenSystem eigen_system(const Matrix& lower) {
    if (lower.rows() > kLargestSize) {
        throw Error(ErrorKind::usage,
                    "",
                    "a matrix whose smaller side is " + std::to_string(lower.rows()) +
                        " is too large for its singular vectors (at most " +
                        std::to_string(kLargestSize) + "); choose the method normalize for it");
    }
    constexpr Eigen::Index kSmall = 64;  // LAPACK's many calls cost more than its way saves
    EigenSystem result{Vector(lower.rows()), lower};
    if (lower.rows() <= kSmall || !divide_and_conquer(result.vectors, result.values)) {
        const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(lower);
        result.values = solver.eigenvalues();
        result.vectors = solver.eigenvectors().transpose();
    }
    return result;
}

}  // namespace lipcert::estimate
