// What capping costs beside its yardsticks, measured in one run: `normalize` in enclosures of the
// spectral norm, `hard-cap` in caps by a singular value decomposition (LAPACK dgesdd; Eigen BDCSVD
// only where it ends within minutes). Usage: cap_cost [SIZE or SPECTRUM]...
#include "lipcert/capping/cap_matrix.hpp"
#include "lipcert/norms/blas_kernels.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "norms/blas.hpp"
#include "norms/large_matrix.hpp"
#include "spectra.hpp"
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

/// Time by the clock, and of the processor in all threads: the latter is what a machine that others
/// use still tells. Seconds.
struct Cost {
    double wall = 1e300;
    double cpu = 1e300;
};

/// Of one more run, or what the runs before took, whichever is less.
void run(const std::function<void()>& work, Cost& least) {
    const auto start = std::chrono::steady_clock::now();
    const std::clock_t cpu_start = std::clock();
    work();
    const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start;
    least.wall = std::min(least.wall, passed.count());
    least.cpu = std::min(least.cpu, static_cast<double>(std::clock() - cpu_start) / CLOCKS_PER_SEC);
}

Cost cost_of(const std::function<void()>& work) {
    Cost cost;
    run(work, cost);
    return cost;
}

std::string text_of(const Cost& cost) {
    return fmt::format("{:.3f} s ({:.3f} s of processor)", cost.wall, cost.cpu);
}

std::string ratio_of(const Cost& a, const Cost& b) {
    return fmt::format("{:.3f} ({:.3f})", a.wall / b.wall, a.cpu / b.cpu);
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

void measure(const char* spectrum, Eigen::Index size) {
    constexpr Eigen::Index kLargestForEigen = 1024;
    constexpr double kPart = 0.5;
    const Matrix matrix = bench::spectrum(spectrum, size, size);
    SpectralNorm norm;
    // As a command does it: the norm, then the cap, which certifies what it stores.
    double top = 0.0;
    const auto capped = [&](CapMethod method, double part) {
        return cap_matrix(matrix, spectral_norm(matrix), request_for(method, part * top));
    };
    // In turns: the machine's rate changes from one second to the next.
    constexpr int kRuns = 5;
    Cost enclosure;
    Cost normalize;
    for (int i = 0; i < kRuns; ++i) {
        run([&] { norm = spectral_norm(matrix); }, enclosure);
        top = norm.spectral.lower().to_double();
        run([&] { (void)capped(CapMethod::normalize, kPart); }, normalize);
    }
    fmt::print("{0} x {0} float32, {1}; one enclosure: {2}\n", size, spectrum, text_of(enclosure));
    fmt::print("  normalize: {}, in enclosures {} (target 1.3)\n",
               text_of(normalize),
               ratio_of(normalize, enclosure));
    std::fflush(stdout);
    // A decomposition costs the same whatever the limit.
    Matrix by_svd;
    const Cost lapack = cost_of([&] { by_svd = cap_by_dgesdd(matrix, kPart * top); });
    fmt::print("  cap by dgesdd: {}\n", text_of(lapack));
    std::fflush(stdout);
    if (size <= kLargestForEigen) {
        const Cost eigen = cost_of([&] { (void)cap_by_eigen(matrix, kPart * top); });
        fmt::print("  cap by Eigen BDCSVD: {}\n", text_of(eigen));
    }
    for (const double part : {0.95, kPart}) {
        CapResult result;
        const Cost hard = cost_of([&] { result = capped(CapMethod::hard_cap, part); });
        fmt::print(
            "  hard-cap to {} of the norm: {}, of dgesdd {} (target 0.2), {} singular "
            "values moved\n",
            part,
            text_of(hard),
            ratio_of(hard, lapack),
            result.moved);
        if (part == kPart) {
            fmt::print("  relative difference to the cap by dgesdd: {:.1e}\n",
                       (result.values->values() - by_svd).norm() / by_svd.norm());
        }
        std::fflush(stdout);
    }
}

}  // namespace

int main(int argc, char** argv) {
    lipcert::use_better_kernels(argv);
    lipcert::keep_all_freed_memory();  // as the command does
    std::vector<Eigen::Index> sizes;
    std::vector<std::string> spectra;
    for (const std::string& argument : std::vector<std::string>(argv + 1, argv + argc)) {
        const int size = std::atoi(argument.c_str());
        if (size > 0) {
            sizes.push_back(std::max(size, 2));
        } else {
            spectra.push_back(argument);
        }
    }
    if (sizes.empty()) {
        sizes = {1024, 4096};
    }
    if (spectra.empty()) {
        spectra.assign(std::begin(bench::kSpectra), std::end(bench::kSpectra));
    }
    for (const Eigen::Index size : sizes) {
        for (const std::string& spectrum : spectra) {
            measure(spectrum.c_str(), size);
        }
    }
    return 0;
}
