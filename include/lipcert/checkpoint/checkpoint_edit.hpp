#pragma once

#include "lipcert/checkpoint/checkpoint.hpp"
#include "lipcert/files/edit_target.hpp"
#include "lipcert/tensor/stored_values.hpp"

#include <memory>
#include <string>

namespace lipcert {

/// Throws Error{input} unless `source` is one file of a format that can be edited: HDF5 or
/// safetensors.
void require_editable(const Checkpoint& source);

/// An edit of a stored checkpoint as one transaction: after any exit, crash, signal or power loss
/// the target holds either exactly the old bytes or the complete new file, and no other path has
/// changed. Without `commit` nothing remains. docs/editing.md says how.
///
/// write* -> check -> commit. Errors of the file system and the file are Error{input}, a target
/// that needs a flag is Error{usage}, both with the path, the system's reason and what to do; calls
/// out of order are Error{internal}.
class CheckpointEdit {
public:
    /// Locks the target, checks links, permissions and space, and copies the source to a temporary
    /// file beside the target. `source` was opened from a file, which must not have changed since.
    CheckpointEdit(const Checkpoint& source, const EditTarget& target);
    CheckpointEdit(const CheckpointEdit&) = delete;
    CheckpointEdit& operator=(const CheckpointEdit&) = delete;
    CheckpointEdit(CheckpointEdit&&) = delete;
    CheckpointEdit& operator=(CheckpointEdit&&) = delete;
    ~CheckpointEdit();

    /// Throws what the constructor would throw for this target as it stands now, without touching
    /// anything: for a rehearsal, and before hours of work.
    static void require_possible(const Checkpoint& source, const EditTarget& target);

    /// Replaces the elements of one tensor in the copy; its type, layout, chunks, filters and
    /// attributes stay. Values that are there already leave the copy as it is, bit for bit. Where
    /// two names lead to one dataset (tied weights), both must be given the same values.
    void write(const std::string& tensor, const StoredValues& values);

    /// Closes the copy, opens it again read-only, compares every written tensor with what was asked
    /// for and everything else with the source, and returns it: what is certified from it holds for
    /// the bytes that `commit` puts in place. Valid until the next `write` and the end of this.
    [[nodiscard]] const Checkpoint& check();

    /// Makes the copy durable and puts it in place, unless the source changed meanwhile.
    EditResult commit();

private:
    class Transaction;
    std::unique_ptr<Transaction> transaction_;
};

}  // namespace lipcert
