#include "lipcert/bounds/unembedding.hpp"

#include <utility>
#include <vector>

namespace lipcert {

namespace {

/// The largest sum of two different entries; 0 where there is only one.
Upper two_largest(const std::vector<Upper>& values) {
    if (values.size() < 2) {
        return {};
    }
    Upper first;
    Upper second;
    for (const Upper& value : values) {
        if (value > first) {
            second = first;
            first = value;
        } else if (value > second) {
            second = value;
        }
    }
    return first + second;
}

}  // namespace

UnembeddingBounds unembedding_bounds(MatrixBall unembedding) {
    const Upper root_two = sqrt(Upper::exact(2.0));
    UnembeddingBounds bounds;
    bounds.all = spectral_norm(unembedding).upper();
    const std::vector<Upper> rows = row_norms(unembedding);
    for (const Upper& row : rows) {
        bounds.one = max(bounds.one, row);
    }
    if (unembedding.rows() < 2) {
        return bounds;
    }
    // [R28] u_k - u_l = (u_k - c) - (u_l - c) for every c; here c is the mean of the rows. And
    // e_k - e_l has norm sqrt(2).
    const Upper by_norm = root_two * bounds.all;
    bounds.capped_difference = min(two_largest(rows), by_norm);
    bounds.difference = min(bounds.capped_difference,
                            two_largest(row_norms(centre_columns(std::move(unembedding)))));
    return bounds;
}

}  // namespace lipcert
