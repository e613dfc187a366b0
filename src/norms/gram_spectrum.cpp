#include "norms/gram_spectrum.hpp"

#include <limits>
#include <optional>

#include "norms/crude_gram.hpp"
#include "norms/freivalds.hpp"
#include "norms/integer_gram.hpp"
#include "norms/large_matrix.hpp"
#include "norms/smaller_side.hpp"
#include "norms/triangular.hpp"

namespace lipcert::estimate {

namespace {

using Eigen::Index;

SymmetricFactor factor_of(const FloatMatrix& matrix) {
    SymmetricFactor result;
    result.assign(matrix);
    return result;
}

}  // namespace

GramSpectrum::GramSpectrum(const Matrix& matrix, int exponent)
    : known_(form(matrix, exponent)),
      size_(known_.gram.lower.rows()),
      factor_(factor_of(known_.gram.lower)),
      density_([this](const FloatMatrix& rows, FloatMatrix& result) { times_rows(rows, result); },
               size_) {}

GramSpectrum::Known GramSpectrum::form(const Matrix& matrix, int exponent) {
    constexpr double kAnything = std::numeric_limits<double>::infinity();
    const TallPanels panels = TallPanels::of_smaller_side(matrix, exponent);
    Known result;
    if (std::optional<Gram> gram =
            form_integer_gram(panels, 1.0, kAnything, integer_kernel::Digits::three)) {
        result.gram = rounded_to_float32(*gram);
        result.rest = gram->rest;
        recycle(std::move(gram->lower));
    } else {
        const SmallerSide side(matrix, exponent);
        result.gram = form_crude_gram(side).value();
        const Matrix signs = freivalds::signs(side.size()).leftCols(1);
        require_crude_gram(result.gram, side, signs.col(0), side.images(signs).z.col(0));
    }
    mirror_above(result.gram.lower);
    return result;
}

Gram GramSpectrum::gram() const {
    Gram result;
    result.lower = converted<Matrix>(known_.gram.lower);
    result.error = known_.gram.error;
    result.frobenius_error = known_.gram.error;
    result.rest = known_.rest;
    result.sum_of_squares = known_.gram.sum_of_squares;
    result.largest_absolute_row_sum = Upper::infinity();
    return result;
}

}  // namespace lipcert::estimate
