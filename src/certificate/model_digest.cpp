#include "certificate/model_digest.hpp"

#include "lipcert/error.hpp"
#include "lipcert/norms/threads.hpp"

#include <filesystem>
#include <optional>
#include <span>
#include <system_error>
#include <vector>

#include "checkpoint/sharded_checkpoint.hpp"
#include "files/regular_file.hpp"
#include "files/sha256.hpp"

namespace lipcert {

namespace {

/// Throws Error{input} where what the names stand for now is not what was opened.
void require_same(const Checkpoint& checkpoint, const std::vector<FileIdentity>& now) {
    const std::optional<FileIdentity> opened = checkpoint.identity();
    if (opened && joined_identity(now) != *opened) {
        throw Error(ErrorKind::input,
                    checkpoint.path(),
                    "changed while it was read: run again when nothing writes to it");
    }
}

std::string digest_of(const Checkpoint& checkpoint, const std::stop_token& stop) {
    std::vector<FileIdentity> identities;
    std::vector<std::string> digests;
    std::string lines;
    for (const std::string& path : checkpoint.files()) {
        const RegularFile file(path);
        identities.push_back(file.identity());
        digests.push_back(sha256_of(file.descriptor(), path, stop));
        lines += digests.back() + "  " + file.path().filename().string() + "\n";
    }
    require_same(checkpoint, identities);
    if (digests.size() < 2) {
        return digests.empty() ? "" : digests.front();
    }
    Sha256 hash;
    hash.add(std::as_bytes(std::span<const char>(lines)));
    return hash.digest();
}

}  // namespace

void require_unchanged(const Checkpoint& checkpoint) {
    std::vector<FileIdentity> identities;
    for (const std::string& path : checkpoint.files()) {
        identities.push_back(RegularFile(path).identity());
    }
    require_same(checkpoint, identities);
}

ModelDigest::ModelDigest(const Checkpoint& checkpoint)
    : task_([&checkpoint](const std::stop_token& stop) { return digest_of(checkpoint, stop); }),
      digest_(task_.get_future()) {
    if (thread_count() < 2) {
        return;
    }
    try {
        thread_ = std::jthread([this](const std::stop_token& stop) { task_(stop); });
    } catch (const std::system_error&) {  // a limit on threads: `take` does it
    }
}

std::string ModelDigest::take() {
    if (!thread_.joinable()) {
        task_({});
    }
    return digest_.get();
}

}  // namespace lipcert
