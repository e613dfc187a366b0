#include "capping/stored_multiple.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <span>
#include <vector>

#include "capping/distance_kernel.hpp"
#include "capping/refusal.hpp"
#include "norms/large_matrix.hpp"
#include "norms/parallel.hpp"
#include "norms/scaling.hpp"
#include <fmt/format.h>

namespace lipcert::capping {

namespace {

using Index = Eigen::Index;

/// Numbers that are worked on at once: what is made of them stays in the nearest cache.
constexpr Index kSlice = 0x1 << 10;
/// Slices that one thread takes at a time. Their sums are added up in double before they become
/// bounds; what is added to what does not depend on the number of threads.
constexpr Index kSlicesOfPiece = 64;

using distance_kernel::Sums;

/// Sums of squares: of what is measured in one piece, or in all.
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

/// The numbers of the result, row by row, one piece after the other.
class Storing {
public:
    Storing(const Job& job, const ScaledView& base, const Scale& scale, StoredMultiple& result)
        : job_(job),
          base_(base),
          scale_(scale),
          result_(result),
          change_exponent_(std::max(job.exponent, result.exponent)),
          units_{PowerOfTwo(change_exponent_),
                 PowerOfTwo(base.exponent),
                 PowerOfTwo(result.exponent),
                 result.factor} {}

    [[nodiscard]] Squares store(Index begin, Index end) const {
        Sums sums;
        for (Index first = begin; first < end; first += kSlice) {
            const Sums slice = store_slice(first, std::min(kSlice, end - first));
            sums.departure += slice.departure;
            sums.change += slice.change;
            sums.frobenius += slice.frobenius;
        }
        return {true_square_sum(sums.departure),
                true_square_sum(sums.change),
                true_square_sum(sums.frobenius)};
    }

    void report(const Squares& squares) const {
        const Index entries = base_.matrix.size();
        result_.departure =
            distance_from(squares.departure, entries, sqrt(squares.frobenius.upper()))
                .scaled(result_.exponent);
        result_.change = distance_from(squares.change, entries).scaled(change_exponent_);
        result_.frobenius = distance_from(squares.frobenius, entries).scaled(result_.exponent);
    }

private:
    [[nodiscard]] Sums store_slice(Index first, Index count) const {
        alignas(64) double numbers[kSlice];
        const std::span<double> rounded(numbers, static_cast<std::size_t>(count));
        const double* const base = base_.matrix.data() + first;
        Eigen::Map<Matrix> real(numbers, 1, count);
        real = scale_.factor * Eigen::Map<const Matrix>(base, 1, count);
        multiply_by_power_of_two(real, scale_.exponent);
        result_.values.write(first, rounded);
        result_.values.read(first, rounded);
        return distance_kernel::longest()({job_.stored.data() + first, base, numbers, count},
                                          units_);
    }

    /// One product, at most as many additions as a slice has numbers and one for each slice lie on
    /// the path of every term.
    static Enclosure true_square_sum(double computed) {
        return true_sum(computed, kSlice + kSlicesOfPiece + 1, 8 * kSlice * kSlicesOfPiece);
    }

    const Job& job_;
    const ScaledView& base_;
    const Scale& scale_;
    StoredMultiple& result_;
    long change_exponent_;
    distance_kernel::Units units_;
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

bool StoredMultiple::is_zero() const {
    return frobenius.lower().is_zero() && matrix().isZero(0.0);
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
    constexpr Index kPiece = kSlice * kSlicesOfPiece;
    const Index entries = rows * cols;
    std::vector<Squares> parts(static_cast<std::size_t>((entries + kPiece - 1) / kPiece));
    const Storing storing(job, base, scale, result);
    for_each_piece(
        static_cast<Index>(parts.size()), operations_of_pass(rows, cols), [&](Index piece) {
            const Index begin = piece * kPiece;
            parts[static_cast<std::size_t>(piece)] =
                storing.store(begin, std::min(begin + kPiece, entries));
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
