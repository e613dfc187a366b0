#include "capping/stored_multiple.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <span>
#include <vector>

#include "capping/refusal.hpp"
#include "norms/large_matrix.hpp"
#include "norms/parallel.hpp"
#include "norms/scaling.hpp"
#include <fmt/format.h>

namespace lipcert::capping {

namespace {

using Index = Eigen::Index;

/// Entries that are worked on at once: what is made of them stays in the cache.
constexpr Index kEntriesAtOnce = 0x1 << 13;

/// Sums of squares: of what is measured in one slice of rows, or in all.
struct Squares {
    Enclosure departure, change, frobenius;

    void add(const Squares& other) {
        for (const auto part : {&Squares::departure, &Squares::change, &Squares::frobenius}) {
            this->*part = Enclosure((this->*part).lower() + (other.*part).lower(),
                                    (this->*part).upper() + (other.*part).upper());
        }
    }
};

/// The least e with s 2^-e at most 1 for every s that a factor of at most `scale` makes of numbers
/// up to 2^of_base, rounded to the type.
long exponent_of_result(const Job& job, const Scale& scale, long of_base) {
    int of_factor = 0;
    std::frexp(scale.factor, &of_factor);
    // The least number that is not zero is all that rounding could raise beyond a power of two.
    const long least = std::ilogb(job.precision.half_step) + 1;
    return std::max(of_factor + scale.exponent + of_base, least);
}

/// The rows of the result, one slice after the other.
class Storing {
public:
    Storing(const Job& job, const ScaledView& base, const Scale& scale, StoredMultiple& result)
        : job_(job),
          base_(base),
          scale_(scale),
          result_(result),
          common_exponent_(std::max(job.exponent, result.exponent)) {}

    [[nodiscard]] Squares store(Index begin, Index count) const {
        const auto entries = static_cast<std::size_t>(count * base_.matrix.cols());
        const Index first = begin * base_.matrix.cols();
        Matrix rows = scale_.factor * base_.matrix.middleRows(begin, count);
        multiply_by_power_of_two(rows, scale_.exponent);
        result_.values.write(first, std::span(rows.data(), entries));
        result_.values.read(first, std::span(rows.data(), entries));
        Squares squares;
        const PowerOfTwo common(common_exponent_);
        Matrix part = common.times(job_.stored.middleRows(begin, count)) - common.times(rows);
        squares.change = sum_of_squares(part);
        rows = PowerOfTwo(result_.exponent).times(rows);
        squares.frobenius = sum_of_squares(rows);
        part = rows - result_.factor *
                          PowerOfTwo(base_.exponent).times(base_.matrix.middleRows(begin, count));
        squares.departure = sum_of_squares(part);
        return squares;
    }

    /// The norm whose square was summed in units of 2^(2 exponent) [K1].
    [[nodiscard]] Enclosure distance(const Enclosure& squares, long exponent) const {
        const Upper rounding = rounding_of_distance(base_.matrix.size());
        return Enclosure(sqrt(squares.lower()) - rounding, sqrt(squares.upper()) + rounding)
            .scaled(exponent);
    }

    void report(const Squares& squares) const {
        result_.is_zero = squares.frobenius.upper().is_zero();
        result_.departure = distance(squares.departure, result_.exponent);
        result_.change = distance(squares.change, common_exponent_);
        result_.frobenius = distance(squares.frobenius, result_.exponent);
    }

private:
    const Job& job_;
    const ScaledView& base_;
    const Scale& scale_;
    StoredMultiple& result_;
    long common_exponent_;
};

void require_in_range(const Job& job, const ScaledView& base, const Scale& scale, long exponent) {
    if (exponent <= std::ilogb(job.precision.largest)) {
        return;
    }
    Matrix real = scale.factor * base.matrix;
    multiply_by_power_of_two(real, scale.exponent);
    const double largest = real.size() == 0 ? 0.0 : real.cwiseAbs().maxCoeff();
    if (!(largest <= job.precision.largest)) {
        refuse(job,
               fmt::format("an entry would have to be {:.4g}, its largest number is {:.6g}",
                           largest,
                           job.precision.largest),
               "choose a smaller limit, or another method");
    }
}

}  // namespace

Scale Scale::simplified() const {
    constexpr long kSafe = 900;
    int of_factor = 0;
    const double mantissa = std::frexp(factor, &of_factor);
    const long total = exponent + of_factor;
    if (std::abs(total) > kSafe) {
        return {mantissa, total};
    }
    return {std::ldexp(mantissa, static_cast<int>(total)), 0};
}

Matrix StoredMultiple::matrix() const {
    Matrix result;
    resize_uninitialised(result, values.rows(), values.cols());
    for_each_row_range(result.rows(), result.cols(), [&](Index begin, Index end) {
        const auto entries = static_cast<std::size_t>((end - begin) * result.cols());
        values.read(begin * result.cols(), std::span(result.row(begin).data(), entries));
    });
    return result;
}

StoredMultiple store_multiple(const Job& job, const ScaledView& base, const Scale& scale) {
    const Index rows = base.matrix.rows();
    const Index cols = base.matrix.cols();
    StoredMultiple result;
    result.exponent = exponent_of_result(job, scale, base.exponent);
    result.factor = std::ldexp(scale.factor,
                               static_cast<int>(scale.exponent + base.exponent - result.exponent));
    require_in_range(job, base, scale, result.exponent);
    result.values = StoredValues::unwritten(job.request.type, rows, cols);
    const std::span<const std::byte> bytes = result.values.bytes();
    prefer_huge_pages(bytes.data(), bytes.size());
    const Index at_once = std::max<Index>(kEntriesAtOnce / std::max<Index>(cols, 1), 1);
    const Index pieces = (rows + at_once - 1) / at_once;
    std::vector<Squares> parts(static_cast<std::size_t>(pieces));
    const Storing storing(job, base, scale, result);
    for_each_piece(pieces, operations_of_pass(rows, cols), [&](Index piece) {
        const Index begin = piece * at_once;
        parts[static_cast<std::size_t>(piece)] =
            storing.store(begin, std::min(at_once, rows - begin));
    });
    Squares all;
    for (const Squares& part : parts) {
        all.add(part);
    }
    storing.report(all);
    return result;
}

Upper spectral_change(const Job& job, const StoredMultiple& result, const SplitChange& parts) {
    const Upper sum = parts.intended + parts.rounding;
    const bool is_small = proves_at_most(parts.rounding.scaled(16), job.norm.spectral.lower()) ||
                          parts.rounding.scaled(4) <= parts.intended;
    return is_small ? sum : min(sum, spectral_distance(job.stored, result.matrix()));
}

}  // namespace lipcert::capping
