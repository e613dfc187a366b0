#include "norms/gram_spectrum.hpp"

#include "lipcert/rounding/roundoff.hpp"

#include <limits>
#include <optional>

#include "norms/crude_gram.hpp"
#include "norms/freivalds.hpp"
#include "norms/integer_gram.hpp"
#include "norms/large_matrix.hpp"
#include "norms/parallel.hpp"
#include "norms/smaller_side.hpp"
#include "norms/triangular.hpp"

namespace lipcert::estimate {

namespace {

using Eigen::Index;

FloatMatrix in_float(const Matrix& lower) {
    FloatMatrix result;
    resize_uninitialised(result, lower.rows(), lower.cols());
    for_each_row_range(lower.rows(), lower.cols(), [&](Index begin, Index end) {
        for (Index i = begin; i < end; ++i) {
            result.row(i).head(i + 1) = lower.row(i).head(i + 1).cast<float>();
        }
    });
    return result;
}

/// Each entry rounded to float32: in the Frobenius norm 2^-24 |G|_F, and what underflows.
Upper rounding_to_float(const Gram& gram) {
    const auto size = static_cast<std::size_t>(gram.lower.rows());
    const Upper norm = square(sqrt(gram.sum_of_squares.upper()) + gram.rest) + gram.frobenius_error;
    return unit_roundoff(Precision::float32) * norm +
           Upper::of_count(size) * underflow_unit(Precision::float32);
}

SymmetricFactor factor_of(const FloatMatrix& matrix) {
    SymmetricFactor result;
    result.assign(matrix);
    return result;
}

}  // namespace

GramSpectrum::GramSpectrum(const Matrix& tall)
    : known_(form(tall)),
      factor_(factor_of(known_.matrix)),
      density_([this](const FloatMatrix& rows, FloatMatrix& result) { times_rows(rows, result); },
               tall.cols()) {}

GramSpectrum::Known GramSpectrum::form(const Matrix& tall) {
    constexpr double kAnything = std::numeric_limits<double>::infinity();
    Known result;
    result.size = tall.cols();
    if (std::optional<Gram> gram = form_integer_gram(
            TallPanels::of_columns(tall, 0), 1.0, kAnything, integer_kernel::Digits::three)) {
        result.matrix = in_float(gram->lower);
        result.error = gram->frobenius_error + rounding_to_float(*gram);
        result.rest = gram->rest;
        result.sum_of_squares = gram->sum_of_squares;
        recycle(std::move(gram->lower));
    } else {
        const SmallerSide side(tall, 0);
        CrudeGram crude = form_crude_gram(side).value();
        const Matrix signs = freivalds::signs(side.size()).leftCols(1);
        require_crude_gram(crude, side, signs.col(0), side.images(signs).z.col(0));
        result.matrix = std::move(crude.lower);
        result.error = crude.error;
        result.sum_of_squares = crude.sum_of_squares;
    }
    mirror_above(result.matrix);
    return result;
}

Gram GramSpectrum::gram() const {
    Gram result;
    result.lower = converted<Matrix>(known_.matrix);
    result.error = known_.error;
    result.frobenius_error = known_.error;
    result.rest = known_.rest;
    result.sum_of_squares = known_.sum_of_squares;
    result.largest_absolute_row_sum = Upper::infinity();
    return result;
}

}  // namespace lipcert::estimate
