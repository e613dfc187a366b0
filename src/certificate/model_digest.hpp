#pragma once

#include "lipcert/checkpoint/checkpoint.hpp"

#include <future>
#include <stop_token>
#include <string>
#include <thread>

namespace lipcert {

/// Of one file its SHA-256; of several the SHA-256 of what `sha256sum` prints for them, in the
/// order of the checkpoint: "hash  name" and a line end each.
class ModelDigest {
public:
    /// Begins to read the files by name, on a thread of its own where the norms may use several:
    /// whoever takes the digest makes sure that they are those that were opened. The destructor
    /// stops what is not done.
    explicit ModelDigest(const Checkpoint& checkpoint);
    ModelDigest(const ModelDigest&) = delete;
    ModelDigest& operator=(const ModelDigest&) = delete;
    ModelDigest(ModelDigest&&) = delete;
    ModelDigest& operator=(ModelDigest&&) = delete;
    ~ModelDigest() = default;

    /// Waits for it; once. Throws Error{input} for a file that cannot be read.
    [[nodiscard]] std::string take();

private:
    std::packaged_task<std::string(std::stop_token)> task_;
    std::future<std::string> digest_;
    std::jthread thread_;  ///< ends before the task does
};

}  // namespace lipcert
