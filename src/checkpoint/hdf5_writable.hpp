#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "checkpoint/byte_ranges.hpp"
#include <hdf5.h>

namespace lipcert::hdf5 {

/// An HDF5 file that is open for writing through a descriptor of ours.
///
/// libhdf5 1.10.8 crashes after a write that fails: while it closes the file or, with what it could
/// not close, at the end of the process (full disk, every write). So it is never told. The first
/// failure is remembered and thrown by `close`; whatever would have been written after it is lost,
/// descriptions kept in memory so that the library reads what it believes to have written.
class WritableFile {
public:
    /// `descriptor` must outlive this; `path` is for messages. Throws Error{input} where the file
    /// cannot be opened.
    WritableFile(int descriptor, const std::filesystem::path& path);
    WritableFile(const WritableFile&) = delete;
    WritableFile& operator=(const WritableFile&) = delete;
    WritableFile(WritableFile&&) = delete;
    WritableFile& operator=(WritableFile&&) = delete;
    ~WritableFile();

    [[nodiscard]] hid_t id() const;

    /// Throws Error{input} where a write has failed so far.
    void require_written() const;

    /// Flushes and closes; nothing may be asked of `id` afterwards. Returns the bytes that were
    /// written. Throws Error{input} where anything was not.
    [[nodiscard]] ByteRanges close();

private:
    class Device;
    std::unique_ptr<Device> device_;
};

}  // namespace lipcert::hdf5
