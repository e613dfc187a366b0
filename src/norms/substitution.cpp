#include "norms/substitution.hpp"

#include <cstring>

// So that what is called is compiled for the vectors of its caller.
#define LIPCERT_INSIDE __attribute__((always_inline)) inline

namespace lipcert::substitution {

namespace {

constexpr std::size_t kBytes = 64;

template <typename Number>
using Vector __attribute__((vector_size(kBytes))) = Number;

template <typename Number>
constexpr std::size_t kLength = kBytes / sizeof(Number);

/// Transposes 8 x 8 or 16 x 16 numbers: quarters are exchanged, and quarters of quarters.
LIPCERT_INSIDE void transpose(Vector<double>* rows) {
    for (int i = 0; i < 4; ++i) {
        const Vector<double> a = rows[i];
        const Vector<double> b = rows[i + 4];
        rows[i] = __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11);
        rows[i + 4] = __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15);
    }
    for (int i = 0; i < 8; ++i) {
        if ((i & 2) != 0) {
            continue;
        }
        const Vector<double> a = rows[i];
        const Vector<double> b = rows[i + 2];
        rows[i] = __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13);
        rows[i + 2] = __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
    }
    for (int i = 0; i < 8; i += 2) {
        const Vector<double> a = rows[i];
        const Vector<double> b = rows[i + 1];
        rows[i] = __builtin_shufflevector(a, b, 0, 8, 2, 10, 4, 12, 6, 14);
        rows[i + 1] = __builtin_shufflevector(a, b, 1, 9, 3, 11, 5, 13, 7, 15);
    }
}

LIPCERT_INSIDE void transpose(Vector<float>* rows) {
    for (int i = 0; i < 8; ++i) {
        const Vector<float> a = rows[i];
        const Vector<float> b = rows[i + 8];
        rows[i] =
            __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23);
        rows[i + 8] = __builtin_shufflevector(
            a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
    }
    for (int i = 0; i < 16; ++i) {
        if ((i & 4) != 0) {
            continue;
        }
        const Vector<float> a = rows[i];
        const Vector<float> b = rows[i + 4];
        rows[i] =
            __builtin_shufflevector(a, b, 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27);
        rows[i + 4] = __builtin_shufflevector(
            a, b, 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31);
    }
    for (int i = 0; i < 16; ++i) {
        if ((i & 2) != 0) {
            continue;
        }
        const Vector<float> a = rows[i];
        const Vector<float> b = rows[i + 2];
        rows[i] =
            __builtin_shufflevector(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
        rows[i + 2] = __builtin_shufflevector(
            a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
    }
    for (int i = 0; i < 16; i += 2) {
        const Vector<float> a = rows[i];
        const Vector<float> b = rows[i + 1];
        rows[i] = __builtin_shufflevector(
            a, b, 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30);
        rows[i + 1] = __builtin_shufflevector(
            a, b, 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31);
    }
}

/// Reads a square, row by row, as its columns.
template <typename Number>
LIPCERT_INSIDE void read_square(const Number* from, std::ptrdiff_t stride, Vector<Number>* to) {
    for (std::size_t i = 0; i < kLength<Number>; ++i, from += stride) {
        std::memcpy(&to[i], from, kBytes);
    }
    transpose(to);
}

/// The way back; `from` is used up.
template <typename Number>
LIPCERT_INSIDE void write_square(Vector<Number>* from, std::ptrdiff_t stride, Number* to) {
    transpose(from);
    for (std::size_t i = 0; i < kLength<Number>; ++i, to += stride) {
        std::memcpy(to, &from[i], kBytes);
    }
}

template <typename Number>
LIPCERT_INSIDE void solve_strip(const Triangle<Number>& triangle,
                                Number* strip,
                                std::ptrdiff_t stride) {
    constexpr std::ptrdiff_t kSide = kLength<Number>;
    Vector<Number> columns[4][kColumns];
    for (std::ptrdiff_t part = 0; part < 4; ++part) {
        for (std::ptrdiff_t column = 0; column < kColumns; column += kSide) {
            read_square<Number>(
                strip + part * kSide * stride + column, stride, &columns[part][column]);
        }
    }
    for (std::ptrdiff_t k = 0; k < kColumns; ++k) {
        const Number* const row = triangle.lower + k * triangle.stride;
        // Four at a time: a subtraction waits for the one before it.
        Vector<Number> a = columns[0][k];
        Vector<Number> b = columns[1][k];
        Vector<Number> c = columns[2][k];
        Vector<Number> d = columns[3][k];
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
            write_square<Number>(
                &columns[part][column], stride, strip + part * kSide * stride + column);
        }
    }
}

template <typename Number>
void solve_plain(const Triangle<Number>& triangle, Number* strip, std::ptrdiff_t stride) {
    solve_strip(triangle, strip, stride);
}

#ifdef __x86_64__
template <typename Number>
__attribute__((target("avx2"))) void solve_avx2(const Triangle<Number>& triangle,
                                                Number* strip,
                                                std::ptrdiff_t stride) {
    solve_strip(triangle, strip, stride);
}

template <typename Number>
__attribute__((target("avx512f"))) void solve_avx512(const Triangle<Number>& triangle,
                                                     Number* strip,
                                                     std::ptrdiff_t stride) {
    solve_strip(triangle, strip, stride);
}
#endif

}  // namespace

template <typename Number>
std::vector<Solver<Number>> solvers() {
    std::vector<Solver<Number>> result;
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512f") != 0) {
        result.push_back(solve_avx512<Number>);
    }
    if (__builtin_cpu_supports("avx2") != 0) {
        result.push_back(solve_avx2<Number>);
    }
#endif
    result.push_back(solve_plain<Number>);
    return result;
}

template std::vector<Solver<double>> solvers();
template std::vector<Solver<float>> solvers();

}  // namespace lipcert::substitution
