#pragma once

#include <filesystem>
#include <string>

#include "files/folder.hpp"

namespace lipcert {

/// A file whose existence, and a lock of the system on it, say that one process edits its
/// neighbour. The system's lock ends with the process, so a file left behind by one that was killed
/// is taken over. The destructor removes it, unless the name has been given to another.
class FileLock {
public:
    /// Throws Error{input}, on behalf of `guarded`, where another process holds the lock.
    FileLock(const Folder& folder, std::string name, const std::filesystem::path& guarded);
    FileLock(const FileLock&) = delete;
    FileLock& operator=(const FileLock&) = delete;
    FileLock(FileLock&&) = delete;
    FileLock& operator=(FileLock&&) = delete;
    ~FileLock();

    [[nodiscard]] int file() const { return file_.get(); }

private:
    struct Opened {
        Descriptor file;
        bool is_new = false;
    };

    [[nodiscard]] Opened open() const;
    [[nodiscard]] bool take(Opened& lock, const std::filesystem::path& guarded) const;

    const Folder& folder_;
    std::string name_;
    Descriptor file_;
};

}  // namespace lipcert
