#include "norms/certified_ends.hpp"

#include "norms/blas.hpp"
#include "norms/error_terms.hpp"
#include "norms/scaling.hpp"

namespace lipcert {

Upper upper_end(const Upper& largest_eigenvalue, const Gram& gram) {
    // [S3] |W'|_2^2 = lambda_max(W'^T W') <= lambda_max(G) + |E|_2.
    const Upper from_certificate = largest_eigenvalue + gram.error;
    return sqrt(
        min(from_certificate, min(gram.sum_of_squares.upper(), gram.largest_absolute_row_sum)));
}

Lower lower_end(const TallPanels& panels, const Vector& vector, const Upper& frobenius) {
    const double length_check = vector.squaredNorm();
    if (!(length_check >= 0.25 && length_check <= 4.0)) {
        return {};  // the underflow terms below are for vectors of length about 1
    }
    double image_squared = 0.0;
    panels.for_each([&](const Matrix& panel, bool columns) {
        const Vector image = columns ? Vector(panel.transpose() * vector) : Vector(panel * vector);
        image_squared += image.squaredNorm();
    });
    const auto n = static_cast<std::size_t>(panels.size());
    const auto m = static_cast<std::size_t>(panels.inner());
    const Enclosure length_squared = true_sum(length_check, n + 1, 8 * n);
    // The squares of one panel's image, then the sum over the panels.
    const std::size_t roundings = blas::accumulation_length(panels.inner()) + 2;
    const Lower image = sqrt(true_sum(image_squared, roundings, 8 * m).lower());
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
