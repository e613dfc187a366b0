#include "commands/cap_reports.hpp"

#include "lipcert/error.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

#include "files/edit_place.hpp"

namespace lipcert {

namespace fs = std::filesystem;

namespace {

/// A file that has its use, in words.
struct Claimed {
    fs::path path;
    std::string use;
};

/// Also where neither exists yet, and where one file has two names.
bool is_same_place(const fs::path& a, const fs::path& b) {
    std::error_code error;
    return fs::equivalent(a, b, error) ||
           fs::weakly_canonical(fs::absolute(a)) == fs::weakly_canonical(fs::absolute(b));
}

std::vector<Claimed> claimed_by(const CapArguments& arguments) {
    std::vector<Claimed> claimed{{arguments.common.model, "the model itself"}};
    if (arguments.in_place || arguments.destination.output) {
        const EditPlace place = resolve_place(arguments.common.model, arguments.destination);
        claimed.push_back({place.path(), "what is written"});
        claimed.push_back({place.folder / place.copy_name(), "the copy that is edited"});
        claimed.push_back({place.folder / place.lock_name(), "the lock of the edit"});
        if (arguments.destination.backup_suffix) {
            claimed.push_back({place.path().string() + *arguments.destination.backup_suffix,
                               "the backup of the old file"});
        }
    }
    for (const auto& [path, use] : {std::pair(arguments.common.configuration, "the configuration"),
                                    std::pair(arguments.common.architecture, "the architecture"),
                                    std::pair(arguments.tokens.token_file(), "the tokens"),
                                    std::pair(arguments.tokens.text, "the text")}) {
        if (path) {
            claimed.push_back({*path, use});
        }
    }
    return claimed;
}

void require_writable(const std::string& flag, const fs::path& report) {
    const fs::path folder = report.has_parent_path() ? report.parent_path() : fs::path(".");
    std::error_code ignored;
    const bool special =
        fs::exists(report, ignored) && !fs::is_regular_file(report, ignored);  // /dev/null, a pipe
    if (fs::is_directory(report, ignored)) {
        throw Error(ErrorKind::usage, flag, report.string() + " is a folder: name a file in it");
    }
    if (::access(special ? report.c_str() : folder.c_str(), special ? W_OK : W_OK | X_OK) != 0) {
        throw Error(ErrorKind::input,
                    report.string(),
                    std::string("could not be written: ") + std::strerror(errno));
    }
}

}  // namespace

void require_apart_from_reports(const CapArguments& arguments) {
    std::vector<std::pair<std::string, fs::path>> reports;
    if (arguments.common.json && *arguments.common.json != "-") {
        reports.emplace_back("--json", *arguments.common.json);
    }
    if (arguments.csv) {
        reports.emplace_back("--csv", *arguments.csv);
    }
    if (arguments.svg) {
        reports.emplace_back("--svg", *arguments.svg);
    }
    std::vector<Claimed> claimed = claimed_by(arguments);
    for (const auto& [flag, report] : reports) {
        for (const Claimed& other : claimed) {
            if (is_same_place(report, other.path) && other.path != "/dev/null") {
                throw Error(ErrorKind::usage,
                            flag,
                            report.string() + " is " + other.use +
                                "; a report must not replace it: name another file");
            }
        }
        require_writable(flag, report);
        claimed.push_back({report, "another report"});
    }
}

}  // namespace lipcert
