#pragma once

#include <optional>
#include <string>

#include "files/edit_place.hpp"
#include "files/file_lock.hpp"
#include "files/signal_cleanup.hpp"

namespace lipcert {

/// The two files beside the target that exist while it is edited: the lock and the copy. The
/// destructor, and a signal that ends the process, remove them. Whoever removes the lock by hand
/// lets others at the name of the copy; so each change of a name first asks whether it still leads
/// to the file that this edit has made.
class EditWorkspace {
public:
    /// Takes the lock and removes the copy that a killed edit of the same target has left. Throws
    /// Error{input} where another process is editing the target.
    explicit EditWorkspace(EditPlace place);
    EditWorkspace(const EditWorkspace&) = delete;
    EditWorkspace& operator=(const EditWorkspace&) = delete;
    EditWorkspace(EditWorkspace&&) = delete;
    EditWorkspace& operator=(EditWorkspace&&) = delete;
    ~EditWorkspace();

    [[nodiscard]] const EditPlace& place() const { return place_; }

    [[nodiscard]] const Folder& folder() const { return folder_; }

    /// Makes the empty copy, which nobody but the user may open.
    void create_copy();

    [[nodiscard]] int copy() const { return copy_.get(); }

    /// The copy becomes the target, in one step. `replaces`: it takes the place of a file, of which
    /// `backup` shall be another name from now on, if it is not one already; else there must not be
    /// one. Throws Error{input} and leaves everything as it was where it fails.
    void put_in_place(bool replaces, const std::optional<std::string>& backup);

    /// Makes the change of names durable, where the file system offers that for folders, and lets
    /// other processes edit the target. Throws Error{input} where it fails.
    void finish();

private:
    void remove(const std::string& name);
    [[nodiscard]] bool is_copy_in_place() const;
    [[nodiscard]] bool make_backup(const std::string& name);
    [[nodiscard]] int rename_copy(bool replaces);
    void unlock();

    EditPlace place_;
    Folder folder_;
    std::optional<SignalCleanup> cleanup_;
    std::optional<FileLock> lock_;
    Descriptor copy_;
    bool is_copy_left_ = false;
};

}  // namespace lipcert
