#include "support/exact.hpp"

#include <vector>

namespace lipcert::test {

// A 128-bit number is the sum of at most three doubles, lifted by 2^500 because a bound
// of underflows ends below the smallest double.
mpq_class rational(const BigFloat& value) {
    constexpr int kLift = 500;
    mpq_class sum = 0;
    BigFloat rest = value.scaled(kLift, Rounding::down);
    while (!rest.is_zero()) {
        const BigFloat part(rest.to_double(Rounding::down));
        sum += mpq_class(part.to_double(Rounding::down));
        rest = subtract(rest, part, Rounding::down);
    }
    return sum * two_to(-kLift);
}

namespace {

using RationalMatrix = std::vector<std::vector<mpq_class>>;

mpq_class row_product(const Matrix& a, Eigen::Index i, Eigen::Index j) {
    mpq_class sum = 0;
    for (Eigen::Index k = 0; k < a.cols(); ++k) {
        sum += mpq_class(a(i, k)) * mpq_class(a(j, k));
    }
    return sum;
}

/// Denominators are powers of two: multiplying by the largest leaves integers.
std::vector<std::vector<mpz_class>> cleared(const RationalMatrix& matrix) {
    mpz_class largest = 1;
    for (const auto& row : matrix) {
        for (const mpq_class& entry : row) {
            if (entry.get_den() > largest) {
                largest = entry.get_den();
            }
        }
    }
    std::vector<std::vector<mpz_class>> result;
    for (const auto& row : matrix) {
        auto& target = result.emplace_back();
        for (const mpq_class& entry : row) {
            target.emplace_back(entry.get_num() * (largest / entry.get_den()));
        }
    }
    return result;
}

bool is_positive_definite(const RationalMatrix& matrix) {
    auto a = cleared(matrix);
    mpz_class previous = 1;
    for (std::size_t k = 0; k < a.size(); ++k) {
        if (a[k][k] <= 0) {
            return false;
        }
        for (std::size_t i = k + 1; i < a.size(); ++i) {
            for (std::size_t j = k + 1; j < a.size(); ++j) {
                a[i][j] = (a[i][j] * a[k][k] - a[i][k] * a[k][j]) / previous;  // divides exactly
            }
        }
        previous = a[k][k];
    }
    return true;
}

RationalMatrix square_of_size(Eigen::Index size) {
    const auto n = static_cast<std::size_t>(size);
    return {n, std::vector<mpq_class>(n)};
}

/// Calls entry(i, j) for every entry.
RationalMatrix filled(Eigen::Index size,
                      const std::function<mpq_class(Eigen::Index, Eigen::Index)>& entry) {
    RationalMatrix result = square_of_size(size);
    for (Eigen::Index i = 0; i < size; ++i) {
        for (Eigen::Index j = 0; j < size; ++j) {
            result[static_cast<std::size_t>(i)][static_cast<std::size_t>(j)] = entry(i, j);
        }
    }
    return result;
}

}  // namespace

KnownReal known_real(const std::function<void(mpfr_ptr)>& compute) {
    mpfr_t value;
    mpfr_init2(value, 400);
    compute(value);
    // Three doubles hold 128 bits and more; what is left over is below one ulp of the result.
    BigFloat low;
    BigFloat high;
    for (int part = 0; part < 4; ++part) {
        const double piece = mpfr_get_d(value, MPFR_RNDZ);
        mpfr_sub_d(value, value, piece, MPFR_RNDN);
        low = add(low, BigFloat(piece), Rounding::down);
        high = add(high, BigFloat(piece), Rounding::up);
    }
    if (mpfr_zero_p(value) == 0) {
        low = multiply(
            low, subtract(BigFloat(1.0), BigFloat(0x1p-125), Rounding::down), Rounding::down);
        high = multiply(high, add(BigFloat(1.0), BigFloat(0x1p-125), Rounding::up), Rounding::up);
    }
    mpfr_clear(value);
    return {low, high};
}

KnownReal known_double(double value) {
    return {BigFloat(value), BigFloat(value)};
}

KnownReal known_root(double value) {
    return known_real([value](mpfr_ptr x) {
        mpfr_set_d(x, value, MPFR_RNDN);
        mpfr_sqrt(x, x, MPFR_RNDN);
    });
}

KnownReal scaled(const KnownReal& value, long exponent) {
    return {value.low.scaled(exponent, Rounding::down), value.high.scaled(exponent, Rounding::up)};
}

bool encloses(const Enclosure& enclosure, const KnownReal& value) {
    return enclosure.lower().value().compare(value.low) <= 0 &&
           enclosure.upper().value().compare(value.high) >= 0;
}

bool encloses(const Enclosure& enclosure, const mpq_class& value) {
    return rational(enclosure.lower().value()) <= value &&
           value <= rational(enclosure.upper().value());
}

bool is_rounded_up(const Upper& bound, const mpq_class& value) {
    const mpq_class exact = rational(bound.value());
    return exact >= value && exact <= value * (1 + two_to(-120));
}

bool is_rounded_down(const Lower& bound, const mpq_class& value) {
    const mpq_class exact = rational(bound.value());
    return exact <= value && exact >= value * (1 - two_to(-120));
}

mpq_class two_to(int exponent) {
    mpq_class result = 1;
    if (exponent >= 0) {
        mpq_mul_2exp(result.get_mpq_t(), result.get_mpq_t(), static_cast<mp_bitcnt_t>(exponent));
    } else {
        mpq_div_2exp(result.get_mpq_t(), result.get_mpq_t(), static_cast<mp_bitcnt_t>(-exponent));
    }
    return result;
}

mpq_class exact_gamma(long roundings) {
    const mpq_class error = roundings * two_to(-52);
    return error / (1 - error);
}

bool lies_above_spectrum(const BigFloat& level, const Matrix& symmetric) {
    const mpq_class exact_level = rational(level);
    return is_positive_definite(filled(symmetric.rows(), [&](Eigen::Index i, Eigen::Index j) {
        return mpq_class((i == j ? exact_level : mpq_class(0)) - mpq_class(symmetric(i, j)));
    }));
}

bool exceeds_spectral_norm(const BigFloat& level, const Matrix& matrix) {
    const Matrix turned = matrix.rows() < matrix.cols() ? matrix : Matrix(matrix.transpose());
    const mpq_class exact_level = rational(level);
    return is_positive_definite(filled(turned.rows(), [&](Eigen::Index i, Eigen::Index j) {
        const mpq_class diagonal = i == j ? mpq_class(exact_level * exact_level) : mpq_class(0);
        return mpq_class(diagonal - row_product(turned, i, j));
    }));
}

bool dominates(const Matrix& factor, const Matrix& matrix, const BigFloat& slack) {
    const mpq_class exact_slack = rational(slack);
    return is_positive_definite(filled(matrix.rows(), [&](Eigen::Index i, Eigen::Index j) {
        const mpq_class diagonal = i == j ? exact_slack : mpq_class(0);
        return mpq_class(diagonal + row_product(factor, i, j) - row_product(matrix, i, j));
    }));
}

}  // namespace lipcert::test
