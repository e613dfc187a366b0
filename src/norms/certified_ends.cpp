#include "norms/certified_ends.hpp"

#include "norms/blas.hpp"
#include "norms/error_terms.hpp"
#include "norms/parallel.hpp"
#include "norms/scaling.hpp"
#include "norms/smaller_side.hpp"

namespace lipcert {

namespace {

/// |P v|^2, or |P^T v|^2 where `columns`.
double squared_norm_of_image(const MatrixView& panel, bool columns, const Vector& vector) {
    const Eigen::Index size = columns ? panel.cols() : panel.rows();
    Vector image(size);
    for_each_row_range(size, vector.size(), [&](Eigen::Index begin, Eigen::Index end) {
        auto part = image.segment(begin, end - begin);
        if (columns) {
            part.noalias() = panel.middleCols(begin, end - begin).transpose() * vector;
        } else {
            part.noalias() = panel.middleRows(begin, end - begin) * vector;
        }
    });
    return image.squaredNorm();
}

}  // namespace

Upper upper_end(const Upper& largest_eigenvalue, const Gram& gram) {
    // [S3] |V|_2^2 = lambda_max(V^T V) <= lambda_max(G) + |E|_2.
    const Upper from_certificate = sqrt(largest_eigenvalue + gram.error) + gram.rest;
    return min(from_certificate,
               sqrt(min(gram.sum_of_squares.upper(), gram.largest_absolute_row_sum)));
}

Lower lower_end(const TallPanels& panels, const Vector& vector, const Upper& frobenius) {
    const double length_check = vector.squaredNorm();
    if (!(length_check >= 0.25 && length_check <= 4.0)) {
        return {};  // the underflow terms below are for vectors of length about 1
    }
    double image_squared = 0.0;
    panels.for_each([&](const MatrixView& panel, bool columns) {
        image_squared += squared_norm_of_image(panel, columns, vector);
    });
    const auto n = static_cast<std::size_t>(panels.size());
    const Enclosure length_squared = true_sum(length_check, n + 1, 8 * n);
    // The squares of one panel's image, then the sum over the panels.
    const std::size_t roundings = blas::gram_accumulation_length(panels.inner()) + 2;
    const Lower square = true_sum(image_squared, roundings, 0).lower().scaled(-2L * panels.unit());
    const Lower image = sqrt(square - Upper::exact(SmallerSide::kUnderflow));
    const Upper length = sqrt(length_squared.upper());
    return (image - image_error(panels.inner(), panels.size(), frobenius, length)) / length;
}

Enclosure widened(const Enclosure& norm, const Upper& error) {
    return {norm.lower() - error, norm.upper() + error};
}

SpectralNorm norm_between(const TallPanels& panels,
                          const Gram& gram,
                          const Upper& largest_eigenvalue,
                          const Vector& vector,
                          int exponent) {
    const Upper frobenius = sqrt(gram.sum_of_squares.upper());
    const Upper scaling_error = panels.scaling_error();
    const Lower below = lower_end(panels, vector, frobenius);
    SpectralNorm result;
    result.spectral =
        widened({below, upper_end(largest_eigenvalue, gram)}, scaling_error).scaled(exponent);
    result.frobenius =
        widened({sqrt(gram.sum_of_squares.lower()), frobenius}, scaling_error).scaled(exponent);
    result.method = largest_eigenvalue.is_finite() ? NormMethod::cholesky : NormMethod::elementary;
    return result;
}

}  // namespace lipcert
