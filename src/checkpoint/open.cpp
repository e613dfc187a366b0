#include "lipcert/checkpoint/checkpoint.hpp"
#include "lipcert/error.hpp"
#include "lipcert/printable.hpp"

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "checkpoint/hdf5_checkpoint.hpp"
#include "checkpoint/hdf5_trial.hpp"
#include "files/regular_file.hpp"

namespace lipcert {

namespace {

using namespace std::string_view_literals;

constexpr std::string_view kHdf5Signature = "\x89HDF\r\n\x1a\n"sv;
constexpr std::size_t kHeadBytes = 4096;
/// A zip archive lists its members at the end.
constexpr std::size_t kTailBytes = 65536;
constexpr std::uint64_t kLargestSafetensorsHeader = 100'000'000;

/// HDF5 may begin at 0, 512, 1024, 2048, ...: a user block stands before it.
bool is_hdf5(RegularFile& file) {
    for (std::uint64_t offset = 0; offset < file.size(); offset = offset == 0 ? 512 : 2 * offset) {
        if (file.read(offset, kHdf5Signature.size()) == kHdf5Signature) {
            return true;
        }
    }
    return false;
}

std::string_view without_leading_space(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    return first == std::string_view::npos ? std::string_view() : text.substr(first);
}

bool is_safetensors(std::string_view head, std::uint64_t size) {
    constexpr std::size_t kLengthBytes = 8;
    if (head.size() <= kLengthBytes) {
        return false;
    }
    std::uint64_t length = 0;
    for (std::size_t i = kLengthBytes; i-- > 0;) {
        length = length << 8U | static_cast<std::uint8_t>(head[i]);
    }
    return length <= std::min(kLargestSafetensorsHeader, size - kLengthBytes) &&
           without_leading_space(head.substr(kLengthBytes)).starts_with('{');
}

std::string describe_zip(std::string_view listing) {
    const auto holds = [listing](std::string_view name) {
        return listing.find(name) != std::string_view::npos;
    };
    if (holds("data.pkl")) {
        return "is a PyTorch file (a zip with a pickle, which can run code when it is loaded): "
               "load "
               "it with torch.load(..., weights_only=True) and store the state_dict as HDF5";
    }
    if (holds("model.weights.h5")) {
        return "is a Keras .keras archive: unzip it and name the model.weights.h5 in it";
    }
    if (holds(".npy")) {
        return "is a NumPy .npz archive: store its arrays as datasets of an HDF5 file";
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
        return "is a JSON text, such as a configuration or an index: name the file with the "
               "weights";
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
std::string describe_other(RegularFile& file) {
    constexpr std::string_view kExpected =
        "; lipcert reads HDF5 files that hold the weights as datasets";
    const std::string head = file.read(0, kHeadBytes);
    const std::uint64_t size = file.size();
    std::string message;
    if (head.starts_with("PK\x03\x04"sv)) {
        const std::string tail =
            file.read(size - std::min<std::uint64_t>(size, kTailBytes), kTailBytes);
        message = describe_zip(head + tail);
    } else if (is_safetensors(head, size)) {
        message = "is a safetensors file: store its tensors as datasets of an HDF5 file";
    } else if (head.starts_with("GGUF"sv)) {
        message = "is a GGUF file: store its tensors, not quantised, as datasets of an HDF5 file";
    } else if (head.size() > 1 && head[0] == '\x80' && head[1] >= 2 && head[1] <= 5) {
        message =
            "is a Python pickle, which can run code when it is loaded: store the weights as "
            "datasets of an HDF5 file";
    } else if (head.starts_with(kHdf5Signature.substr(0, std::min<std::size_t>(size, 8)))) {
        message = "begins like an HDF5 file and ends at once: copy or download it again";
    } else if (is_text(head)) {
        message = describe_text(head);
    } else {
        message = "is of no known format";
    }
    return message + std::string(kExpected);
}

}  // namespace

std::unique_ptr<Checkpoint> open_checkpoint(const std::filesystem::path& path) {
    RegularFile file(path);
    if (file.size() == 0) {
        throw Error(ErrorKind::input,
                    path.string(),
                    "is empty: a copy or download of the checkpoint did not finish");
    }
    if (is_hdf5(file)) {
        try_hdf5_file(path);
        std::unique_ptr<Checkpoint> checkpoint = open_hdf5_file(path);
        if (checkpoint->identity() != file.identity()) {
            throw Error(
                ErrorKind::input, path.string(), "changes while it is opened: keep it still");
        }
        return checkpoint;
    }
    throw Error(ErrorKind::input, path.string(), describe_other(file));
}

}  // namespace lipcert
