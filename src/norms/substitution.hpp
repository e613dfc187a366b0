#pragma once

#include <cstddef>
#include <vector>

/// The innermost loops of a triangular solve, for vectors of whatever length the processor has: an
/// element passes through the same roundings in the same order on each.
namespace lipcert::substitution {

inline constexpr std::ptrdiff_t kColumns = 64;  ///< of a strip

/// Rows of a strip: four vectors of 64 bytes.
inline constexpr std::ptrdiff_t kRows = 256 / sizeof(double);

/// L of kColumns rows, `stride` numbers apart; what stands above its diagonal is not read.
struct Triangle {
    const double* lower;
    std::ptrdiff_t stride;
};

/// X := X L^-T for a strip X of kRows rows, `stride` numbers apart, and kColumns columns:
/// x_k = (x_k - l_k0 x_0 - l_k1 x_1 - ...) / l_kk, every operation rounded.
using Solver = void (*)(const Triangle& triangle, double* strip, std::ptrdiff_t stride);

/// One for each length of vectors that this processor has, the longest first.
[[nodiscard]] std::vector<Solver> solvers();

/// By the longest vectors.
void solve(const Triangle& triangle, double* strip, std::ptrdiff_t stride);

}  // namespace lipcert::substitution
