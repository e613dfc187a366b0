#pragma once

#include <cstddef>
#include <vector>

/// The innermost loops of a triangular solve, for vectors of whatever length the processor has: an
/// element passes through the same roundings in the same order on each.
namespace lipcert::substitution {

inline constexpr std::ptrdiff_t kColumns = 64;  ///< of a strip

/// Rows of a strip: four vectors of 64 bytes.
template <typename Number>
inline constexpr std::ptrdiff_t kRows = 256 / sizeof(Number);

/// L of kColumns rows, `stride` numbers apart; what stands above its diagonal is not read.
template <typename Number>
struct Triangle {
    const Number* lower;
    std::ptrdiff_t stride;
};

/// X := X L^-T for a strip X of kRows rows, `stride` numbers apart, and kColumns columns:
/// x_k = (x_k - l_k0 x_0 - l_k1 x_1 - ...) / l_kk, every operation rounded.
template <typename Number>
using Solver = void (*)(const Triangle<Number>& triangle, Number* strip, std::ptrdiff_t stride);

/// One for each length of vectors that this processor has, the longest first.
template <typename Number>
[[nodiscard]] std::vector<Solver<Number>> solvers();

extern template std::vector<Solver<double>> solvers();
extern template std::vector<Solver<float>> solvers();

/// By the longest vectors.
template <typename Number>
void solve(const Triangle<Number>& triangle, Number* strip, std::ptrdiff_t stride) {
    static const Solver<Number> longest = solvers<Number>().front();
    longest(triangle, strip, stride);
}

}  // namespace lipcert::substitution
