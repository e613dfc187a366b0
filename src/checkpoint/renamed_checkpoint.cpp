#include "checkpoint/renamed_checkpoint.hpp"

#include "lipcert/error.hpp"
#include "lipcert/printable.hpp"

#include <map>
#include <utility>

#include "checkpoint/matrix_shape.hpp"

namespace lipcert {

RenamedCheckpoint::RenamedCheckpoint(std::unique_ptr<Checkpoint> below, const Renaming& renaming)
    : CheckpointView(*below), owned_(std::move(below)), format_(renaming.format) {
    std::map<std::string, std::pair<TensorInfo, Source>> renamed;
    for (const TensorInfo& stored : this->below().tensors()) {
        RenamedTensor tensor = renaming.show(stored);
        const std::string name = tensor.info.name;
        const Source source{stored.name, tensor.turned};
        if (!renamed.emplace(name, std::pair(std::move(tensor.info), source)).second) {
            throw Error(ErrorKind::input,
                        path() + ": " + printable_quote(stored.name),
                        "has the same name as another dataset " + renaming.twin_reason + ", " +
                            printable_quote(name));
        }
    }
    for (auto& [name, entry] : renamed) {
        tensors_.push_back(std::move(entry.first));
        sources_.push_back(std::move(entry.second));
    }
}

Matrix RenamedCheckpoint::read(const TensorInfo& tensor) const {
    const TensorInfo* known = find(tensor.name);
    if (known == nullptr) {
        throw Error(ErrorKind::input,
                    path() + ": " + printable_quote(tensor.name),
                    "there is no such tensor");
    }
    const Source& source = sources_[static_cast<std::size_t>(known - tensors_.data())];
    Matrix values = below().read(*below().find(source.name));
    if (source.turned) {
        return values.transpose();
    }
    const MatrixShape shape = matrix_shape(*known);
    if (values.rows() != shape.rows) {
        return values.reshaped<Eigen::RowMajor>(shape.rows, shape.cols);
    }
    return values;
}

}  // namespace lipcert
