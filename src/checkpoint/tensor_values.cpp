#include "checkpoint/tensor_values.hpp"

#include "lipcert/error.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <new>
#include <vector>

#include "checkpoint/matrix_shape.hpp"
#include <fmt/format.h>

namespace lipcert {

namespace {

[[noreturn]] void refuse(const std::string& where, const std::string& message) {
    throw Error(ErrorKind::input, where, message);
}

std::string index_text(std::size_t position, const std::vector<std::size_t>& shape) {
    std::vector<std::size_t> index(shape.size());
    for (std::size_t i = shape.size(); i-- > 0;) {
        index[i] = position % shape[i];
        position /= shape[i];
    }
    return index.empty() ? "its only entry" : fmt::format("[{}]", fmt::join(index, ", "));
}

/// Infinities and NaN make their products with 0, and every sum with these, NaN: in lanes, because
/// a search that ends at the first one costs several times as much.
bool are_finite(std::span<const double> values) {
    constexpr std::size_t kLanes = 16;
    std::array<double, kLanes> zeros{};
    std::size_t begin = 0;
    for (; begin + kLanes <= values.size(); begin += kLanes) {
        for (std::size_t i = 0; i < kLanes; ++i) {
            zeros[i] += values[begin + i] * 0.0;
        }
    }
    for (; begin < values.size(); ++begin) {
        zeros[0] += values[begin] * 0.0;
    }
    return std::all_of(zeros.begin(), zeros.end(), [](double zero) { return zero == 0.0; });
}

}  // namespace

Matrix allocate_values(const TensorInfo& tensor, const std::string& where) {
    const MatrixShape shape = matrix_shape(tensor);
    try {
        return Matrix(shape.rows, shape.cols);
    } catch (const std::bad_alloc&) {
        refuse(where,
               fmt::format("needs {} bytes of memory, which are not there",
                           static_cast<double>(shape.rows) * static_cast<double>(shape.cols) * 8));
    }
}

void require_finite(std::span<const double> values,
                    const TensorInfo& tensor,
                    const std::string& where) {
    if (are_finite(values)) {
        return;
    }
    const auto found =
        std::find_if(values.begin(), values.end(), [](double x) { return !std::isfinite(x); });
    refuse(where,
           fmt::format("holds {} at {}; every weight must be finite, or a bound would say nothing "
                       "about the model: repair or retrain it",
                       *found,
                       index_text(static_cast<std::size_t>(found - values.begin()), tensor.shape)));
}

void refuse_element_type(const std::string& type_name,
                         const std::string& where,
                         const std::string& hint) {
    const bool is_float8 = type_name.starts_with("float8");
    refuse(
        where,
        fmt::format("holds {}, which is not read as numbers: {}convert it to float16, bfloat16, "
                    "float32 or float64{}",
                    type_name,
                    is_float8 ? "8-bit floats come with scales that lipcert does not know; " : "",
                    hint));
}

}  // namespace lipcert
