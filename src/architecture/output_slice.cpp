#include "lipcert/architecture/output_slice.hpp"

namespace lipcert {

std::vector<std::ptrdiff_t> outputs_of(const OutputSlice& slice) {
    const std::size_t run_length = slice.count / slice.runs;
    std::vector<std::ptrdiff_t> outputs;
    outputs.reserve(slice.count);
    for (std::size_t run = 0; run < slice.runs; ++run) {
        for (std::size_t i = 0; i < run_length; ++i) {
            outputs.push_back(static_cast<std::ptrdiff_t>(slice.begin + run * slice.period + i));
        }
    }
    return outputs;
}

std::size_t end_of(const OutputSlice& slice) {
    return slice.begin + (slice.runs - 1) * slice.period + slice.count / slice.runs;
}

}  // namespace lipcert
