#include "execution/relative_row.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace lipcert {

std::ptrdiff_t relative_row(std::ptrdiff_t distance,
                            std::ptrdiff_t rows,
                            std::ptrdiff_t farthest,
                            bool causal) {
    const std::ptrdiff_t side = causal ? rows : rows / 2;
    const std::ptrdiff_t first = !causal && distance > 0 ? side : 0;
    const std::ptrdiff_t away =
        causal ? -std::min<std::ptrdiff_t>(distance, 0) : std::abs(distance);
    const std::ptrdiff_t near = side / 2;
    if (away < near) {
        return first + away;
    }
    const auto ratio = static_cast<float>(away) / static_cast<float>(near);
    const auto span =
        static_cast<float>(std::log(static_cast<double>(farthest) / static_cast<double>(near)));
    const auto step = std::log(ratio) / span * static_cast<float>(side - near);
    return first + std::min(near + static_cast<std::ptrdiff_t>(step), side - 1);
}

}  // namespace lipcert
