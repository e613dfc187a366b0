#include "checkpoint/safetensors_edit.hpp"

#include "lipcert/error.hpp"
#include "lipcert/printable.hpp"

#include <algorithm>
#include <vector>

#include "checkpoint/byte_ranges.hpp"
#include "checkpoint/safetensors_checkpoint.hpp"
#include "files/descriptor.hpp"
#include "files/regular_file.hpp"

namespace lipcert {

namespace {

/// Bytes that are compared at a time.
constexpr std::uint64_t kBlock = std::uint64_t{1} << 20U;

void require_equal_bytes(const RegularFile& source,
                         const RegularFile& copy,
                         std::uint64_t begin,
                         std::uint64_t end) {
    for (std::uint64_t at = begin; at < end; at += kBlock) {
        const auto count = static_cast<std::size_t>(std::min(kBlock, end - at));
        if (source.read(at, count) != copy.read(at, count)) {
            throw Error(ErrorKind::input,
                        copy.path().string(),
                        "differs from its source between the tensors that were written: nothing "
                        "was put in place; look after the disk");
        }
    }
}

class EditedSafetensors : public EditedFormat {
public:
    explicit EditedSafetensors(const std::filesystem::path& path)
        : source_(open_safetensors_file(path)) {}

    [[nodiscard]] const Checkpoint& source() const override { return *source_; }

    [[nodiscard]] std::uint64_t address_of(const TensorInfo& tensor) const override {
        return source_->offset_of(tensor);
    }

    [[nodiscard]] const Checkpoint& open_copy(const std::filesystem::path& path) override {
        copy_ = open_safetensors_file(path);
        return *copy_;
    }

    void write(int descriptor,
               const std::filesystem::path& path,
               const TensorInfo& tensor,
               const StoredValues& values) override {
        const std::uint64_t offset = address_of(tensor);
        written_.add(offset, values.bytes().size());
        const int error_number = write_at(descriptor, offset, values.bytes());
        if (error_number != 0) {
            fail_system(path, "its new content cannot be written", error_number);
        }
    }

    void finish_writes() override {}

    /// The header among the rest, so that every tensor has its name, type, shape and place.
    void require_equal_but_written() const override {
        const RegularFile before(source_->path());
        const RegularFile after(copy_->path());
        if (before.size() != after.size()) {
            throw Error(ErrorKind::input,
                        copy_->path(),
                        "has another size than its source: nothing was put in place");
        }
        std::uint64_t at = 0;
        for (const auto& [begin, end] : written_.pieces()) {
            require_equal_bytes(before, after, at, begin);
            at = end;
        }
        require_equal_bytes(before, after, at, before.size());
    }

private:
    std::unique_ptr<SafetensorsCheckpoint> source_;
    std::unique_ptr<SafetensorsCheckpoint> copy_;
    ByteRanges written_;
};

}  // namespace

std::unique_ptr<EditedFormat> edited_safetensors(const std::filesystem::path& path) {
    return std::make_unique<EditedSafetensors>(path);
}

}  // namespace lipcert
