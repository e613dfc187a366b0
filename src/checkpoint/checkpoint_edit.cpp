#include "lipcert/checkpoint/checkpoint_edit.hpp"

#include "lipcert/error.hpp"
#include "lipcert/printable.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <utility>

#include "checkpoint/edited_format.hpp"
#include "checkpoint/matrix_shape.hpp"
#include "files/file_transaction.hpp"
#include "files/sha256.hpp"
#include "files/target_check.hpp"

namespace lipcert {

namespace {

FileIdentity identity_when_opened(const Checkpoint& source) {
    require_editable(source);
    return *source.identity();
}

/// Stands for the elements of a tensor without holding them.
std::string digest_of(const StoredValues& values) {
    Sha256 hash;
    hash.add(values.bytes());
    return hash.digest();
}

}  // namespace

class CheckpointEdit::Transaction {
public:
    Transaction(const Checkpoint& source, const EditTarget& target)
        : files_(source.path(), identity_when_opened(source), target),
          format_(edited_format(source)) {
        if (this->source().identity() != source.identity()) {
            throw Error(ErrorKind::input, source.path(), "has changed since it was opened");
        }
        // What cannot be compared is refused before hours of work, not after.
        (void)format_->open_copy(files_.copy_path());
        format_->require_equal_but_written();
    }

    void write(const std::string& name, const StoredValues& values) {
        const TensorInfo* tensor = source().find(name);
        require_fit(tensor, values, source().path() + ": " + name);
        checked_ = nullptr;
        if (values.bytes().empty()) {
            return;  // it may lie where the next tensor begins
        }
        const std::uint64_t address = format_->address_of(*tensor);
        const std::string digest = digest_of(values);
        require_same_as_twin(*tensor, address, digest);
        written_.insert_or_assign(name, digest);
        const Matrix old = source().read(*tensor);
        if (!edited_.contains(address) &&
            digest_of(StoredValues::rounded(tensor->type, old)) == digest) {
            return;
        }
        edited_.insert(address);
        format_->write(files_.copy(), files_.target_path(), *tensor, values);
    }

    const Checkpoint& check() {
        format_->finish_writes();
        files_.seal();
        const Checkpoint& copy = format_->open_copy(files_.copy_path());
        if (copy.identity() != files_.sealed()) {
            throw Error(
                ErrorKind::input,
                copy.path(),
                "has been replaced or written by another process: nothing was put in place; "
                "let one edit end before the next");
        }
        format_->require_equal_but_written();
        for (const TensorInfo& tensor : source().tensors()) {
            if (element_count(tensor) > 0 && edited_.contains(format_->address_of(tensor))) {
                require_written(copy, tensor);
            }
        }
        checked_ = &copy;
        return copy;
    }

    EditResult commit() {
        if (checked_ == nullptr) {
            throw Error(ErrorKind::internal, source().path(), "an edit that was not checked");
        }
        return files_.commit();
    }

private:
    [[nodiscard]] const Checkpoint& source() const { return format_->source(); }

    /// For messages.
    [[nodiscard]] static std::string place_of(const Checkpoint& checkpoint,
                                              const TensorInfo& tensor) {
        return checkpoint.path() + ": " + printable_quote(tensor.name);
    }

    /// A dataset of two names has one set of values.
    void require_same_as_twin(const TensorInfo& tensor,
                              std::uint64_t address,
                              const std::string& digest) const {
        for (const auto& [name, other_digest] : written_) {
            if (name != tensor.name && other_digest != digest &&
                format_->address_of(*source().find(name)) == address) {
                throw Error(ErrorKind::usage,
                            place_of(source(), tensor),
                            "is the same dataset as " + name +
                                " (tied weights), which is given other values: give both the same "
                                "limit");
            }
        }
    }

    void require_written(const Checkpoint& copy, const TensorInfo& tensor) const {
        const auto written = written_.find(tensor.name);
        if (written == written_.end()) {
            throw Error(ErrorKind::usage,
                        place_of(source(), tensor),
                        "shall stay as it is, but is the same dataset as another tensor that "
                        "changes (tied weights): give both the same limit, or exclude both");
        }
        const Matrix values = copy.read(*copy.find(tensor.name));
        if (digest_of(StoredValues::rounded(tensor.type, values)) != written->second) {
            throw Error(ErrorKind::input,
                        place_of(copy, tensor),
                        "does not hold the values that were written: nothing was put in place; "
                        "look after the disk");
        }
    }

    FileTransaction files_;
    std::unique_ptr<EditedFormat> format_;
    std::map<std::string, std::string> written_;  ///< tensor, digest of its values
    std::set<std::uint64_t> edited_;              ///< where the tensors lie that change
    const Checkpoint* checked_ = nullptr;
};

void require_editable(const Checkpoint& source) {
    if (!is_editable(source)) {
        throw Error(ErrorKind::input,
                    source.path(),
                    "is " + source.format() +
                        ": only single HDF5 and safetensors files are edited; edit its files one "
                        "by one with --matrices-only, or store its tensors in one file");
    }
}

CheckpointEdit::CheckpointEdit(const Checkpoint& source, const EditTarget& target)
    : transaction_(std::make_unique<Transaction>(source, target)) {}

CheckpointEdit::~CheckpointEdit() = default;

void CheckpointEdit::require_possible(const Checkpoint& source, const EditTarget& target) {
    check_target(source.path(), identity_when_opened(source), target);
}

void CheckpointEdit::write(const std::string& tensor, const StoredValues& values) {
    transaction_->write(tensor, values);
}

const Checkpoint& CheckpointEdit::check() {
    return transaction_->check();
}

EditResult CheckpointEdit::commit() {
    return transaction_->commit();
}

}  // namespace lipcert
