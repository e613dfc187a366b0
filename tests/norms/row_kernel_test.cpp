#include "norms/row_kernel.hpp"

#include "lipcert/rounding/roundoff.hpp"

#include <cmath>
#include <limits>

#include "norms/float_matrix.hpp"
#include "support/random.hpp"
#include <doctest/doctest.h>

using namespace lipcert;
using Eigen::Index;
using row_kernel::kBlock;

TEST_CASE("every length of vectors rounds a row once, into its blocks and nowhere else") {
    test::Random random(0x791);
    CHECK(!row_kernel::kernels().empty());
    for (const auto& kernels : row_kernel::kernels()) {
        for (const Index size : {1, 15, 16, 17, 48, 100}) {
            CAPTURE(size);
            Vector row = random.gaussian_vector(size);
            row(size / 2) = 1.0 + 0x1p-24;  // half way: to even
            const Index blocks = (size + kBlock - 1) / kBlock;
            FloatMatrix to = FloatMatrix::Constant(blocks, 3 * kBlock, -7.0F);
            const double squares =
                kernels.round(row.data(), size, 0x1p-3, {to.data() + kBlock, to.outerStride()});
            CHECK(std::abs(squares - row.squaredNorm()) <= 1e-13 * row.squaredNorm());
            for (Index j = 0; j < size; ++j) {
                REQUIRE(to(j / kBlock, kBlock + j % kBlock) == static_cast<float>(0x1p-3 * row(j)));
            }
            CHECK((to.array() == -7.0F).count() == to.size() - size);
        }
        const Vector bad = Vector::Constant(40, std::numeric_limits<double>::quiet_NaN());
        FloatMatrix to(3, kBlock);
        CHECK(std::isnan(kernels.round(bad.data(), 40, 1.0, {to.data(), kBlock})));
    }
}

TEST_CASE(
    "every length of vectors subtracts a Gram matrix within a rounding for each vector [S8]") {
    test::Random random(0x792);
    for (const auto& kernels : row_kernel::kernels()) {
        for (const Index count : {1, 3, 23}) {
            for (const Index size : {1, 15, 16, 33, 100}) {
                CAPTURE(count);
                CAPTURE(size);
                const FloatMatrix vectors = random.gaussian(count, size + 5).cast<float>();
                const FloatMatrix before = random.gaussian(size, size).cast<float>();
                FloatMatrix after = before;
                const Upper relative =
                    gamma(static_cast<std::size_t>(count) + 1, Precision::float32);
                const Matrix v = vectors.cast<double>();
                for (Index i = 0; i < size; ++i) {
                    kernels.subtract_gram(
                        {vectors.data(), vectors.outerStride(), count}, i, &after(i, 0));
                    for (Index j = 0; j <= i; ++j) {
                        const double start = static_cast<double>(before(i, j));
                        const double exact = start - v.col(i).dot(v.col(j));
                        const double magnitude =
                            std::abs(start) + v.col(i).cwiseAbs().dot(v.col(j).cwiseAbs());
                        REQUIRE(std::abs(static_cast<double>(after(i, j)) - exact) <=
                                relative.to_double() * magnitude);
                    }
                    const Index above = size - i - 1;
                    REQUIRE((after.row(i).tail(above).array() == before.row(i).tail(above).array())
                                .all());
                }
                CHECK((size < 15 || !(after - before).isZero(0.0F)));
            }
        }
    }
}
