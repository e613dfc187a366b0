#pragma once

#include "lipcert/files/edit_target.hpp"
#include "lipcert/files/file_identity.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <sys/stat.h>

#include "files/edit_workspace.hpp"

namespace lipcert {

/// Replaces a file, or makes one, by an edited copy of another: after any exit, crash, signal or
/// power loss the target holds either exactly the old bytes or the complete new ones, and no other
/// path has changed but the lock and the copy, which SIGKILL may leave behind and the next edit
/// takes over. Knows nothing of what the bytes mean.
///
/// Edit `copy` -> seal -> commit. Without `commit` nothing remains. Throws Error{input}, or
/// Error{usage} for a target that needs a flag, with the path, the reason and what to do.
class FileTransaction {
public:
    /// Takes the lock, checks links, permissions and space, and copies `source` to a new file
    /// beside the target. `opened`: the source when its content was first looked at.
    FileTransaction(const std::filesystem::path& source,
                    const FileIdentity& opened,
                    const EditTarget& target);

    /// The copy, open for reading and writing.
    [[nodiscard]] int copy() const { return workspace_.copy(); }

    [[nodiscard]] std::filesystem::path copy_path() const;

    [[nodiscard]] std::filesystem::path target_path() const { return workspace_.place().path(); }

    /// Says that the copy is as it shall be; `commit` notices a later write by its bytes.
    void seal();

    /// Of the copy when it was sealed: whoever reads it by name compares.
    [[nodiscard]] const FileIdentity& sealed() const { return sealed_; }

    EditResult commit();

private:
    void open_source(const FileIdentity& opened);
    void copy_source();
    void require_sealed_copy(const std::string& sha256) const;
    void require_unchanged_source() const;
    /// The file that stands there, if one does.
    [[nodiscard]] std::optional<struct stat> require_unchanged_target() const;
    void set_permissions();

    std::filesystem::path source_path_;
    EditTarget target_;
    EditWorkspace workspace_;
    Descriptor source_;

    struct stat source_status_ {};
    std::optional<struct stat> replaced_;  ///< the file that stands where the new one shall
    std::string old_sha256_;
    FileIdentity sealed_;
    std::string sealed_sha256_;
};

}  // namespace lipcert
