#pragma once

#include <vector>

namespace lipcert {

/// An axis from `low` to `high` on the page from `begin` to `end`, with round steps.
struct Axis {
    double low = 0.0, high = 1.0, begin = 0.0, end = 1.0;

    [[nodiscard]] double at(double value) const;
    /// 1, 2 or 5 times a power of ten, about six of them on the axis.
    [[nodiscard]] double step() const;
    /// Every step, both ends included.
    [[nodiscard]] std::vector<double> marks() const;
    /// Outward to the next step.
    void round_out();
};

}  // namespace lipcert
