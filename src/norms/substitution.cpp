#include "norms/substitution.hpp"

#include "norms/square.hpp"
#include "norms/vector_variants.hpp"

namespace lipcert::substitution {

namespace {

using Vector = square::Vector<double>;

LIPCERT_INSIDE void solve_strip(const Triangle& triangle, double* strip, std::ptrdiff_t stride) {
    constexpr std::ptrdiff_t kSide = square::kLength<double>;
    Vector columns[4][kColumns];
    for (std::ptrdiff_t part = 0; part < 4; ++part) {
        for (std::ptrdiff_t column = 0; column < kColumns; column += kSide) {
            square::read<double>(
                strip + part * kSide * stride + column, stride, &columns[part][column]);
        }
    }
    for (std::ptrdiff_t k = 0; k < kColumns; ++k) {
        const double* const row = triangle.lower + k * triangle.stride;
        // Four at a time: a subtraction waits for the one before it.
        Vector a = columns[0][k];
        Vector b = columns[1][k];
        Vector c = columns[2][k];
        Vector d = columns[3][k];
        for (std::ptrdiff_t j = 0; j < k; ++j) {
            a -= columns[0][j] * row[j];
            b -= columns[1][j] * row[j];
            c -= columns[2][j] * row[j];
            d -= columns[3][j] * row[j];
        }
        columns[0][k] = a / row[k];
        columns[1][k] = b / row[k];
        columns[2][k] = c / row[k];
        columns[3][k] = d / row[k];
    }
    for (std::ptrdiff_t part = 0; part < 4; ++part) {
        for (std::ptrdiff_t column = 0; column < kColumns; column += kSide) {
            square::write<double>(
                &columns[part][column], stride, strip + part * kSide * stride + column);
        }
    }
}

void solve_plain(const Triangle& triangle, double* strip, std::ptrdiff_t stride) {
    solve_strip(triangle, strip, stride);
}

#ifdef __x86_64__
__attribute__((target("avx2"))) void solve_avx2(const Triangle& triangle,
                                                double* strip,
                                                std::ptrdiff_t stride) {
    solve_strip(triangle, strip, stride);
}

__attribute__((target("avx512f"))) void solve_avx512(const Triangle& triangle,
                                                     double* strip,
                                                     std::ptrdiff_t stride) {
    solve_strip(triangle, strip, stride);
}
#endif

}  // namespace

std::vector<Solver> solvers() {
#ifdef __x86_64__
    return runnable<Solver>({solve_plain, solve_avx2, solve_avx512});
#else
    return runnable<Solver>({solve_plain});
#endif
}

void solve(const Triangle& triangle, double* strip, std::ptrdiff_t stride) {
    static const Solver longest = solvers().front();
    longest(triangle, strip, stride);
}

}  // namespace lipcert::substitution
