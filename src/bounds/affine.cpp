#include "lipcert/bounds/affine.hpp"

#include "lipcert/error.hpp"

#include <cmath>
#include <utility>

#include "norms/large_matrix.hpp"

namespace lipcert {

Matrix read_matrix(const Checkpoint& checkpoint,
                   const std::string& name,
                   const std::string& where) {
    const TensorInfo* tensor = checkpoint.find(name);
    if (tensor == nullptr) {
        throw Error(
            ErrorKind::architecture,
            where,
            "the model needs the tensor '" + name + "', which the checkpoint does not have");
    }
    return checkpoint.read(*tensor);
}

Vector read_vector(const Checkpoint& checkpoint,
                   const std::string& name,
                   Eigen::Index size,
                   const std::string& where) {
    const Matrix stored = read_matrix(checkpoint, name, where);
    if (stored.size() != size || (stored.rows() != 1 && stored.cols() != 1)) {
        throw Error(ErrorKind::architecture,
                    where,
                    "'" + name + "' holds " + std::to_string(stored.rows()) + " x " +
                        std::to_string(stored.cols()) + " numbers, expected a vector of " +
                        std::to_string(size));
    }
    return stored.reshaped<Eigen::RowMajor>();
}

namespace {

/// The bias of `map`, which is stored with one entry for each of the `all_outputs` outputs of the
/// whole tensor; where the map is a slice of it, the entries of its slice.
MatrixBall read_bias(const Checkpoint& checkpoint,
                     const LinearMap& map,
                     Eigen::Index all_outputs,
                     const std::string& where) {
    const Vector all = read_vector(checkpoint, map.bias, all_outputs, where);
    if (!map.slice) {
        return MatrixBall::of_vector(all);
    }
    return MatrixBall::of_vector(all(outputs_of(*map.slice)));
}

void require_slice_inside(const LinearMap& map, Eigen::Index outputs, const std::string& where) {
    const auto total = static_cast<std::size_t>(outputs);
    if (end_of(*map.slice) > total) {
        throw Error(ErrorKind::architecture,
                    where,
                    "'" + map.weight + "' has " + std::to_string(total) +
                        " outputs, but the model reads outputs " +
                        std::to_string(map.slice->begin) + " to " +
                        std::to_string(end_of(*map.slice)));
    }
}

}  // namespace

AffineMap read_affine(const Checkpoint& checkpoint,
                      const LinearMap& map,
                      const std::string& where) {
    Matrix weight = read_matrix(checkpoint, map.weight, where);
    if (map.layout == Layout::in_out) {
        weight = transposed(weight);
    }
    const Eigen::Index all_outputs = weight.rows();
    if (map.slice) {
        require_slice_inside(map, all_outputs, where);
        weight = weight(outputs_of(*map.slice), Eigen::all).eval();
    }
    AffineMap result;
    result.bias = map.bias.empty() ? MatrixBall::zero(weight.rows(), 1)
                                   : read_bias(checkpoint, map, all_outputs, where);
    result.weight = MatrixBall::of(std::move(weight));
    return result;
}

bool is_zero(const MatrixBall& a) {
    return a.centre().isZero(0.0) && a.radius().is_zero();
}

AffineMap folded(AffineMap map, const Fold& fold) {
    AffineMap result;
    // A beta of zero adds nothing, not even an underflow.
    result.bias = is_zero(fold.beta) ? map.bias : sum(product(map.weight, fold.beta), map.bias);
    result.weight = scale_columns(std::move(map.weight), fold.gamma);
    if (fold.centred) {
        result.weight = centre_rows(std::move(result.weight));
    }
    return result;
}

AffineMap output_block(const AffineMap& map, Eigen::Index begin, Eigen::Index count) {
    return {map.weight.row_block(begin, count), map.bias.row_block(begin, count)};
}

MatrixBall scaled_by(const MatrixBall& a, const Interval& factor) {
    const double low = factor.low().to_double(Rounding::down);
    const double high = factor.high().to_double(Rounding::up);
    const double middle = 0.5 * low + 0.5 * high;
    if (!std::isfinite(middle)) {
        return MatrixBall::around(Matrix::Zero(a.rows(), a.cols()), 0, Upper::infinity());
    }
    // |f A - m A|_F <= |f - m| |A|_F
    const Upper spread = (factor - Interval::exact(middle)).magnitude() * frobenius_norm(a);
    const MatrixBall scaled = scaled_by(a, middle);
    return MatrixBall::around(scaled.centre(), scaled.exponent(), scaled.radius() + spread);
}

Upper affine_radius(const Upper& norm, const Upper& bias, const Upper& radius) {
    return norm * radius + bias;
}

}  // namespace lipcert
