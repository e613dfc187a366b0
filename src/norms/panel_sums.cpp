#include "norms/panel_sums.hpp"

#include <cmath>

#include "norms/scaling.hpp"
#include "norms/smaller_side.hpp"

namespace lipcert {

void PanelSums::add(const MatrixView& panel, bool columns) {
    const Enclosure here = lipcert::sum_of_squares(panel);
    squares_ = {squares_.lower() + here.lower(), squares_.upper() + here.upper()};
    witness_.add_panel(panel, columns);
}

void PanelSums::scale(int unit) {
    witness_.scale(std::ldexp(1.0, -2 * unit));
    const Upper lost = Upper::exact(SmallerSide::kUnderflow);
    squares_ = squares_.scaled(-2L * unit);
    squares_ = {squares_.lower() - lost, squares_.upper() + lost};
}

Upper PanelSums::largest_absolute_row_sum() const {
    const auto roundings =
        static_cast<std::size_t>(witness_.signs.rows() + witness_.inner + witness_.panel_count);
    return true_sum(witness_.magnitude.maxCoeff(), roundings, 0).upper() +
           Upper::exact(SmallerSide::kUnderflow);
}

}  // namespace lipcert
