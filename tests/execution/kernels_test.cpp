// The float32 kernels against the float64 ones, and those of attention against each other.
#include "execution/kernels.hpp"

#include <algorithm>
#include <cmath>

#include "support/random.hpp"
#include <doctest/doctest.h>

using namespace lipcert;
using lipcert::test::Random;

namespace {

constexpr double kUnit = 0x1p-23;  // of float32

/// Floats of every magnitude to 100 and of both signs, and what lies at the ends.
Stream<float> arguments() {
    Stream<float> x(1, 40004);
    for (Eigen::Index i = 0; i < 20000; ++i) {
        const double size = std::pow(10.0, -8.0 + 10.0 * static_cast<double>(i) / 19999.0);
        x(0, 2 * i) = static_cast<float>(size);
        x(0, 2 * i + 1) = static_cast<float>(-size);
    }
    x.rightCols(4) << 0.0F, -0.0F, 1e30F, -1e30F;
    return x;
}

/// `values`, of which row r of a softmax sees the first r + 1.
template <class Scalar>
Stream<Scalar> shares(const Matrix& values, bool causal) {
    Stream<Scalar> result = values.cast<Scalar>();
    Kernels<Scalar>::softmax(causal ? 1 : values.cols(), Scalar(0.5), result);
    return result;
}

}  // namespace

TEST_CASE("activations in float32 are within four units in the last place of their argument") {
    const Stream<float> x = arguments();
    for (const Activation activation : {Activation::relu,
                                        Activation::gelu_erf,
                                        Activation::gelu_tanh,
                                        Activation::silu,
                                        Activation::quick_gelu,
                                        Activation::mish,
                                        Activation::tanh,
                                        Activation::hardswish,
                                        Activation::relu_squared,
                                        Activation::identity}) {
        CAPTURE(static_cast<int>(activation));
        Stream<float> found = x;
        Matrix exact = x.cast<double>();
        Kernels<float>::activate(activation, Interval::exact(1.0), found);
        Kernels<double>::activate(activation, Interval::exact(1.0), exact);
        // |phi(t)| is at most |t|, or |t|^2: this is what a sum over entries sees.
        const bool squares = activation == Activation::relu_squared;
        double worst = 0.0;
        for (Eigen::Index i = 0; i < x.size(); ++i) {
            const double size = std::abs(static_cast<double>(x(0, i)));
            if (squares && size > 1e18) {
                continue;  // float32 does not hold the square
            }
            const double scale = squares ? std::max(size, size * size) : size;
            const double error = std::abs(static_cast<double>(found(0, i)) - exact(0, i));
            worst = std::max(worst, error / std::max(scale, 1e-30));
        }
        CHECK(worst <= 4.0 * kUnit);
    }
}

TEST_CASE("softmax weights in float32 are within the rounding of their scores") {
    Random random(831);
    const Matrix scores = random.gaussian(40, 40, 8.0).cast<float>().cast<double>();
    for (const bool causal : {true, false}) {
        const Matrix exact = shares<double>(scores, causal);
        const Matrix found = shares<float>(scores, causal).cast<double>();
        // exp(s - largest) is off by the rounding of s - largest, here at most 60.
        CHECK((found - exact).cwiseAbs().cwiseQuotient(exact.cwiseMax(1e-30)).maxCoeff() <=
              80.0 * kUnit);
        CHECK((found - exact).cwiseAbs().maxCoeff() <= 8.0 * kUnit);
        CHECK((found - exact).norm() > 0.0);
        CHECK(exact(3, 20) == (causal ? 0.0 : doctest::Approx(exact(3, 20))));
    }
}

TEST_CASE("attention in pieces is that of all queries at once, beyond one piece too") {
    Random random(832);
    for (const Eigen::Index length : {1, 7, 128, 131}) {
        for (const bool causal : {true, false}) {
            CAPTURE(length);
            CAPTURE(causal);
            Attention attention;
            attention.heads = 4;
            attention.key_value_heads = 2;
            attention.score_scale = Interval::exact(0.7);
            attention.causal = causal;
            if (length == 7) {
                attention.score_cap = Interval::exact(1.5);
            }
            attention.squared_distance = length == 131;
            const HeadInputs<double> inputs{attention,
                                            random.gaussian(2 * length, 4 * 3),
                                            random.gaussian(2 * length, 2 * 3),
                                            random.gaussian(2 * length, 2 * 5),
                                            length,
                                            {0.1, -0.4, 0.0, 2.0}};
            double largest = 0.0;
            const Matrix found = Kernels<double>::attend(inputs, &largest);
            double expected_largest = 0.0;
            for (Eigen::Index head = 0; head < 4; ++head) {
                for (const Eigen::Index first : {Eigen::Index{0}, length}) {
                    Matrix weights = Kernels<double>::scores(
                        attention,
                        inputs.queries.block(first, 3 * head, length, 3),
                        inputs.keys.block(first, 3 * (head / 2), length, 3));
                    if (attention.score_cap) {
                        Kernels<double>::soft_cap(*attention.score_cap, weights);
                    }
                    const Matrix seen =
                        causal ? Matrix(weights.triangularView<Eigen::Lower>()) : weights;
                    expected_largest = std::max(expected_largest, seen.cwiseAbs().maxCoeff());
                    Kernels<double>::softmax(causal ? 1 : length,
                                             inputs.sink_scores[static_cast<std::size_t>(head)],
                                             weights);
                    const Matrix expected =
                        weights * inputs.values.block(first, 5 * (head / 2), length, 5);
                    CHECK((found.block(first, 5 * head, length, 5) - expected)
                              .cwiseAbs()
                              .maxCoeff() <= 1e-13);
                }
            }
            CHECK(largest == doctest::Approx(expected_largest).epsilon(1e-13));
        }
    }
}

TEST_CASE("one plus a stored gain is enclosed where no double is their sum") {
    Stream<EnclosedNumber> x(1, 1);
    x(0, 0) = EnclosedNumber::exact(1.0);
    Matrix gain(1, 1);
    gain(0, 0) = 0x1p-60;
    Kernels<EnclosedNumber>::affine_columns(gain, true, {}, x);
    CHECK(x(0, 0).width() <= 0x1p-120);
    CHECK((x(0, 0) - EnclosedNumber::exact(1.0)).mignitude().to_double() >= 0x1.fffffffffffffp-61);
    CHECK((x(0, 0) - EnclosedNumber::exact(1.0)).magnitude().to_double() <= 0x1.0000000000001p-60);
}
