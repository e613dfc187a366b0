#include "checkpoint/matrix_shape.hpp"

#include "lipcert/error.hpp"

#include <fmt/format.h>

namespace lipcert {

MatrixShape matrix_shape(const TensorInfo& tensor) {
    MatrixShape shape;
    for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
        (i == 0 ? shape.rows : shape.cols) *= static_cast<Eigen::Index>(tensor.shape[i]);
    }
    return shape;
}

void require_fit(const TensorInfo* tensor, const StoredValues& values, const std::string& where) {
    if (tensor == nullptr) {
        throw Error(ErrorKind::internal, where, "new values for a tensor that is not there");
    }
    const MatrixShape shape = matrix_shape(*tensor);
    if (values.type() != tensor->type || values.rows() != shape.rows ||
        values.cols() != shape.cols) {
        throw Error(ErrorKind::internal,
                    where,
                    fmt::format("new values of type {} and shape {} x {} for a tensor of type {} "
                                "and shape {}",
                                name_of(values.type()),
                                values.rows(),
                                values.cols(),
                                name_of(tensor->type),
                                shape_text(*tensor)));
    }
}

}  // namespace lipcert
