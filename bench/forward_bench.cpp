// What a float32 run reaches of the machine's own SGEMM: rounds of both, one after the other, on
// shapes of GPT-2 small at 512 tokens; and tokens per second of a stored model in batches.
// usage: forward_bench [CHECKPOINT]
#include "lipcert/architecture/description.hpp"
#include "lipcert/checkpoint/memory_checkpoint.hpp"
#include "lipcert/execution/evaluate.hpp"
#include "lipcert/norms/blas_kernels.hpp"

#include <algorithm>
#include <cblas.h>
#include <chrono>
#include <cstdio>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "norms/float_matrix.hpp"
#include "norms/measured_product.hpp"
#include <fmt/format.h>

namespace {

using Eigen::Index;
using lipcert::FloatMatrix;
using lipcert::Matrix;

constexpr Index kWidth = 768, kTokens = 512, kVocabulary = 50257, kHeads = 12;
constexpr int kLayers =
    2;  // of twelve that cost the same; the unembedding in proportion, once in six

double seconds(const std::function<void()>& work) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

class Gpt2 {
public:
    Gpt2() {
        add("embed", kVocabulary / 6, kWidth);
        checkpoint_.add("norm", Matrix::Constant(1, kWidth, 0.9));
        architecture_.embedding.weight = "embed";
        architecture_.unembedding = lipcert::LinearMap{"embed", lipcert::Layout::out_in, {}, ""};
        for (int i = 0; i < kLayers; ++i) {
            const std::string layer = "layer" + std::to_string(i);
            lipcert::Attention attention;
            attention.query = map(layer + ".query", kWidth, kWidth);
            attention.key = map(layer + ".key", kWidth, kWidth);
            attention.value = map(layer + ".value", kWidth, kWidth);
            attention.output = map(layer + ".output", kWidth, kWidth);
            attention.heads = attention.key_value_heads = kHeads;
            attention.score_scale = lipcert::Interval::exact(0.125);
            lipcert::Mlp mlp;
            mlp.in = map(layer + ".in", 4 * kWidth, kWidth);
            mlp.out = map(layer + ".out", kWidth, 4 * kWidth);
            mlp.activation = lipcert::Activation::gelu_tanh;
            architecture_.layers.push_back(
                {static_cast<std::size_t>(i), {behind_norm({attention}), behind_norm({mlp})}});
        }
    }

    [[nodiscard]] const lipcert::Architecture& architecture() const { return architecture_; }

    [[nodiscard]] const lipcert::Checkpoint& checkpoint() const { return checkpoint_; }

    /// Of the linear maps; scores, softmax and activations come on top and are not counted.
    [[nodiscard]] double multiply_adds() const { return weights_ * static_cast<double>(kTokens); }

private:
    void add(const std::string& name, Index rows, Index cols) {
        std::normal_distribution<double> normal(0.0, 0.02);
        checkpoint_.add(name, Matrix::NullaryExpr(rows, cols, [&]() { return normal(random_); }));
        weights_ += static_cast<double>(rows * cols);
    }

    lipcert::LinearMap map(const std::string& name, Index outputs, Index inputs) {
        add(name, outputs, inputs);
        checkpoint_.add(name + ".bias", Matrix::Constant(1, outputs, 0.01));
        return {name, lipcert::Layout::out_in, {}, name + ".bias"};
    }

    lipcert::Module behind_norm(lipcert::Module module) {
        lipcert::Normalisation norm;
        norm.weight = norm.bias = "norm";
        norm.epsilon = lipcert::Interval::exact(1e-5);
        lipcert::Residual residual;
        residual.body = {lipcert::Module{norm}, std::move(module)};
        return {residual};
    }

    std::mt19937_64 random_{1};
    lipcert::Architecture architecture_;
    lipcert::MemoryCheckpoint checkpoint_;
    double weights_ = 0.0;
};

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

/// Seconds of one product of square matrices, by the faster of OpenBLAS' own threads and lipcert's.
double seconds_of_sgemm(const FloatMatrix& a, const FloatMatrix& b, FloatMatrix& result) {
    const auto side = static_cast<int>(a.rows());
    const double own = seconds([&] {
        cblas_sgemm(CblasRowMajor,
                    CblasNoTrans,
                    CblasNoTrans,
                    side,
                    side,
                    side,
                    1.0F,
                    a.data(),
                    side,
                    b.data(),
                    side,
                    0.0F,
                    result.data(),
                    side);
    });
    return std::min(own,
                    seconds([&] { result = lipcert::blas::multiply_and_add<float>(a, b, {}); }));
}

void compare_with_sgemm() {
    const Gpt2 model;
    const lipcert::FastTransformer engine(model.architecture(), model.checkpoint());
    std::vector<std::size_t> tokens(static_cast<std::size_t>(kTokens));
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        tokens[i] = (i * i) % 1000;
    }
    const FloatMatrix stream = engine.embed(tokens);
    constexpr Index kSide = 2048;
    const FloatMatrix a = FloatMatrix::Random(kSide, kSide);
    const FloatMatrix b = FloatMatrix::Random(kSide, kSide);
    FloatMatrix product(kSide, kSide);
    std::vector<double> gemm, run, share;
    constexpr double kSideCubed = 1.0 * kSide * kSide * kSide;
    for (int round = 0; round < 15; ++round) {
        gemm.push_back(2.0 * kSideCubed / seconds_of_sgemm(a, b, product));
        run.push_back(2.0 * model.multiply_adds() / seconds([&] { (void)engine.logits(stream); }));
        share.push_back(run.back() / gemm.back());
    }
    fmt::print("medians of {} rounds\n", gemm.size());
    fmt::print("SGEMM {0} x {0} x {0}: {1:.1f} GFLOP/s\n", kSide, median(gemm) / 1e9);
    fmt::print("float32 run, GPT-2 small shapes, {} tokens: {:.1f} GFLOP/s of its linear maps\n",
               kTokens,
               median(run) / 1e9);
    fmt::print("ratio: {:.0f} %\n", 100.0 * median(share));
}

template <class Scalar>
void time_model(const std::string& path, const char* precision) {
    const auto checkpoint = lipcert::open_checkpoint(path);
    const lipcert::BasicTransformer<Scalar> engine(
        lipcert::architecture_of(*checkpoint,
                                 lipcert::find_configuration(*checkpoint, std::nullopt)),
        *checkpoint);
    std::vector<lipcert::TokenSequence> sequences(32, lipcert::TokenSequence(257));
    for (std::size_t i = 0; i < sequences.size(); ++i) {
        for (std::size_t k = 0; k < sequences[i].size(); ++k) {
            sequences[i][k] = (i + k * k) % 50;
        }
    }
    lipcert::Evaluation evaluation;
    const double taken = seconds([&] { evaluation = lipcert::evaluate(engine, sequences, {}); });
    fmt::print("{}, {}: {:.0f} tokens/s in windows of 256\n",
               path,
               precision,
               static_cast<double>(evaluation.predicted) / taken);
}

}  // namespace

int main(int count, char** arguments) {
    lipcert::use_better_kernels(arguments);
    compare_with_sgemm();
    if (count > 1) {
        time_model<float>(arguments[1], "float32");
        time_model<double>(arguments[1], "float64");
    }
    return 0;
}
