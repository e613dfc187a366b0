#include "lipcert/checkpoint/checkpoint.hpp"
#include "lipcert/error.hpp"
#include "lipcert/printable.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "checkpoint/hdf5_checkpoint.hpp"
#include "checkpoint/hdf5_trial.hpp"
#include "checkpoint/keras_archive.hpp"
#include "checkpoint/keras_names.hpp"
#include "checkpoint/model_folder.hpp"
#include "checkpoint/safetensors_checkpoint.hpp"
#include "checkpoint/shard_index.hpp"
#include "checkpoint/sharded_checkpoint.hpp"
#include "checkpoint/tensorflow_names.hpp"
#include "checkpoint/zip_layout.hpp"
#include "files/regular_file.hpp"
#include <fmt/format.h>

namespace lipcert {

namespace {

using namespace std::string_view_literals;

constexpr std::string_view kHdf5Signature = "\x89HDF\r\n\x1a\n"sv;
constexpr std::size_t kHeadBytes = 4096;
/// A zip archive lists its members at the end.
constexpr std::size_t kTailBytes = 65536;

/// HDF5 may begin at 0, 512, 1024, 2048, ...: a user block stands before it.
std::optional<std::uint64_t> hdf5_begin(const RegularFile& file) {
    for (std::uint64_t offset = 0; offset < file.size(); offset = offset == 0 ? 512 : 2 * offset) {
        if (file.read(offset, kHdf5Signature.size()) == kHdf5Signature) {
            return offset;
        }
    }
    return std::nullopt;
}

std::string_view without_leading_space(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    return first == std::string_view::npos ? std::string_view() : text.substr(first);
}

/// Where a zip archive names its members; empty for another file.
std::string zip_listing(const RegularFile& file) {
    const std::string head = file.read(0, kHeadBytes);
    const std::uint64_t tail = std::min<std::uint64_t>(file.size(), kTailBytes);
    return head.starts_with("PK\x03\x04"sv) ? head + file.read(file.size() - tail, kTailBytes)
                                            : std::string();
}

std::string describe_zip(std::string_view listing) {
    const auto holds = [listing](std::string_view name) {
        return listing.find(name) != std::string_view::npos;
    };
    if (holds("data.pkl")) {
        return "is a PyTorch file (a zip with a pickle, which can run code when it is loaded): "
               "load "
               "it with torch.load(..., weights_only=True) and store the state_dict as safetensors "
               "or HDF5";
    }
    if (holds(".npy")) {
        return "is a NumPy .npz archive: store its arrays as safetensors or HDF5 "
               "(tools/modula_npz.py does so for those of Modula)";
    }
    return "is a zip archive: unzip it and name the checkpoint in it";
}

/// HTML is what a download leaves behind when it needed a login.
std::string describe_text(std::string_view head) {
    if (head.starts_with("version https://git-lfs")) {
        return "is a git-LFS pointer, not the checkpoint itself: fetch the file with `git lfs "
               "pull`";
    }
    const std::string_view text = without_leading_space(head);
    if (text.starts_with('{') || text.starts_with('[')) {
        return "is a JSON text, such as a configuration, and no index of shards (an object with a "
               "\"weight_map\"): name the file with the weights";
    }
    if (text.starts_with('<')) {
        return "is an HTML or XML text, such as an error page saved by a download: download it "
               "again";
    }
    return "is a text file that begins \"" + printable_quote(head.substr(0, 40)) +
           "\": name the file with the weights";
}

bool is_text(std::string_view head) {
    return std::all_of(head.begin(), head.end(), [](char character) {
        const auto byte = static_cast<std::uint8_t>(character);
        return byte >= 0x20 || byte == '\t' || byte == '\n' || byte == '\r';
    });
}

/// What a file that lipcert does not read is, and what to do about it.
std::string describe_other(const RegularFile& file) {
    constexpr std::string_view kExpected = "; lipcert reads safetensors and HDF5 files";
    const std::string head = file.read(0, kHeadBytes);
    const std::uint64_t size = file.size();
    std::string message;
    if (const std::string listing = zip_listing(file); !listing.empty()) {
        message = describe_zip(listing);
    } else if (head.starts_with("GGUF"sv)) {
        message = "is a GGUF file: store its tensors, not quantised, as safetensors or HDF5";
    } else if (head.size() > 1 && head[0] == '\x80' && head[1] >= 2 && head[1] <= 5) {
        message =
            "is a Python pickle, which can run code when it is loaded: store the weights as "
            "safetensors or HDF5";
    } else if (head.starts_with(kHdf5Signature.substr(0, std::min<std::size_t>(size, 8)))) {
        message = "begins like an HDF5 file and ends at once: copy or download it again";
    } else if (is_text(head)) {
        message = describe_text(head);
    } else {
        message = "is of no known format";
    }
    return message + std::string(kExpected);
}

/// The file that a confined process has looked at is the one that is opened; where another takes
/// its place in between, both are tried again.
std::unique_ptr<Checkpoint> open_tried_hdf5_file(const std::filesystem::path& path) {
    constexpr int kMostAttempts = 20;
    for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
        const FileIdentity tried = RegularFile(path).identity();
        try_hdf5_file(path);
        std::unique_ptr<Checkpoint> checkpoint = open_hdf5_file(path);
        if (checkpoint->identity() == tried) {
            return checkpoint;
        }
    }
    throw Error(ErrorKind::input, path.string(), "changes while it is opened: keep it still");
}

/// One file that holds tensors itself.
std::unique_ptr<Checkpoint> open_single(const RegularFile& file) {
    const std::filesystem::path& path = file.path();
    if (file.size() == 0) {
        throw Error(ErrorKind::input,
                    path.string(),
                    "is empty: a copy or download of the checkpoint did not finish");
    }
    const bool is_safetensors = begins_as_safetensors(file.read(0, kHeadBytes));
    const std::string listing = zip_listing(file);
    // A member that is stored as it is may be HDF5 where one could begin: it is the archive's.
    const bool is_archive = !listing.empty() && !zip_flaw(file);
    const std::optional<std::uint64_t> hdf5 = is_archive ? std::nullopt : hdf5_begin(file);
    if ((is_safetensors || hdf5) && ends_as_zip(file)) {
        throw Error(ErrorKind::input,
                    path.string(),
                    fmt::format("is {} and a zip archive at once: programs would read one or the "
                                "other; keep the one that is meant",
                                hdf5 ? "HDF5" : "safetensors"));
    }
    if (is_safetensors && hdf5) {
        throw Error(ErrorKind::input,
                    path.string(),
                    fmt::format("begins as safetensors and is HDF5 from byte {} on: programs would "
                                "read one or the other; keep the one that is meant",
                                *hdf5));
    }
    if (hdf5) {
        return open_tried_hdf5_file(path);
    }
    if (is_safetensors) {
        return open_safetensors_file(path);
    }
    if (lists_keras_model(listing)) {
        return open_keras_archive(file);
    }
    throw Error(ErrorKind::input, path.string(), describe_other(file));
}

/// The checkpoint under the names that families know, where a program writes others.
std::unique_ptr<Checkpoint> in_known_names(std::unique_ptr<Checkpoint> checkpoint) {
    const bool is_shards = checkpoint->format() == "hdf5 shards";
    if (checkpoint->format() != "hdf5" && !is_shards && checkpoint->format() != "keras archive") {
        return checkpoint;
    }
    if (has_tensorflow_names(*checkpoint) ||
        (is_shards && has_tensorflow_shard_names(*checkpoint))) {
        return with_tensorflow_names(std::move(checkpoint));
    }
    if (has_keras_names(*checkpoint)) {
        return with_keras_names(std::move(checkpoint));
    }
    if (has_legacy_keras_names(*checkpoint)) {
        return with_legacy_keras_names(std::move(checkpoint));
    }
    return checkpoint;
}

/// The text of a file that begins as a JSON object and is no larger than an index can be.
std::optional<std::string> json_text(const RegularFile& file) {
    constexpr std::uint64_t kLargest = 16U << 20U;
    const std::string head = file.read(0, kHeadBytes);
    if (file.size() > kLargest || !is_text(head.substr(0, 8)) ||
        !without_leading_space(head).starts_with('{')) {
        return std::nullopt;
    }
    return file.read(0, file.size());
}

}  // namespace

std::unique_ptr<Checkpoint> open_checkpoint(const std::filesystem::path& path) {
    const RegularFile file(model_file(path));
    const auto text = json_text(file);
    if (text && (file.path().string().ends_with(".index.json") || is_shard_index(*text))) {
        return in_known_names(std::make_unique<ShardedCheckpoint>(
            parse_shard_index(*text, file),
            [](const std::filesystem::path& shard) { return open_single(RegularFile(shard)); }));
    }
    return in_known_names(open_single(file));
}

}  // namespace lipcert
