#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace lipcert {

/// Writes a report: a regular file appears complete or not at all. Throws Error{usage} where `path`
/// is one of the `models`, Error{input} where it cannot be written.
void write_report_file(const std::filesystem::path& path,
                       const std::string& text,
                       const std::vector<std::filesystem::path>& models);

/// Throws Error{usage} where `path` is one of the `models`.
void require_no_model(const std::filesystem::path& path,
                      const std::vector<std::filesystem::path>& models);

/// Adds `text` to the end of a file that another program began. Throws Error{input}.
void append_to_file(const std::filesystem::path& path, const std::string& text);

}  // namespace lipcert
