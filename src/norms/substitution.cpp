#include "norms/substitution.hpp"

#include <cstring>
#include <utility>

#include "norms/vector_variants.hpp"

namespace lipcert::substitution {

namespace {

constexpr std::size_t kBytes = 64;

template <typename Number>
using Vector __attribute__((vector_size(kBytes))) = Number;

template <typename Number>
constexpr std::size_t kLength = kBytes / sizeof(Number);

/// Exchanges the two squares of kStep numbers that lie off the diagonal of each square of twice as
/// many, and goes on with half of the step, down to single numbers.
template <typename Number, std::size_t kStep, std::size_t... kLanes>
LIPCERT_INSIDE void exchange(Vector<Number>* rows, std::index_sequence<kLanes...> lanes) {
    constexpr std::size_t kSide = sizeof...(kLanes);
    for (std::size_t i = 0; i < kSide; ++i) {
        if ((i & kStep) != 0) {
            continue;
        }
        // A lane of the second vector counts on from those of the first.
        const Vector<Number> a = rows[i];
        const Vector<Number> b = rows[i + kStep];
        rows[i] = __builtin_shufflevector(
            a, b, ((kLanes & kStep) == 0 ? kLanes : kLanes - kStep + kSide)...);
        rows[i + kStep] = __builtin_shufflevector(
            a, b, ((kLanes & kStep) == 0 ? kLanes + kStep : kLanes + kSide)...);
    }
    if constexpr (kStep > 1) {
        exchange<Number, kStep / 2>(rows, lanes);
    }
}

/// Transposes as many vectors as each has numbers.
template <typename Number>
LIPCERT_INSIDE void transpose(Vector<Number>* rows) {
    constexpr std::size_t kSide = kLength<Number>;
    exchange<Number, kSide / 2>(rows, std::make_index_sequence<kSide>());
}

/// Reads a square, row by row, as its columns.
template <typename Number>
LIPCERT_INSIDE void read_square(const Number* from, std::ptrdiff_t stride, Vector<Number>* to) {
    for (std::size_t i = 0; i < kLength<Number>; ++i, from += stride) {
        std::memcpy(&to[i], from, kBytes);
    }
    transpose<Number>(to);
}

/// The way back; `from` is used up.
template <typename Number>
LIPCERT_INSIDE void write_square(Vector<Number>* from, std::ptrdiff_t stride, Number* to) {
    transpose<Number>(from);
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
#ifdef __x86_64__
    return runnable<Solver<Number>>(
        {solve_plain<Number>, solve_avx2<Number>, solve_avx512<Number>});
#else
    return runnable<Solver<Number>>({solve_plain<Number>});
#endif
}

template std::vector<Solver<double>> solvers();
template std::vector<Solver<float>> solvers();

}  // namespace lipcert::substitution
