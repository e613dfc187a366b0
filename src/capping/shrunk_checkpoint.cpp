#include "capping/shrunk_checkpoint.hpp"

#include "lipcert/capping/cap_model.hpp"

namespace lipcert {

namespace {

void shrink_outputs(Matrix& part, const CapItem& item) {
    const bool out_in = item.use.layout == Layout::out_in;
    const Eigen::Index outputs = out_in ? part.rows() : part.cols();
    for (Eigen::Index i = 0; i < outputs; ++i) {
        const double norm = out_in ? part.row(i).stableNorm() : part.col(i).stableNorm();
        if (norm > item.limit) {
            if (out_in) {
                part.row(i) *= item.limit / norm;
            } else {
                part.col(i) *= item.limit / norm;
            }
        }
    }
}

}  // namespace

Matrix ShrunkCheckpoint::read(const TensorInfo& tensor) const {
    Matrix values = below_.read(tensor);
    for (std::size_t i = 0; i < items_.size(); ++i) {
        const CapItem& item = items_[i];
        if (item.use.tensor != tensor.name || norms_[i] <= item.limit) {
            continue;
        }
        Matrix part = part_of(values, item);
        if (item.by_rows) {
            shrink_outputs(part, item);
        } else {
            part *= item.limit / norms_[i];
        }
        set_part(values, item, part);
    }
    return values;
}

}  // namespace lipcert
