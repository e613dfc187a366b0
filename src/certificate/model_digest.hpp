#pragma once

#include "lipcert/checkpoint/checkpoint.hpp"

#include <future>
#include <stop_token>
#include <string>
#include <thread>

namespace lipcert {

/// Throws Error{input} where a file behind the checkpoint is, by its name, another one than was
/// opened, or has been written to since.
void require_unchanged(const Checkpoint& checkpoint);

/// Of one file its SHA-256; of several the SHA-256 of what `sha256sum` prints for them, in the
/// order of the checkpoint: "hash  name" and a line end each.
class ModelDigest {
public:
    /// Begins to read the files, opened again by name, on a thread of its own where the norms may
    /// use several. What is written to them meanwhile is found by `require_unchanged` afterwards.
    /// The checkpoint must outlive this. The destructor stops what is not done.
    explicit ModelDigest(const Checkpoint& checkpoint);
    ModelDigest(const ModelDigest&) = delete;
    ModelDigest& operator=(const ModelDigest&) = delete;
    ModelDigest(ModelDigest&&) = delete;
    ModelDigest& operator=(ModelDigest&&) = delete;
    ~ModelDigest() = default;

    /// Waits for it; once. Throws Error{input} for a file that cannot be read or is not the one
    /// that was opened.
    [[nodiscard]] std::string take();

private:
    std::packaged_task<std::string(std::stop_token)> task_;
    std::future<std::string> digest_;
    std::jthread thread_;  ///< ends before the task does
};

}  // namespace lipcert
