#include "capping/distance_kernel.hpp"

#include <cstring>

#include "norms/vector_variants.hpp"

namespace lipcert::capping::distance_kernel {

namespace {

/// As many numbers as the longest vectors hold. Shorter vectors do the same in more steps, so that
/// the order of additions stays.
constexpr std::ptrdiff_t kLanes = 8;
using Numbers __attribute__((vector_size(kLanes * sizeof(double)))) = double;

struct Squares {
    Numbers departure = {};
    Numbers change = {};
    Numbers frobenius = {};
};

LIPCERT_INSIDE void read(const double* from, Numbers* to) {
    std::memcpy(to, from, sizeof *to);
}

LIPCERT_INSIDE void multiply(Numbers* numbers, const PowerOfTwo& power) {
    *numbers *= power.first();
    *numbers *= power.second();
}

/// kLanes numbers of each.
LIPCERT_INSIDE void add_squares(const double* stored,
                                const double* base,
                                const double* rounded,
                                const Units& units,
                                Squares* squares) {
    Numbers w;
    Numbers b;
    Numbers y;
    read(stored, &w);
    read(base, &b);
    read(rounded, &y);
    Numbers y_of_change = y;
    multiply(&w, units.change);
    multiply(&y_of_change, units.change);
    multiply(&b, units.base);
    multiply(&y, units.departure);
    const Numbers change = w - y_of_change;
    const Numbers departure = y - units.factor * b;
    squares->change += change * change;
    squares->departure += departure * departure;
    squares->frobenius += y * y;
}

LIPCERT_INSIDE double sum(const Numbers* lanes) {
    double total = 0.0;
    for (std::ptrdiff_t lane = 0; lane < kLanes; ++lane) {
        total += (*lanes)[lane];
    }
    return total;
}

LIPCERT_INSIDE Sums sum_squares(const Operands& operands, const Units& units) {
    Squares squares;
    std::ptrdiff_t i = 0;
    for (; i + kLanes <= operands.size; i += kLanes) {
        add_squares(operands.stored + i, operands.base + i, operands.rounded + i, units, &squares);
    }
    if (i < operands.size) {
        // Zeros behind the last numbers add nothing.
        double stored[kLanes] = {};
        double base[kLanes] = {};
        double rounded[kLanes] = {};
        const auto bytes = static_cast<std::size_t>(operands.size - i) * sizeof(double);
        std::memcpy(stored, operands.stored + i, bytes);
        std::memcpy(base, operands.base + i, bytes);
        std::memcpy(rounded, operands.rounded + i, bytes);
        add_squares(stored, base, rounded, units, &squares);
    }
    return {sum(&squares.departure), sum(&squares.change), sum(&squares.frobenius)};
}

Sums sum_plain(const Operands& operands, const Units& units) {
    return sum_squares(operands, units);
}

#ifdef __x86_64__
__attribute__((target("avx2,fma"))) Sums sum_avx2(const Operands& operands, const Units& units) {
    return sum_squares(operands, units);
}

__attribute__((target("avx512f"))) Sums sum_avx512(const Operands& operands, const Units& units) {
    return sum_squares(operands, units);
}
#endif

}  // namespace

std::vector<Kernel> kernels() {
#ifdef __x86_64__
    return runnable<Kernel>({sum_plain, sum_avx2, sum_avx512});
#else
    return runnable<Kernel>({sum_plain});
#endif
}

Kernel longest() {
    static const Kernel found = kernels().front();
    return found;
}

}  // namespace lipcert::capping::distance_kernel
