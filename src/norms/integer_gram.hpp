#pragma once

#include <cstddef>
#include <optional>

#include "norms/fixed_point_panel.hpp"
#include "norms/gram.hpp"

namespace lipcert {

/// [S12] What fixed point leaves out, in units of W'.
struct FixedPointErrors {
    Upper products;  ///< >= |W^^T W^ - V|_F, W^ being W' in fixed point and V all products but some
    Upper rest;      ///< >= |W' - W^|_F

    /// About by how much the square of a norm may be proved too large.
    [[nodiscard]] double of_square(double norm) const;
};

/// [S12] From squares as computed, each term through at most `roundings`.
[[nodiscard]] FixedPointErrors fixed_point_errors(const FixedPointPanel::Squares& computed,
                                                  std::size_t roundings);

/// [S12] Bounds |G - W^^T W^|_F for the computed Gram matrix G, `frobenius` >= |W'|_F.
[[nodiscard]] Upper integer_gram_error(const FixedPointErrors& errors,
                                       const Upper& frobenius,
                                       std::size_t panel_count);

/// Forms W^^T W^ by exact products of integers of so many digits, and checks it. Nothing where the
/// processor has no unit for them, or where what fixed point leaves out may lift the square of a
/// norm of about `norm` by more than `most`. Throws Error{environment} where the unit fails the
/// check.
[[nodiscard]] std::optional<Gram> form_integer_gram(const TallPanels& panels,
                                                    double norm,
                                                    double most,
                                                    integer_kernel::Digits digits);

/// The same with as few digits as will do, or by the BLAS where none do.
[[nodiscard]] Gram form_fast_gram(const TallPanels& panels, double norm, double most);

}  // namespace lipcert
