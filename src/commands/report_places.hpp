#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "commands/options.hpp"

namespace lipcert {

/// A file that has its use, in words.
struct Claimed {
    std::filesystem::path path;
    std::string use;
};

/// A flag and the file that it writes; "-" is standard output.
using Report = std::pair<std::string, std::filesystem::path>;

/// What `common` names: the model with the configuration beside it, the configuration, the
/// architecture.
[[nodiscard]] std::vector<Claimed> inputs_of(const CommonOptions& common);

/// The files of `source`.
[[nodiscard]] std::vector<Claimed> inputs_of(const TokenSource& source);

/// Throws Error{usage} for a report in the place of what is claimed or of another report, also
/// where neither exists yet and where one file has two names.
void require_apart(const std::vector<Report>& reports, std::vector<Claimed> claimed);

/// The same for --json, of what `common` names and `more`.
void require_json_apart(const CommonOptions& common, const std::vector<Claimed>& more);

}  // namespace lipcert
