#include "norms/thin_kernel.hpp"

#include "lipcert/tensor/matrix.hpp"

#include <cmath>

#include "support/random.hpp"
#include <doctest/doctest.h>

using namespace lipcert;
using Eigen::Index;

namespace {

/// Columns behind those of A that nobody may read.
constexpr Index kBehind = 3;

/// A, B and what is there before, as the kernels take them.
struct Case {
    Matrix stored, b, before;
    Index columns;
    bool is_transposed;

    Case(test::Random& random, Index rows, Index cols, Index width, bool transposed)
        : stored(random.gaussian(rows, cols + kBehind)),
          b(random.gaussian(transposed ? rows : cols, width)),
          before(random.gaussian(transposed ? cols : rows, width)),
          columns(cols),
          is_transposed(transposed) {
        stored.rightCols(kBehind).setConstant(std::nan(""));
    }

    [[nodiscard]] Matrix a() const { return stored.leftCols(columns); }

    [[nodiscard]] Matrix sums(thin_kernel::Kernel kernel) const {
        Matrix result = before;
        const thin_kernel::Operand plain{stored.data(), stored.rows(), stored.cols(), columns, 1};
        const thin_kernel::Operand turned{stored.data(), columns, 1, stored.rows(), stored.cols()};
        kernel(is_transposed ? turned : plain, {b.data(), b.cols()}, result.data());
        return result;
    }
};

}  // namespace

TEST_CASE("every length of vectors that the processor has multiplies by a few columns [S9]") {
    test::Random random(0x5a);
    const auto kernels = thin_kernel::kernels();
    CHECK(!kernels.empty());
    for (const thin_kernel::Kernel kernel : kernels) {
        for (const Index rows : {1, 3, 7, 8, 9, 23, 130}) {
            for (const Index cols : {1, 8, 15, 70}) {
                for (const Index width : {8, 16, 24, 32, 48, 56}) {
                    CAPTURE(rows);
                    CAPTURE(cols);
                    CAPTURE(width);
                    const Case plain(random, rows, cols, width, false);
                    const Case turned(random, rows, cols, width, true);
                    // Entry by entry the bound that S9 builds on, with the last addition.
                    const auto check = [](const Matrix& sums, const Case& c, const Matrix& a) {
                        const double relative = static_cast<double>(a.cols() + 2) * 0x1p-52;
                        const Matrix most =
                            a.cwiseAbs().lazyProduct(c.b.cwiseAbs()) + c.before.cwiseAbs();
                        const Matrix exact =
                            (a.cast<long double>().lazyProduct(c.b.cast<long double>()) +
                             c.before.cast<long double>())
                                .cast<double>();
                        CHECK(((sums - exact).cwiseAbs().array() <= relative * most.array()).all());
                    };
                    check(plain.sums(kernel), plain, plain.a());
                    check(turned.sums(kernel), turned, turned.a().transpose());
                }
            }
        }
    }
}

TEST_CASE("products with a few columns are exact where every partial sum is [S9]") {
    test::Random random(0x5b);
    for (const thin_kernel::Kernel kernel : thin_kernel::kernels()) {
        Case exact(random, 37, 41, 24, false);
        exact.stored.leftCols(41) = (16.0 * exact.a()).array().round();
        exact.b = (16.0 * exact.b).array().round();
        exact.before = (16.0 * exact.before).array().round();
        CHECK(exact.sums(kernel) == Matrix(exact.before + exact.a().lazyProduct(exact.b)));
        exact.b = Matrix(exact.b.topRows(37));
        exact.before = (16.0 * random.gaussian(41, 24)).array().round();
        exact.is_transposed = true;
        CHECK(exact.sums(kernel) ==
              Matrix(exact.before + exact.a().transpose().lazyProduct(exact.b)));
    }
}
