#include "lipcert/checkpoint/checkpoint_edit.hpp"

#include "lipcert/error.hpp"

#include <map>
#include <optional>
#include <utility>

#include "checkpoint/hdf5_checkpoint.hpp"
#include "checkpoint/hdf5_compare.hpp"
#include "checkpoint/hdf5_elements.hpp"
#include "checkpoint/hdf5_writable.hpp"
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
          source_(open_hdf5_file(source.path())) {
        if (source_->identity() != source.identity()) {
            throw Error(ErrorKind::input, source.path(), "has changed since it was opened");
        }
        // What cannot be compared is refused before hours of work, not after.
        hdf5::require_equal_but(*source_, *open_copy(), {});
    }

    void write(const std::string& name, const StoredValues& values) {
        const TensorInfo* tensor = source_->find(name);
        require_fit(tensor, values, source_->path() + ": " + name);
        checked_.reset();
        const haddr_t address = source_->address_of(*tensor);
        const std::string digest = digest_of(values);
        require_same_as_twin(*tensor, address, digest);
        written_.insert_or_assign(name, digest);
        const Matrix old = source_->read(*tensor);
        if (!edited_.datasets.contains(address) &&
            digest_of(StoredValues::rounded(tensor->type, old)) == digest) {
            return;
        }
        if (!writer_) {
            writer_.emplace(files_.copy(), files_.target_path());
        }
        edited_.datasets.insert(address);
        hdf5::write_elements(*writer_, *source_, *tensor, values);
    }

    const Checkpoint& check() {
        if (writer_) {
            const ByteRanges written = writer_->close();
            writer_.reset();
            for (const auto& [begin, end] : written.pieces()) {
                edited_.written.add(begin, end - begin);
            }
        }
        files_.seal();
        std::unique_ptr<Hdf5Checkpoint> copy = open_copy();
        if (copy->identity() != files_.sealed()) {
            throw Error(
                ErrorKind::input,
                copy->path(),
                "has been replaced or written by another process: nothing was put in place; "
                "let one edit end before the next");
        }
        hdf5::require_equal_but(*source_, *copy, edited_);
        for (const TensorInfo& tensor : source_->tensors()) {
            if (edited_.datasets.contains(source_->address_of(tensor))) {
                require_written(*copy, tensor);
            }
        }
        checked_ = std::move(copy);
        return *checked_;
    }

    EditResult commit() {
        if (!checked_) {
            throw Error(ErrorKind::internal, source_->path(), "an edit that was not checked");
        }
        return files_.commit();
    }

private:
    [[nodiscard]] std::unique_ptr<Hdf5Checkpoint> open_copy() const {
        return open_hdf5_file(files_.copy_path());
    }

    /// A dataset of two names has one set of values.
    void require_same_as_twin(const TensorInfo& tensor,
                              haddr_t address,
                              const std::string& digest) const {
        for (const auto& [name, other_digest] : written_) {
            if (name != tensor.name && other_digest != digest &&
                source_->address_of(*source_->find(name)) == address) {
                throw Error(ErrorKind::usage,
                            source_->place_of(tensor),
                            "is the same dataset as " + name +
                                " (tied weights), which is given other values: give both the same "
                                "limit");
            }
        }
    }

    void require_written(const Hdf5Checkpoint& copy, const TensorInfo& tensor) const {
        const auto written = written_.find(tensor.name);
        if (written == written_.end()) {
            throw Error(ErrorKind::usage,
                        source_->place_of(tensor),
                        "shall stay as it is, but is the same dataset as another tensor that "
                        "changes (tied weights): give both the same limit, or exclude both");
        }
        const Matrix values = copy.read(*copy.find(tensor.name));
        if (digest_of(StoredValues::rounded(tensor.type, values)) != written->second) {
            throw Error(ErrorKind::input,
                        copy.place_of(tensor),
                        "does not hold the values that were written: nothing was put in place; "
                        "look after the disk");
        }
    }

    FileTransaction files_;
    std::unique_ptr<Hdf5Checkpoint> source_;
    std::map<std::string, std::string> written_;  ///< tensor, digest of its values
    hdf5::EditedParts edited_;
    std::optional<hdf5::WritableFile> writer_;
    std::unique_ptr<Hdf5Checkpoint> checked_;
};

void require_editable(const Checkpoint& source) {
    if (source.format() != "hdf5" || !source.identity()) {
        throw Error(ErrorKind::input,
                    source.path(),
                    "is " + source.format() +
                        ": only HDF5 files are edited; store its tensors as datasets of one");
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
