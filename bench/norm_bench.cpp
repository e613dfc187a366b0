// What a proof of |W|_2 costs beside what others pay for an estimate: every round runs the
// contestants one after the other, and medians and their ratios are printed.
// usage: norm_bench [--quick] [--numpy] [--svd] [CHECKPOINT]
#include "lipcert/checkpoint/checkpoint.hpp"
#include "lipcert/norms/blas_kernels.hpp"
#include "lipcert/norms/spectral_norm.hpp"

#include <algorithm>
#include <cblas.h>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <functional>
#include <limits>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

#include "norms/large_matrix.hpp"
#include "spectra.hpp"
#include <Eigen/SVD>
#include <Spectra/SymEigsSolver.h>
#include <fmt/format.h>

namespace {

using Eigen::Index;
using lipcert::Matrix;
using lipcert::Vector;

struct Settings {
    bool quick = false;
    bool numpy = false;
    bool svd = false;
    std::string checkpoint;
};

double seconds(const std::function<void()>& work) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values.empty() ? std::numeric_limits<double>::quiet_NaN() : values[values.size() / 2];
}

/// W^T W x, or W W^T x where that is smaller.
class GramOperator {
public:
    using Scalar = double;

    explicit GramOperator(const Matrix& matrix) : matrix_(matrix) {}

    [[nodiscard]] Index rows() const { return std::min(matrix_.rows(), matrix_.cols()); }

    [[nodiscard]] Index cols() const { return rows(); }

    void perform_op(const double* x, double* y) const {
        const Eigen::Map<const Vector> input(x, rows());
        Eigen::Map<Vector> output(y, rows());
        if (matrix_.rows() < matrix_.cols()) {
            output.noalias() = matrix_ * (matrix_.transpose() * input);
        } else {
            output.noalias() = matrix_.transpose() * (matrix_ * input);
        }
    }

private:
    const Matrix& matrix_;
};

void lanczos_alone(const Matrix& matrix) {
    GramOperator operation(matrix);
    Spectra::SymEigsSolver<GramOperator> solver(
        operation, 1, std::min<Index>(20, operation.rows()));
    solver.init();
    solver.compute(Spectra::SortRule::LargestAlge, 100, 1e-10);
}

void one_dsyrk(const Matrix& matrix, Matrix& gram) {
    const bool wide = matrix.rows() < matrix.cols();
    const auto n = static_cast<int>(std::min(matrix.rows(), matrix.cols()));
    const auto k = static_cast<int>(std::max(matrix.rows(), matrix.cols()));
    cblas_dsyrk(CblasRowMajor,
                CblasLower,
                wide ? CblasNoTrans : CblasTrans,
                n,
                k,
                1.0,
                matrix.data(),
                static_cast<int>(matrix.cols()),
                0.0,
                gram.data(),
                n);
}

/// Seconds of numpy.linalg.norm(W, 2) and of svds(k=1).
std::pair<double, double> numpy_seconds(const Matrix& matrix) {
    const std::string path = fmt::format("/tmp/norm_bench.{}.f64", getpid());
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(matrix.data()),
               static_cast<std::streamsize>(matrix.size() * 8));
    const std::string command = fmt::format("/usr/bin/python3 {}/numpy_norm.py {} {} {}",
                                            LIPCERT_BENCH_FOLDER,
                                            path,
                                            matrix.rows(),
                                            matrix.cols());
    double norm = std::numeric_limits<double>::quiet_NaN();
    double svds = norm;
    if (FILE* pipe = popen(command.c_str(), "r")) {
        if (std::fscanf(pipe, "%lf %lf", &norm, &svds) < 1) {
            norm = std::numeric_limits<double>::quiet_NaN();
        }
        pclose(pipe);
    }
    std::remove(path.c_str());
    return {norm, svds};
}

/// After a call, a thread of OpenBLAS looks for more work for a tenth of a second: the next
/// contestant would find it on the other core.
void rest() {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
}

void measure(const std::string& name, const Matrix& matrix, const Settings& settings) {
    const Index n = std::min(matrix.rows(), matrix.cols());
    const double flops = static_cast<double>(matrix.size()) * static_cast<double>(n);
    const int rounds = flops > 5e10 ? 3 : (flops > 2e9 ? 7 : 25);
    Matrix gram = Matrix::Zero(n, n);
    lipcert::SpectralNorm norm = lipcert::spectral_norm(matrix);
    one_dsyrk(matrix, gram);
    std::vector<double> ours, syrk, spectra;
    for (int round = 0; round < rounds; ++round) {
        rest();
        syrk.push_back(seconds([&] { one_dsyrk(matrix, gram); }));
        rest();
        ours.push_back(seconds([&] { norm = lipcert::spectral_norm(matrix); }));
    }
    spectra.push_back(seconds([&] { lanczos_alone(matrix); }));
    fmt::print("{:<34} {:>13} {:>9.2e} {:>9.2e} {:>7.2f} {:>9.1e} {:>8.2f}",
               name,
               fmt::format("{}x{}", matrix.rows(), matrix.cols()),
               median(ours),
               median(syrk),
               median(ours) / median(syrk),
               norm.spectral.relative_width().to_double(),
               median(spectra) / median(ours));
    if (settings.numpy) {
        const auto [numpy, svds] = numpy_seconds(matrix);
        fmt::print(" {:>8.1f} {:>8.2f}", numpy / median(ours), svds / median(ours));
    }
    if (settings.svd && n <= 1024) {
        const double svd = seconds([&] {
            const Eigen::BDCSVD<Eigen::MatrixXd> decomposition(matrix);
            static_cast<void>(decomposition);
        });
        fmt::print(" {:>8.1f}", svd / median(ours));
    }
    fmt::print("  {}\n", lipcert::name_of(norm.method));
    std::fflush(stdout);
}

void measure_shapes(const Settings& settings) {
    std::vector<std::pair<Index, Index>> shapes = {{768, 768}, {3072, 768}, {50257, 768}};
    if (!settings.quick) {
        shapes.insert(shapes.end(), {{4096, 4096}, {11008, 4096}});
    }
    for (const auto& [rows, cols] : shapes) {
        for (const char* name : lipcert::bench::kSpectra) {
            measure(name, lipcert::bench::spectrum(name, rows, cols), settings);
        }
    }
}

void measure_checkpoint(const Settings& settings) {
    const auto checkpoint = lipcert::open_checkpoint(settings.checkpoint);
    for (const lipcert::TensorInfo& tensor : checkpoint->tensors()) {
        if (lipcert::is_float_matrix(tensor)) {
            measure(tensor.name, checkpoint->read(tensor), settings);
        }
    }
}

}  // namespace

int main(int count, char** arguments) {
    lipcert::use_better_kernels(arguments);  // as the program does; numpy inherits the choice
    lipcert::keep_freed_memory();
    Settings settings;
    for (int i = 1; i < count; ++i) {
        const std::string argument = arguments[i];
        settings.quick = settings.quick || argument == "--quick";
        settings.numpy = settings.numpy || argument == "--numpy";
        settings.svd = settings.svd || argument == "--svd";
        if (!argument.starts_with("--")) {
            settings.checkpoint = argument;
        }
    }
    fmt::print("BLAS threads {}, {}; seconds are medians of one run\n",
               openblas_get_num_threads(),
               openblas_get_corename());
    fmt::print("{:<34} {:>13} {:>9} {:>9} {:>7} {:>9} {:>8}{}{}  method\n",
               "spectrum or tensor",
               "shape",
               "ours",
               "dsyrk",
               "ratio",
               "width",
               "Spectra",
               settings.numpy ? "    numpy     svds" : "",
               settings.svd ? "   BDCSVD" : "");
    if (settings.checkpoint.empty()) {
        measure_shapes(settings);
    } else {
        measure_checkpoint(settings);
    }
    return 0;
}
