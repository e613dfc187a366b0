#pragma once

#include "lipcert/checkpoint/checkpoint.hpp"
#include "lipcert/tensor/stored_values.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace lipcert {

/// What an edit has to know of a file format: one object for one edit of one source, which it holds
/// open. Every function throws Error{input}.
class EditedFormat {
public:
    EditedFormat() = default;
    EditedFormat(const EditedFormat&) = delete;
    EditedFormat& operator=(const EditedFormat&) = delete;
    EditedFormat(EditedFormat&&) = delete;
    EditedFormat& operator=(EditedFormat&&) = delete;
    virtual ~EditedFormat() = default;

    [[nodiscard]] virtual const Checkpoint& source() const = 0;

    /// Where a tensor lies in the source; two names of one tensor share it.
    [[nodiscard]] virtual std::uint64_t address_of(const TensorInfo& tensor) const = 0;

    /// Opens the copy by `path`. It stays valid until the next call, or write.
    [[nodiscard]] virtual const Checkpoint& open_copy(const std::filesystem::path& path) = 0;

    /// Replaces the elements of a tensor of the source in its copy, open as `descriptor` and named
    /// `path` in messages; type, layout, filters and attributes stay. `values` fit the tensor.
    virtual void write(int descriptor,
                       const std::filesystem::path& path,
                       const TensorInfo& tensor,
                       const StoredValues& values) = 0;

    /// Ends a series of writes: the bytes are in the copy afterwards.
    virtual void finish_writes() = 0;

    /// Throws unless the copy that was opened last equals the source in everything but the elements
    /// of the tensors that were written.
    virtual void require_equal_but_written() const = 0;
};

/// Whether it is one file of a format that can be edited: HDF5 or safetensors.
[[nodiscard]] bool is_editable(const Checkpoint& source);

/// For a source that is editable; opens it again.
[[nodiscard]] std::unique_ptr<EditedFormat> edited_format(const Checkpoint& source);

}  // namespace lipcert
