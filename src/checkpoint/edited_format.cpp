#include "checkpoint/edited_format.hpp"

#include <optional>
#include <string_view>

#include "checkpoint/hdf5_compare.hpp"
#include "checkpoint/hdf5_elements.hpp"
#include "checkpoint/hdf5_writable.hpp"
#include "checkpoint/safetensors_checkpoint.hpp"
#include "checkpoint/safetensors_edit.hpp"

namespace lipcert {

namespace {

constexpr std::string_view kHdf5 = "hdf5";
constexpr std::string_view kSafetensors = "safetensors";

/// libhdf5 writes, and what it wrote is compared object by object.
class EditedHdf5 : public EditedFormat {
public:
    explicit EditedHdf5(const std::filesystem::path& path) : source_(open_hdf5_file(path)) {}

    [[nodiscard]] const Checkpoint& source() const override { return *source_; }

    [[nodiscard]] std::uint64_t address_of(const TensorInfo& tensor) const override {
        return source_->address_of(tensor);
    }

    [[nodiscard]] const Checkpoint& open_copy(const std::filesystem::path& path) override {
        copy_ = open_hdf5_file(path);
        return *copy_;
    }

    void write(int descriptor,
               const std::filesystem::path& path,
               const TensorInfo& tensor,
               const StoredValues& values) override {
        if (!writer_) {
            copy_.reset();  // libhdf5 would share what it holds of a file that is open twice
            writer_.emplace(descriptor, path);
        }
        edited_.datasets.insert(address_of(tensor));
        hdf5::write_elements(*writer_, *source_, tensor, values);
    }

    void finish_writes() override {
        if (writer_) {
            const ByteRanges written = writer_->close();
            writer_.reset();
            for (const auto& [begin, end] : written.pieces()) {
                edited_.written.add(begin, end - begin);
            }
        }
    }

    void require_equal_but_written() const override {
        hdf5::require_equal_but(*source_, *copy_, edited_);
    }

private:
    std::unique_ptr<Hdf5Checkpoint> source_;
    std::unique_ptr<Hdf5Checkpoint> copy_;
    hdf5::EditedParts edited_;
    std::optional<hdf5::WritableFile> writer_;
};

}  // namespace

bool is_editable(const Checkpoint& source) {
    return source.identity() && (source.format() == kHdf5 || source.format() == kSafetensors);
}

std::unique_ptr<EditedFormat> edited_format(const Checkpoint& source) {
    if (source.format() == kHdf5) {
        return std::make_unique<EditedHdf5>(source.path());
    }
    return edited_safetensors(source.path());
}

}  // namespace lipcert
