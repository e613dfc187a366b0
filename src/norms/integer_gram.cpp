#include "norms/integer_gram.hpp"

#include "lipcert/rounding/roundoff.hpp"

#include <utility>

#include "norms/blas.hpp"
#include "norms/freivalds.hpp"
#include "norms/large_matrix.hpp"
#include "norms/panel_sums.hpp"
#include "norms/scaling.hpp"
#include "norms/smaller_side.hpp"
#include "norms/triangular.hpp"

namespace lipcert {

namespace {

static_assert(FixedPointPanel::kLength >= blas::kGramLength);  // of a slice of TallPanels

/// Panels, one after the other, as long as what fixed point leaves out of them is small enough.
class IntegerGram {
public:
    IntegerGram(const TallPanels& panels, double norm, double most, integer_kernel::Digits digits)
        : unit_(panels.unit()), norm_(norm), most_(most), sums_(panels.size()), fixed_(digits) {
        resize_uninitialised(gram_.lower, panels.size(), panels.size());
    }

    void add(const MatrixView& panel, bool columns) {
        if (!is_fine()) {
            return;
        }
        const FixedPointPanel::Squares here = fixed_.fill(panel, columns, unit_);
        squares_ = {squares_.last + here.last, squares_.rest + here.rest};
        ++panel_count_;
        // Through which an entry passes: those of a column, columns, panels.
        errors_ =
            fixed_point_errors(squares_,
                               static_cast<std::size_t>(FixedPointPanel::kLength) + 1 +
                                   static_cast<std::size_t>(gram_.lower.rows()) + panel_count_);
        if (is_fine()) {
            sums_.add(panel, columns);
            fixed_.add_gram(
                panel_count_ == 1 ? FixedPointPanel::Into::overwrite : FixedPointPanel::Into::add,
                gram_.lower);
        }
    }

    [[nodiscard]] std::optional<Gram> result() && {
        if (!is_fine()) {
            recycle(std::move(gram_.lower));
            return std::nullopt;
        }
        poison_above(gram_.lower);
        sums_.scale(unit_);
        gram_.sum_of_squares = sums_.sum_of_squares();
        gram_.largest_absolute_row_sum = sums_.largest_absolute_row_sum();
        gram_.rest = errors_.rest;
        const Upper frobenius = sqrt(gram_.sum_of_squares.upper());
        gram_.error = integer_gram_error(errors_, frobenius, panel_count_);
        gram_.frobenius_error = gram_.error;
        // The witness is of W', from which W^ differs by the rest.
        const Upper off =
            gram_.error + errors_.rest * (Upper::of_count(2) * frobenius + errors_.rest);
        freivalds::require_gram(
            gram_.lower, sums_.witness(), {"a Gram matrix of integers (tile unit)", off});
        return std::move(gram_);
    }

private:
    [[nodiscard]] bool is_fine() const { return errors_.of_square(norm_) <= most_; }

    int unit_;
    double norm_;
    double most_;
    Gram gram_;
    PanelSums sums_;
    FixedPointPanel fixed_;
    FixedPointPanel::Squares squares_;
    FixedPointErrors errors_;
    std::size_t panel_count_ = 0;
};

}  // namespace

double FixedPointErrors::of_square(double norm) const {
    return products.to_double() + 2.0 * norm * rest.to_double();
}

FixedPointErrors fixed_point_errors(const FixedPointPanel::Squares& computed,
                                    std::size_t roundings) {
    const auto true_square = [&](double square) {
        return true_sum(square, roundings, 0).upper() + Upper::exact(SmallerSide::kUnderflow);
    };
    return {true_square(computed.last), sqrt(true_square(computed.rest))};
}

Upper integer_gram_error(const FixedPointErrors& errors,
                         const Upper& frobenius,
                         std::size_t panel_count) {
    // gamma_{2P+8} |W^|_F^2: two roundings of integers, then sums of panels.
    return errors.products + gamma(2 * panel_count + 8) * square(frobenius + errors.rest);
}

std::optional<Gram> form_integer_gram(const TallPanels& panels,
                                      double norm,
                                      double most,
                                      integer_kernel::Digits digits) {
    if (!integer_kernel::is_available()) {
        return std::nullopt;
    }
    IntegerGram gram(panels, norm, most, digits);
    panels.for_each([&](const MatrixView& panel, bool columns) { gram.add(panel, columns); });
    return std::move(gram).result();
}

Gram form_fast_gram(const TallPanels& panels, double norm, double most) {
    using integer_kernel::Digits;
    // About what three digits leave out of a matrix in float32 without a top.
    constexpr double kOfThree = 0x1p-17;
    if (most >= kOfThree * norm * norm) {
        if (std::optional<Gram> gram = form_integer_gram(panels, norm, most, Digits::three)) {
            return std::move(*gram);
        }
    }
    if (std::optional<Gram> gram = form_integer_gram(panels, norm, most, Digits::four)) {
        return std::move(*gram);
    }
    return form_gram(panels);
}

}  // namespace lipcert
