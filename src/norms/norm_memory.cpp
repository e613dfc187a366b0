#include "lipcert/norms/norm_memory.hpp"

#include <algorithm>

#include "norms/blas.hpp"
#include "norms/krylov_space.hpp"
#include "norms/large_matrix.hpp"

namespace lipcert {

double norm_memory(double rows, double cols) {
    // Vectors of the smaller side that the search for the largest eigenvalue works with.
    constexpr double kVectors = 120.0;
    constexpr double kThreads = 4.0;
    constexpr double kGrams = 1.5;  // the Gram matrix, and it in float32
    const double smaller = std::min(rows, cols);
    const double larger = std::max(rows, cols);
    const auto longest = static_cast<double>(blas::kPanelLength);
    const double half = smaller / 2.0;
    // Y = W V, and parts of W^T Y for as many rows as a thread takes.
    const double images =
        static_cast<double>(kLeadingPairs) * (larger + smaller * (larger / longest + 1.0));
    const double numbers = smaller * (kGrams * smaller + kVectors + std::min(larger, longest)) +
                           kThreads * half * std::min(half, longest) + images;
    return numbers * sizeof(double);
}

double recycled_memory(double rows, double cols) {
    const double smaller = std::min(rows, cols);
    const auto recycled = [](double bytes) {
        return bytes >= kSmallestRecycled && bytes <= kLargestRecycled ? bytes : 0.0;
    };
    const double entries = smaller * smaller;
    return recycled(entries * sizeof(double)) + recycled(entries * sizeof(float));
}

}  // namespace lipcert
