#include "lipcert/checkpoint/memory_checkpoint.hpp"

#include "lipcert/error.hpp"

#include <algorithm>
#include <utility>

namespace lipcert {

void MemoryCheckpoint::add(const std::string& name, const Matrix& values) {
    add_shaped(name,
               values,
               {static_cast<std::size_t>(values.rows()), static_cast<std::size_t>(values.cols())});
}

void MemoryCheckpoint::add_shaped(const std::string& name,
                                  const Matrix& values,
                                  std::vector<std::size_t> shape) {
    insert({name,
            std::move(shape),
            DataType::float64,
            "float64",
            static_cast<std::uint64_t>(values.size()) * sizeof(double)},
           values);
}

void MemoryCheckpoint::add_vector(const std::string& name, const Vector& values) {
    insert({name,
            {static_cast<std::size_t>(values.size())},
            DataType::float64,
            "float64",
            static_cast<std::uint64_t>(values.size()) * sizeof(double)},
           values);
}

Matrix MemoryCheckpoint::read(const TensorInfo& tensor) const {
    const auto found = values_.find(tensor.name);
    if (found == values_.end()) {
        throw Error(ErrorKind::input, path() + ": " + tensor.name, "there is no such tensor");
    }
    return found->second;
}

void MemoryCheckpoint::insert(TensorInfo tensor, const Matrix& values) {
    if (!values.allFinite()) {
        throw Error(
            ErrorKind::input, path() + ": " + tensor.name, "holds a value that is not finite");
    }
    if (!values_.emplace(tensor.name, values).second) {
        throw Error(ErrorKind::input, path() + ": " + tensor.name, "is there twice");
    }
    const auto position = std::lower_bound(
        tensors_.begin(), tensors_.end(), tensor, [](const TensorInfo& a, const TensorInfo& b) {
            return a.name < b.name;
        });
    tensors_.insert(position, std::move(tensor));
}

}  // namespace lipcert
