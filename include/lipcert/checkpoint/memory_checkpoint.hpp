#pragma once

#include "lipcert/checkpoint/checkpoint.hpp"

#include <map>

namespace lipcert {

/// A checkpoint that never was a file: for tests, fuzzers and models that a program has in memory.
class MemoryCheckpoint : public Checkpoint {
public:
    /// A matrix of doubles. Throws Error{input} where a value is not finite.
    void add(const std::string& name, const Matrix& values);
    /// The same under another shape of as many elements, whose first extent is the rows of
    /// `values`.
    void add_shaped(const std::string& name, const Matrix& values, std::vector<std::size_t> shape);
    /// A vector (rank 1).
    void add_vector(const std::string& name, const Vector& values);

    void set_configuration(std::string json_text) { configuration_ = std::move(json_text); }

    [[nodiscard]] const std::vector<TensorInfo>& tensors() const override { return tensors_; }

    [[nodiscard]] Matrix read(const TensorInfo& tensor) const override;

    [[nodiscard]] std::string format() const override { return "memory"; }

    [[nodiscard]] std::string path() const override { return "(memory)"; }

    [[nodiscard]] std::optional<std::string> embedded_configuration() const override {
        return configuration_;
    }

private:
    void insert(TensorInfo tensor, const Matrix& values);

    std::vector<TensorInfo> tensors_;
    std::map<std::string, Matrix> values_;
    std::optional<std::string> configuration_;
};

}  // namespace lipcert
