#include "lipcert/tensor/tensor_info.hpp"

namespace lipcert {

std::string_view name_of(DataType type) {
    switch (type) {
        case DataType::float16:
            return "float16";
        case DataType::bfloat16:
            return "bfloat16";
        case DataType::float32:
            return "float32";
        case DataType::float64:
            return "float64";
        case DataType::unsupported:
            break;
    }
    return "unsupported";
}

std::size_t element_count(const TensorInfo& tensor) {
    std::size_t count = 1;
    for (const std::size_t extent : tensor.shape) {
        count *= extent;
    }
    return count;
}

std::size_t row_count(const TensorInfo& tensor) {
    const std::size_t width = tensor.shape.empty() ? 1 : tensor.shape.back();
    return width == 0 ? 0 : element_count(tensor) / width;
}

std::string shape_text(const TensorInfo& tensor) {
    if (tensor.shape.empty()) {
        return "scalar";
    }
    std::string text;
    for (const std::size_t extent : tensor.shape) {
        text += (text.empty() ? "" : " x ") + std::to_string(extent);
    }
    return text;
}

bool is_float_matrix(const TensorInfo& tensor) {
    return tensor.type != DataType::unsupported && tensor.shape.size() >= 2;
}

}  // namespace lipcert
