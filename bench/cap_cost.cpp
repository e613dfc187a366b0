// What capping costs beside its yardsticks, measured in one run: `normalize` in enclosures of the
// spectral norm, `hard-cap` in caps by a singular value decomposition (LAPACK dgesdd; Eigen BDCSVD
// only where it ends within minutes). Usage: cap_cost [SIZE...]
#include "lipcert/capping/cap_matrix.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <random>
#include <vector>

#include "norms/blas.hpp"
#include <Eigen/SVD>
#include <fmt/format.h>

extern "C" void dgesdd_(const char* job,
                        const int* rows,
                        const int* cols,
                        double* matrix,
                        const int* leading,
                        double* values,
                        double* left,
                        const int* left_leading,
                        double* right,
                        const int* right_leading,
                        double* work,
                        const int* work_size,
                        int* integer_work,
                        int* info);

namespace {

using namespace lipcert;

Matrix gaussian(Eigen::Index size) {
    std::mt19937_64 engine(1);
    std::normal_distribution<double> normal;
    const Matrix matrix = Matrix::NullaryExpr(size, size, [&] { return normal(engine); });
    return StoredValues::rounded(DataType::float32, matrix).values();
}

/// The shortest of a few runs, in seconds.
double seconds(const std::function<void()>& work, int runs) {
    double best = 1e300;
    for (int i = 0; i < runs; ++i) {
        const auto start = std::chrono::steady_clock::now();
        work();
        const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start;
        best = std::min(best, passed.count());
    }
    return best;
}

Matrix put_together(const Matrix& left, const Vector& values, const Matrix& right, double limit) {
    const Matrix result =
        blas::multiply(left * values.cwiseMin(limit).asDiagonal(), right.transpose());
    return StoredValues::rounded(DataType::float32, result).values();
}

/// The cap by LAPACK. A row-major matrix is its transpose to LAPACK: U and V change places.
Matrix cap_by_dgesdd(const Matrix& matrix, double limit) {
    const int size = static_cast<int>(matrix.rows());
    Matrix work_copy = matrix;
    Vector values(size);
    Matrix left(size, size);
    Matrix right(size, size);
    std::vector<int> integers(static_cast<std::size_t>(8 * size));
    std::vector<double> work(1);
    int info = 0;
    for (int work_size : {-1, 0}) {
        if (work_size == 0) {
            work_size = static_cast<int>(work[0]);
            work.resize(static_cast<std::size_t>(work_size));
        }
        dgesdd_("S",
                &size,
                &size,
                work_copy.data(),
                &size,
                values.data(),
                right.data(),
                &size,
                left.data(),
                &size,
                work.data(),
                &work_size,
                integers.data(),
                &info);
        if (info != 0) {
            fmt::print(stderr, "dgesdd failed: {}\n", info);
            std::exit(1);
        }
    }
    // Column-major U of the transpose is row-major V^T; column-major V^T is row-major U.
    return put_together(left, values, right.transpose(), limit);
}

Matrix cap_by_eigen(const Matrix& matrix, double limit) {
    const Eigen::BDCSVD<Eigen::MatrixXd> svd(matrix, Eigen::ComputeThinU | Eigen::ComputeThinV);
    return put_together(svd.matrixU(), svd.singularValues(), svd.matrixV(), limit);
}

CapRequest request_for(CapMethod method, double limit) {
    return {method, limit, 0.1, false, DataType::float32};
}

void measure(Eigen::Index size) {
    constexpr Eigen::Index kLargestForEigen = 1024;
    const Matrix matrix = gaussian(size);
    SpectralNorm norm;
    const double enclosure = seconds([&] { norm = spectral_norm(matrix); }, 3);
    const double top = norm.spectral.lower().to_double();
    fmt::print("{0} x {0} float32, normal entries: one enclosure {1:.3f} s\n", size, enclosure);
    // As a command does it: the norm, then the cap, which certifies what it stores.
    const double normalize = seconds(
        [&] {
            (void)cap_matrix(
                matrix, spectral_norm(matrix), request_for(CapMethod::normalize, 0.5 * top));
        },
        3);
    fmt::print("  normalize to 0.5 of the norm: {:.3f} s = {:.2f} enclosures (target 1.3)\n",
               normalize,
               normalize / enclosure);
    for (const double part : {0.95, 0.5}) {
        const double limit = part * top;
        Matrix capped;
        const double hard = seconds(
            [&] {
                capped = cap_matrix(
                             matrix, spectral_norm(matrix), request_for(CapMethod::hard_cap, limit))
                             .values->values();
            },
            1);
        Matrix other;
        const double lapack = seconds([&] { other = cap_by_dgesdd(matrix, limit); }, 1);
        fmt::print(
            "  hard-cap to {} of the norm: {:.3f} s; by dgesdd {:.3f} s, ratio {:.3f} "
            "(target 0.2); they differ by {:.1e}",
            part,
            hard,
            lapack,
            hard / lapack,
            (capped - other).norm() / other.norm());
        if (size <= kLargestForEigen) {
            const double eigen = seconds([&] { (void)cap_by_eigen(matrix, limit); }, 1);
            fmt::print("; by Eigen BDCSVD {:.3f} s, ratio {:.3f}", eigen, hard / eigen);
        }
        fmt::print("\n");
        std::fflush(stdout);
    }
}

}  // namespace

int main(int argc, char** argv) {
    std::vector<Eigen::Index> sizes;
    for (int i = 1; i < argc; ++i) {
        sizes.push_back(std::max(std::atoi(argv[i]), 2));
    }
    if (sizes.empty()) {
        sizes = {1024, 4096};
    }
    for (const Eigen::Index size : sizes) {
        measure(size);
    }
    return 0;
}
