#include "checkpoint/shard_index.hpp"

#include "lipcert/checkpoint/configuration.hpp"
#include "lipcert/error.hpp"
#include "lipcert/printable.hpp"

#include <fmt/format.h>

namespace lipcert {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kMostFiles = 1000;
constexpr std::size_t kLargestIndex = 16U << 20U;
constexpr const char* kMap = "weight_map";

/// The author of an index must not choose which files of the reader's are opened.
void require_plain_name(const std::string& name, const std::string& tensor, const fs::path& path) {
    if (name.empty() || name == "." || name == ".." ||
        name.find_first_of("/\\") != std::string::npos || !is_printable(name)) {
        throw Error(ErrorKind::input,
                    path.string() + ": " + printable_quote(tensor),
                    "lies in '" + printable_quote(name) +
                        "', which is not the plain name of a file beside the index: put the shards "
                        "there and say so");
    }
}

/// "file", or ["file", ...] as Keras writes it for a layer whose variables lie in several.
std::set<std::string> file_names(const nlohmann::json& stored,
                                 const std::string& tensor,
                                 const fs::path& path) {
    const nlohmann::json list = stored.is_array() ? stored : nlohmann::json::array({stored});
    std::set<std::string> names;
    for (const nlohmann::json& file : list) {
        if (!file.is_string()) {
            names.clear();
            break;
        }
        require_plain_name(file.get_ref<const std::string&>(), tensor, path);
        names.insert(file.get<std::string>());
    }
    if (names.empty()) {
        throw Error(ErrorKind::input,
                    path.string() + ": " + printable_quote(tensor),
                    "has no file name in the index but " +
                        printable_quote(
                            stored.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace)));
    }
    return names;
}

}  // namespace

std::set<std::string> ShardIndex::files() const {
    std::set<std::string> names;
    for (const auto& [tensor, of_tensor] : files_of) {
        names.insert(of_tensor.begin(), of_tensor.end());
    }
    return names;
}

ShardIndex parse_shard_index(const std::string& text, const RegularFile& from) {
    const fs::path& path = from.path();
    const nlohmann::json document = parse_json_object(text, path.string());
    const auto map = document.find(kMap);
    if (map == document.end() || !map->is_object() || map->empty()) {
        throw Error(ErrorKind::input,
                    path.string(),
                    fmt::format("is no index of shards: an object \"{}\" from tensors to files was "
                                "expected",
                                kMap));
    }
    ShardIndex index;
    index.path = path;
    index.identity = from.identity();
    for (const auto& [tensor, files] : map->items()) {
        index.files_of.emplace(tensor, file_names(files, tensor, path));
    }
    if (index.files().size() > kMostFiles) {
        throw Error(
            ErrorKind::input, path.string(), fmt::format("names more than {} files", kMostFiles));
    }
    return index;
}

ShardIndex read_shard_index(const fs::path& path) {
    const RegularFile file(path);
    return parse_shard_index(file.read(0, kLargestIndex + 1), file);
}

bool is_shard_index(const std::string& text) {
    try {
        return parse_json_object(text, "").contains(kMap);
    } catch (const Error&) {
        return false;
    }
}

}  // namespace lipcert
