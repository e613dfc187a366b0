#pragma once

#include "lipcert/files/file_identity.hpp"

#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "files/regular_file.hpp"

namespace lipcert {

/// What an index says: which tensor lies in which file beside it. Keras maps the variables of a
/// layer together, under the path of their group, and to several files where they lie in several.
struct ShardIndex {
    std::filesystem::path path;
    FileIdentity identity;
    /// What the index calls a tensor or a group -> names of files.
    std::map<std::string, std::set<std::string>> files_of;

    [[nodiscard]] std::set<std::string> files() const;
};

/// {"weight_map": {tensor: file or [files]}}. Throws Error{input} for any other form, for a file
/// that is not the plain name of one beside the index, for no tensor and for more than a thousand
/// files.
[[nodiscard]] ShardIndex parse_shard_index(const std::string& text, const RegularFile& from);
[[nodiscard]] ShardIndex read_shard_index(const std::filesystem::path& path);

/// Whether a text is a JSON object with a "weight_map"; false for anything that cannot be parsed.
[[nodiscard]] bool is_shard_index(const std::string& text);

}  // namespace lipcert
