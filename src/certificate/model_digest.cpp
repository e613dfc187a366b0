#include "certificate/model_digest.hpp"

#include "lipcert/norms/threads.hpp"

#include <filesystem>
#include <span>
#include <system_error>
#include <vector>

#include "files/sha256.hpp"

namespace lipcert {

namespace {

std::string digest_of(const std::vector<std::string>& files, const std::stop_token& stop) {
    if (files.size() < 2) {
        return files.empty() ? "" : sha256_of_file(files.front(), stop);
    }
    std::string lines;
    for (const std::string& file : files) {
        lines += sha256_of_file(file, stop) + "  " +
                 std::filesystem::path(file).filename().string() + "\n";
    }
    Sha256 hash;
    hash.add(std::as_bytes(std::span<const char>(lines)));
    return hash.digest();
}

}  // namespace

ModelDigest::ModelDigest(const Checkpoint& checkpoint)
    : task_([files = checkpoint.files()](const std::stop_token& stop) {
          return digest_of(files, stop);
      }),
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
