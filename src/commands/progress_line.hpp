#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace lipcert {

/// One line for a terminal of `width` columns: a bar, what is done of what there is, the step in
/// hand and, once a step and two seconds have passed, steps per second and about how long the rest
/// takes at that rate. Where `total` is 0 nobody knows how much there is: the step alone.
[[nodiscard]] std::string progress_line(const std::string& step,
                                        std::size_t done,
                                        std::size_t total,
                                        std::chrono::duration<double> elapsed,
                                        std::size_t width);

}  // namespace lipcert
