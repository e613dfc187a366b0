#include "checkpoint/safetensors_checkpoint.hpp"

#include "lipcert/checkpoint/memory_limit.hpp"
#include "lipcert/error.hpp"
#include "lipcert/printable.hpp"

#include <array>
#include <cstring>
#include <utility>

#include "checkpoint/quantised.hpp"
#include "checkpoint/safetensors_header.hpp"
#include "checkpoint/tensor_values.hpp"
#include "files/regular_file.hpp"
#include "tensor/element_bits.hpp"
#include <fmt/format.h>

namespace lipcert {

namespace {

using safetensors::kLargestHeader;
using safetensors::kLengthBytes;

std::string_view without_leading_space(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    return first == std::string_view::npos ? std::string_view() : text.substr(first);
}

/// The text of the header; its length is compared with the file before memory is asked for.
std::string header_text(const ByteSource& bytes, const std::string& path) {
    std::array<std::byte, kLengthBytes> stored{};
    if (bytes.size < kLengthBytes) {
        throw Error(ErrorKind::input, path, "is shorter than the length of a safetensors header");
    }
    bytes.read(0, stored);
    std::uint64_t length = 0;
    for (std::size_t i = kLengthBytes; i-- > 0;) {
        length = length << 8U | static_cast<std::uint64_t>(stored.at(i));
    }
    if (length > kLargestHeader) {
        throw Error(ErrorKind::input,
                    path,
                    fmt::format("states a safetensors header of {} bytes; the format allows {}",
                                length,
                                kLargestHeader));
    }
    if (length > bytes.size - kLengthBytes) {
        throw Error(ErrorKind::input,
                    path,
                    fmt::format("states a safetensors header of {} bytes and has {} in all: a copy "
                                "or download did not finish",
                                length,
                                bytes.size));
    }
    std::string text(length, '\0');
    bytes.read(kLengthBytes, std::as_writable_bytes(std::span<char>(text)));
    return text;
}

}  // namespace

SafetensorsCheckpoint::SafetensorsCheckpoint(ByteSource bytes,
                                             std::string path,
                                             std::optional<FileIdentity> identity)
    : bytes_(std::move(bytes)), path_(std::move(path)), identity_(identity) {
    const std::string text = header_text(bytes_, path_);
    const std::uint64_t data_at = kLengthBytes + text.size();
    safetensors::Header header = safetensors::parse_header(text, bytes_.size - data_at, path_);
    tensors_.reserve(header.entries.size());
    offsets_.reserve(header.entries.size());
    for (safetensors::Entry& entry : header.entries) {
        offsets_.push_back(data_at + entry.begin);
        tensors_.push_back(std::move(entry.info));
    }
    stated_format_ = header.metadata["format"];
    quantised_ = sign_of_quantisation(tensors_);
}

Matrix SafetensorsCheckpoint::read(const TensorInfo& tensor) const {
    const std::string where = path_ + ": " + printable_quote(tensor.name);
    const TensorInfo& info = known(tensor);
    if (info.type == DataType::unsupported) {
        refuse_element_type(info.stored_type, where);
    }
    refuse_quantised(quantised_, where);
    // The header has passed: shape and type need just the bytes that are there.
    require_memory(element_count(info) * sizeof(double), where);
    Matrix values = allocate_values(info, where);
    const std::span<double> all(values.data(), static_cast<std::size_t>(values.size()));
    const std::span<std::byte> raw = raw_part(info.type, all);
    bytes_.read(offset_of(info), raw);
    decode(info.type, false, raw.data(), all);
    require_finite(all, info, where);
    return values;
}

const TensorInfo& SafetensorsCheckpoint::known(const TensorInfo& tensor) const {
    const TensorInfo* found = find(tensor.name);
    if (found == nullptr) {
        throw Error(ErrorKind::input,
                    path_ + ": " + printable_quote(tensor.name),
                    "there is no such tensor");
    }
    return *found;
}

std::uint64_t SafetensorsCheckpoint::offset_of(const TensorInfo& tensor) const {
    return offsets_[static_cast<std::size_t>(&known(tensor) - tensors_.data())];
}

std::optional<std::string> SafetensorsCheckpoint::foreign_convention() const {
    if (stated_format_.empty() || stated_format_ == "pt" || stated_format_ == "mlx") {
        return std::nullopt;
    }
    return fmt::format("__metadata__.format is \"{}\"", printable_quote(stated_format_));
}

bool begins_as_safetensors(std::string_view head) {
    if (head.size() <= kLengthBytes) {
        return false;
    }
    // The length of an honest header has zeros at its end, which no text has.
    return head.substr(kLengthBytes / 2, kLengthBytes / 2).find('\0') != std::string_view::npos &&
           without_leading_space(head.substr(kLengthBytes)).starts_with('{');
}

std::unique_ptr<SafetensorsCheckpoint> open_safetensors_file(const std::filesystem::path& path) {
    const auto file = std::make_shared<RegularFile>(path);
    ByteSource bytes;
    bytes.size = file->size();
    bytes.read = [file](std::uint64_t offset, std::span<std::byte> buffer) {
        file->read_into(offset, buffer);
    };
    return std::make_unique<SafetensorsCheckpoint>(
        std::move(bytes), path.string(), file->identity());
}

std::unique_ptr<SafetensorsCheckpoint> open_safetensors_image(std::span<const std::byte> bytes) {
    ByteSource source;
    source.size = bytes.size();
    source.read = [copy = std::vector<std::byte>(bytes.begin(), bytes.end())](
                      std::uint64_t offset, std::span<std::byte> buffer) {
        if (!buffer.empty()) {
            std::memcpy(buffer.data(), copy.data() + offset, buffer.size());
        }
    };
    return std::make_unique<SafetensorsCheckpoint>(std::move(source), "(image)", std::nullopt);
}

}  // namespace lipcert
