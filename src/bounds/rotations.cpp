#include "bounds/rotations.hpp"

#include "lipcert/rounding/enclosed_number.hpp"

namespace lipcert {

namespace {

using Eigen::Index;

/// log2 of how far, as a part of it, an angle may be from that of a decimal base; generous.
constexpr long kBaseUnits = -49;

/// The double near `exact`; adds to `square_error` the square of its distance from whatever is no
/// farther than `uncertainty` from that.
double rounded(const EnclosedNumber& exact, const Upper& uncertainty, Upper& square_error) {
    const double near = exact.near();
    square_error += square((exact - EnclosedNumber::exact(near)).magnitude() + uncertainty);
    return near;
}

}  // namespace

RotationTable::RotationTable(const Rotations& rotations, Index dimension) {
    const Index pairs = dimension / 2;
    const EnclosedNumber logarithm = log(EnclosedNumber::exact(rotations.angles.base));
    std::vector<EnclosedNumber> frequencies;
    for (Index pair = 0; pair < pairs; ++pair) {
        frequencies.push_back(
            exp(EnclosedNumber::quotient(-static_cast<long>(pair), static_cast<long>(pairs)) *
                logarithm));
    }
    const auto tokens = static_cast<long>(rotations.tokens);
    // Both signs also behind a causal mask: whether positions turn by plus or minus their angle is
    // not written anywhere, and |Wq^T T Wk| and |Wq^T T^T Wk| have nothing to do with each other.
    for (long distance = 1 - tokens; distance < tokens; ++distance) {
        Turn turn{Vector(pairs), Vector(pairs), {}};
        Upper square_error;
        for (Index pair = 0; pair < pairs; ++pair) {
            const EnclosedNumber angle =
                EnclosedNumber::quotient(distance, 1) * frequencies[static_cast<std::size_t>(pair)];
            // The base may have been a decimal next to this double: b^-s, 0 <= s < 1, changes by
            // less than twice the part by which b does, and cosine and sine by no more than the
            // angle.
            const Upper by_base = angle.magnitude().scaled(kBaseUnits);
            turn.cosines(pair) = rounded(cos(angle), by_base, square_error);
            turn.sines(pair) = rounded(sin(angle), by_base, square_error);
        }
        turn.error = sqrt(square_error.scaled(1));  // each number stands twice in the matrix
        turns_.push_back(std::move(turn));
    }
}

Upper RotationTable::largest_product(const MatrixBall& query, const MatrixBall& key) const {
    // |Wq^T T Wk| <= |Lq^T T Lk| for L L^T >= W W^T [S5].
    const MatrixBall left = gram_factor(query).transposed();
    const MatrixBall right = gram_factor(key);
    const Index pairs = right.rows() / 2;
    const MatrixBall first = right.row_block(0, pairs);
    const MatrixBall second = right.row_block(pairs, pairs);
    const Upper error_scale = frobenius_norm(left) * frobenius_norm(right);
    Upper largest;
    for (const Turn& turn : turns_) {
        const MatrixBall turned =
            stack_rows({sum(scale_rows(first, turn.cosines), scale_rows(second, -turn.sines)),
                        sum(scale_rows(second, turn.cosines), scale_rows(first, turn.sines))});
        largest =
            max(largest, spectral_norm(product(left, turned)).upper() + turn.error * error_scale);
    }
    return largest;
}

}  // namespace lipcert
