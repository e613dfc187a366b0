#include "norms/error_terms.hpp"

#include "lipcert/rounding/roundoff.hpp"

#include "norms/blas.hpp"
#include "norms/smaller_side.hpp"

namespace lipcert {

namespace {

Upper count(Eigen::Index number) {
    return Upper::of_count(static_cast<std::size_t>(number));
}

}  // namespace

Upper entrywise_underflow(Eigen::Index entries) {
    return sqrt(count(entries)) * underflow_unit();
}

Upper product_error(Eigen::Index inner,
                    Eigen::Index entries,
                    const Upper& norm_a,
                    const Upper& norm_b) {
    // gamma_{p+P} |A|_F |B|_F + 10 k sqrt(m n) 2^-1022
    return gamma(blas::accumulation_length(inner)) * norm_a * norm_b +
           count(10 * inner) * entrywise_underflow(entries);
}

Upper sum_error(const Upper& norm_of_sum, Eigen::Index entries, Eigen::Index lost) {
    // Addition: U |fl(A+B)|_F and an underflow; alignment: one underflow in each lost entry.
    return unit_roundoff() * norm_of_sum + entrywise_underflow(entries) + entrywise_underflow(lost);
}

Upper entrywise_product_error(const Upper& norm_of_result, Eigen::Index entries) {
    return unit_roundoff() * norm_of_result + entrywise_underflow(entries);
}

Upper centring_error(Eigen::Index cols,
                     Eigen::Index entries,
                     const Upper& norm_of_operand,
                     const Upper& norm_of_result) {
    // Row by row: the mean r of n entries has |fl(r) - r| sqrt(n) <= gamma_n |a_i|_2; the
    // subtraction adds U |fl(a_ij - r)|; each entry meets at most 4 n + 4 underflows.
    return gamma(static_cast<std::size_t>(cols)) * norm_of_operand +
           unit_roundoff() * norm_of_result + count(4 * cols + 4) * entrywise_underflow(entries);
}

Upper diagonal_error(const Upper& largest_diagonal) {
    return unit_roundoff() * largest_diagonal + underflow_unit();
}

Upper solution_error(Eigen::Index size,
                     Eigen::Index entries,
                     const Upper& norm_of_solution,
                     const Upper& norm_of_factor,
                     const Upper& largest) {
    // gamma_{n+10} |X|_F |L|_F + (12 n + 12) (3 + max X^2) sqrt(entries) 2^-1022
    return gamma(static_cast<std::size_t>(size) + 10) * norm_of_solution * norm_of_factor +
           count(12 * size + 12) * (count(3) + square(largest)) * entrywise_underflow(entries);
}

Upper image_error(Eigen::Index inner,
                  Eigen::Index size,
                  const Upper& frobenius,
                  const Upper& length) {
    // gamma_{n+2} |W|_F |v| + sqrt(k) a
    return gamma(static_cast<std::size_t>(size) + 2) * frobenius * length +
           sqrt(count(inner)) * Upper::exact(SmallerSide::kUnderflow);
}

}  // namespace lipcert
