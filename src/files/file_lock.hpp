#pragma once

#include <filesystem>
#include <string>

#include "files/descriptor.hpp"

namespace lipcert {

/// An open folder, in which files are made, renamed and removed by name.
struct Folder {
    explicit Folder(const std::filesystem::path& folder);

    std::filesystem::path path;
    Descriptor handle;
};

/// A file whose existence, and a lock of the system on it, say that one process edits its
/// neighbour. The system's lock ends with the process, so a file left behind by one that was killed
/// is taken over. The destructor removes it.
class FileLock {
public:
    /// Throws Error{input}, on behalf of `guarded`, where another process holds the lock.
    FileLock(const Folder& folder, std::string name, const std::filesystem::path& guarded);
    FileLock(const FileLock&) = delete;
    FileLock& operator=(const FileLock&) = delete;
    FileLock(FileLock&&) = delete;
    FileLock& operator=(FileLock&&) = delete;
    ~FileLock();

private:
    struct Opened {
        Descriptor file;
        bool is_new = false;
    };

    [[nodiscard]] Opened open() const;
    [[nodiscard]] bool take(Opened& lock, const std::filesystem::path& guarded) const;
    [[nodiscard]] bool is_in_place(const Descriptor& file) const;

    const Folder& folder_;
    std::string name_;
    Descriptor file_;
};

}  // namespace lipcert
