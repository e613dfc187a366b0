// Every method against an SVD of the stored numbers that shares no code with the library's norms.
#include "lipcert/capping/cap_matrix.hpp"

#include "lipcert/error.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "support/decompositions.hpp"
#include "support/random.hpp"
#include "support/thrown.hpp"
#include <doctest/doctest.h>

using namespace lipcert;
using namespace lipcert::test;

namespace {

double top(const Matrix& matrix) {
    return matrix.size() == 0 ? 0.0 : largest_singular_value(matrix);
}

struct Request : CapRequest {
    Request(CapMethod wanted, double wanted_limit, DataType wanted_type) {
        method = wanted;
        limit = wanted_limit;
        type = wanted_type;
        until_limit = true;
    }
};

CapResult capped(const Matrix& matrix, const CapRequest& request) {
    return cap_matrix(matrix, spectral_norm(matrix), request);
}

Matrix values_of(const CapResult& result, const Matrix& original) {
    return result.values ? result.values->values() : original;
}

/// Singular values in the given order of size, rounded to a type.
Matrix with_spectrum(
    Random& random, Eigen::Index rows, Eigen::Index cols, const Vector& values, DataType type) {
    const Matrix left = singular_values(random.gaussian(rows, values.size())).u;
    const Matrix right = singular_values(random.gaussian(cols, values.size())).u;
    const Matrix product = left * values.asDiagonal() * right.transpose();
    return StoredValues::rounded(type, product).values();
}

std::vector<Matrix> adversaries(Random& random, DataType type) {
    const auto rounded = [type](const Matrix& matrix) {
        return StoredValues::rounded(type, matrix).values();
    };
    return {rounded(random.gaussian(9, 9)),
            rounded(random.gaussian(23, 6)),
            rounded(random.gaussian(5, 31)),
            rounded(random.gaussian(1, 7)),
            rounded(random.gaussian(8, 1)),
            rounded(random.gaussian(1, 1)),
            Matrix::Identity(7, 7),  // every singular value the top one
            Matrix::Ones(6, 9),      // rank one
            with_spectrum(random, 12, 10, Vector::Constant(10, 3.0), type),
            with_spectrum(random, 12, 10, Vector::LinSpaced(10, 4.0, 0.01), type),
            with_spectrum(random, 14, 8, (Vector(3) << 5.0, 5.0, 1e-3).finished(), type)};
}

const std::vector<CapMethod> all_methods = {CapMethod::normalize,
                                            CapMethod::hard_cap,
                                            CapMethod::soft_cap,
                                            CapMethod::hammer,
                                            CapMethod::weight_decay,
                                            CapMethod::spectral_decay,
                                            CapMethod::orthogonalize};

bool keeps_what_is_within(CapMethod method) {
    return method != CapMethod::orthogonalize;
}

}  // namespace

TEST_CASE("every method holds the limit on the rounded numbers, whatever the spectrum") {
    Random random(911);
    for (std::size_t i = 0; i < repetitions(1); ++i) {
        for (const DataType type : {DataType::float32, DataType::float64, DataType::float16}) {
            for (const Matrix& matrix : adversaries(random, type)) {
                for (const double part : {0.1, 0.5, 0.9, 1.0, 1.1, 2.0, 10.0}) {
                    const double limit = part * top(matrix);
                    for (const CapMethod method : all_methods) {
                        CAPTURE(name_of(method));
                        CAPTURE(name_of(type));
                        CAPTURE(part);
                        CAPTURE(matrix);
                        const CapResult result = capped(matrix, Request(method, limit, type));
                        const Matrix after = values_of(result, matrix);
                        CHECK(result.within_limit);
                        CHECK(top(after) <= limit * (1.0 + 1e-13));
                        CHECK(result.after.spectral.upper().to_double() >=
                              top(after) * (1 - 1e-13));
                        CHECK(result.after.spectral.lower().to_double() <=
                              top(after) * (1 + 1e-13));
                        if (part > 1.05 && keeps_what_is_within(method)) {
                            CHECK_FALSE(result.values.has_value());
                        }
                        const bool reaches = method != CapMethod::weight_decay &&
                                             method != CapMethod::spectral_decay;
                        if (part < 0.95 && reaches) {
                            CHECK(top(after) >= 0.97 * limit);
                        }
                    }
                }
            }
        }
    }
}

TEST_CASE("a second cap changes nothing") {
    Random random(912);
    for (const DataType type : {DataType::float32, DataType::float16, DataType::bfloat16}) {
        for (const Matrix& matrix : adversaries(random, type)) {
            for (const CapMethod method : all_methods) {
                CAPTURE(name_of(method));
                CAPTURE(name_of(type));
                const Request request(method, 0.6 * top(matrix), type);
                const Matrix once = values_of(capped(matrix, request), matrix);
                const Matrix twice = values_of(capped(once, request), once);
                CHECK(once == twice);
            }
        }
    }
}

TEST_CASE("the hard cap and the hammer are the nearest matrix within the limit") {
    Random random(913);
    for (const Matrix& matrix : adversaries(random, DataType::float32)) {
        for (const double part : {0.05, 0.5, 0.95}) {
            const double limit = part * top(matrix);
            const SingularValues svd = singular_values(matrix);
            const Matrix nearest =
                svd.u * svd.values.cwiseMin(limit).asDiagonal() * svd.v.transpose();
            for (const CapMethod method : {CapMethod::hard_cap, CapMethod::hammer}) {
                const CapResult result = capped(matrix, Request(method, limit, DataType::float32));
                const Matrix after = values_of(result, matrix);
                CHECK((after - nearest).norm() <= 3e-6 * nearest.norm());
                // At least the true ratio, and near it.
                const double ratio = (matrix - after).norm() / (matrix - nearest).norm();
                REQUIRE(result.change_over_least.has_value());
                CHECK(result.change_over_least->to_double() >= ratio * (1.0 - 1e-9));
                CHECK(result.change_over_least->to_double() <= ratio * (1.0 + 1e-3));
            }
        }
    }
}

TEST_CASE(
    "matrices too large for a full decomposition are capped to the nearest one, however crowded") {
    Random random(917);
    const Eigen::Index cols = 200;
    const Matrix u = orthonormal_basis(random.gaussian(230, cols));
    const Matrix v = orthonormal_basis(random.gaussian(cols, cols));
    const double limit = 0.75;
    Vector repeated = Vector::LinSpaced(cols, 0.7, 0.0);
    repeated.head(12).setConstant(limit);  // at the limit, some of them above
    repeated.head(5) << 1.0, 1.0, 1.0, limit * (1.0 + 1e-6), limit * (1.0 + 1e-9);
    Vector two = Vector::Constant(cols, 0.1);
    two.head(2).setOnes();
    Vector deficient = Vector::Zero(cols);
    deficient.head(3) << 1.0, 0.9, 0.5;
    const Vector dense = Vector::LinSpaced(cols, 1.0, 0.0);
    const Vector denser = dense.array().pow(0.25);
    for (const Vector& values : {repeated, two, deficient, dense, denser}) {
        CAPTURE(values.head(5).transpose());
        const Matrix matrix = u * values.asDiagonal() * v.transpose();
        const Matrix nearest = u * values.cwiseMin(limit).asDiagonal() * v.transpose();
        for (const DataType type : {DataType::float32, DataType::float64, DataType::bfloat16}) {
            for (const bool wide : {false, true}) {
                CAPTURE(name_of(type));
                CAPTURE(wide);
                const Matrix stored =
                    StoredValues::rounded(type, wide ? Matrix(matrix.transpose()) : matrix)
                        .values();
                const Request request(CapMethod::hard_cap, limit, type);
                const CapResult result = capped(stored, request);
                REQUIRE(result.values);
                const Matrix after = result.values->values();
                const Matrix wanted = wide ? Matrix(nearest.transpose()) : nearest;
                const double near = type == DataType::bfloat16 ? 6e-3 : 3e-6;
                CHECK((after - wanted).norm() <= near * wanted.norm());
                CHECK(result.within_limit);
                CHECK(result.after.spectral.upper() <= Upper::exact(limit));
                CHECK(result.after.spectral.lower() >= Lower::exact(0.97 * limit));
                // The enclosure that a reader of the file makes agrees, and a second cap stays.
                const SpectralNorm again = spectral_norm(after);
                CHECK(again.spectral.upper() <= Upper::exact(limit));
                CHECK(result.after.spectral.lower().to_double() <=
                      again.spectral.upper().to_double());
                CHECK(result.after.spectral.upper().to_double() >=
                      again.spectral.lower().to_double());
                CHECK_FALSE(cap_matrix(after, again, request).values);
                if (type != DataType::bfloat16) {
                    REQUIRE(result.change_over_least);
                    CHECK(result.change_over_least->to_double() <= 1.0 + 2e-6);
                }
            }
        }
    }
}

TEST_CASE("where the published caps fail, these hold") {
    Random random(914);
    // 4 c and 5 c: the quintics change sign and explode; a small matrix: hammer would raise it.
    for (const double norm : {1.185, 3.0, 4.0, 5.0, 1e3, 1e6}) {
        const Matrix matrix = with_spectrum(random,
                                            10,
                                            8,
                                            (Vector(4) << norm, 0.9 * norm, 1.0, 0.25).finished(),
                                            DataType::float64);
        const SingularValues before = singular_values(matrix);
        for (const CapMethod method : {CapMethod::hard_cap, CapMethod::soft_cap}) {
            const Matrix after =
                values_of(capped(matrix, Request(method, 1.0, DataType::float64)), matrix);
            CHECK(top(after) <= 1.0 + 1e-13);
            // No singular value changes its sign.
            const Eigen::MatrixXd core = before.u.transpose() * after * before.v;
            CHECK(core.diagonal().head(4).minCoeff() >= -1e-9);
        }
    }
    const Matrix small = 0.1 * Matrix::Identity(5, 5);
    CHECK_FALSE(capped(small, Request(CapMethod::hammer, 1.0, DataType::float64)).values);
}

TEST_CASE("zero, tiny and enormous matrices and limits are capped or refused, never passed over") {
    for (const double scale : {0.0, 1e-300, 1e-30, 1.0, 1e30, 1e300}) {
        const Matrix matrix = scale * Matrix::Ones(4, 3);
        for (const double limit : {1e-30, 1.0, 1e30}) {
            for (const CapMethod method : all_methods) {
                CAPTURE(scale);
                CAPTURE(limit);
                CAPTURE(name_of(method));
                const CapResult result = capped(matrix, Request(method, limit, DataType::float64));
                CHECK(result.within_limit);
                CHECK(spectral_norm(values_of(result, matrix)).spectral.upper() <=
                      Upper::exact(limit));
            }
        }
    }
}

TEST_CASE("a norm above the largest double is brought to a limit just below it") {
    const double limit = 1.7e308;
    const Matrix matrix = Matrix::Constant(4, 3, 1e308);
    const CapResult result =
        capped(matrix, Request(CapMethod::normalize, limit, DataType::float64));
    const Enclosure after = spectral_norm(values_of(result, matrix)).spectral;
    CHECK(after.upper() <= Upper::exact(limit));
    CHECK(after.lower() >= Lower::exact(0.97 * limit));
}

TEST_CASE("a limit below the steps of the stored type is refused with a reason") {
    const Matrix matrix = Matrix::Ones(3, 3);
    for (const CapMethod method : {CapMethod::normalize, CapMethod::hard_cap}) {
        const Error error =
            error_of([&] { (void)capped(matrix, Request(method, 1e-9, DataType::float16)); });
        CHECK(says(error, "float16"));
        CHECK(says(error, "exclude"));
    }
}

TEST_CASE("one step of a decay takes its share and promises nothing") {
    Random random(915);
    const Matrix matrix =
        with_spectrum(random, 9, 7, (Vector(3) << 4.0, 2.0, 1.0).finished(), DataType::float64);
    CapRequest request{CapMethod::weight_decay, 1.0, 0.25, false, DataType::float64};
    const CapResult all = capped(matrix, request);
    CHECK_FALSE(all.within_limit);
    CHECK((all.values->values() - 0.75 * matrix).norm() <= 1e-14);
    request.method = CapMethod::spectral_decay;
    const CapResult one = capped(matrix, request);
    const Vector after = singular_values(one.values->values()).values;
    CHECK(after(0) == doctest::Approx(3.0));
    CHECK(after(1) == doctest::Approx(2.0));
    CHECK(one.moved == 1);
}

TEST_CASE("rows above the limit are shortened, the others stay") {
    Random random(916);
    for (std::size_t i = 0; i < repetitions(10); ++i) {
        const DataType type = i % 2 == 0 ? DataType::float32 : DataType::float16;
        const Matrix matrix = StoredValues::rounded(type, random.gaussian(20, 6)).values();
        const double limit = matrix.rowwise().norm().mean();
        const CapResult result =
            cap_rows(matrix, spectral_norm(matrix), Request(CapMethod::normalize, limit, type));
        REQUIRE(result.values);
        const Matrix after = result.values->values();
        double least = 0.0;
        for (Eigen::Index row = 0; row < matrix.rows(); ++row) {
            CHECK(after.row(row).norm() <= limit * (1.0 + 1e-15));
            if (matrix.row(row).norm() <= limit * (1.0 - 1e-12)) {
                CHECK(after.row(row) == matrix.row(row));
            } else {
                CHECK(after.row(row).norm() >= 0.97 * limit);
                least += std::pow(matrix.row(row).norm() - limit, 2);
            }
        }
        const double ratio = (matrix - after).norm() / std::sqrt(least);
        CHECK(result.change_over_least->to_double() >= ratio * (1.0 - 1e-9));
        CHECK(result.change_over_least->to_double() <= ratio * (1.0 + 1e-6));
    }
}
