#include "norms/four_kernel.hpp"

#include "lipcert/tensor/matrix.hpp"

#include <cmath>

#include "norms/triangular.hpp"
#include "support/random.hpp"
#include <doctest/doctest.h>

using namespace lipcert;
using Eigen::Index;
using four_kernel::kVectors;

TEST_CASE("every length of vectors that the processor has multiplies by four columns [S1]") {
    test::Random random(0x4f);
    CHECK(!four_kernel::kernels().empty());
    for (const four_kernel::Kernel& kernel : four_kernel::kernels()) {
        for (const Index size : {0, 1, 3, 4, 5, 8, 31, 200}) {
            CAPTURE(size);
            Matrix row = random.gaussian(1, size + 1);
            row(0, size) = std::nan("");  // that nobody may read
            const Matrix x = random.gaussian(size + 1, kVectors);
            const Vector w = random.gaussian(size + 1, 1).col(0).cwiseAbs();
            const auto entries = row.row(0).head(size);
            const four_kernel::Row given{row.data(), size};
            const double tiny = 1e-13 * static_cast<double>(size + 1);

            const four_kernel::Products with = kernel.dot(given, x.data(), w.data());
            const four_kernel::Products without = kernel.dot(given, x.data(), nullptr);
            const Eigen::RowVector4d expected = entries * x.topRows(size);
            for (Index k = 0; k < kVectors; ++k) {
                CHECK(std::abs(with.of_vectors(k) - expected(k)) <= tiny);
                CHECK(without.of_vectors(k) == with.of_vectors(k));
            }
            CHECK(std::abs(with.of_magnitudes - entries.cwiseAbs().dot(w.head(size))) <= tiny);
            CHECK(without.of_magnitudes == 0.0);

            four_kernel::Products p;
            for (Index k = 0; k < kVectors; ++k) {
                p.of_vectors(k) = random.uniform(-2.0, 2.0);
            }
            p.of_magnitudes = 0.7;
            Matrix vectors = x;
            Vector magnitudes = w;
            kernel.add_outer(given, p, vectors.data(), magnitudes.data());
            Matrix again = x;
            kernel.add_outer(given, p, again.data(), nullptr);
            CHECK(again == vectors);
            CHECK(vectors.row(size) == x.row(size));  // what is behind stays
            CHECK(magnitudes(size) == w(size));
            const Eigen::RowVector4d& factors = p.of_vectors;
            CHECK(
                (vectors.topRows(size) - x.topRows(size) - entries.transpose() * factors).norm() <=
                tiny);
            CHECK((magnitudes.head(size) - w.head(size) -
                   p.of_magnitudes * entries.cwiseAbs().transpose())
                      .norm() <= tiny);
        }
    }
}
