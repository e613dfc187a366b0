#include "commands/cap_reports.hpp"

#include "lipcert/error.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <unistd.h>
#include <vector>

#include "commands/report_places.hpp"
#include "files/edit_place.hpp"

namespace lipcert {

namespace fs = std::filesystem;

namespace {

std::vector<Claimed> claimed_by(const CapArguments& arguments) {
    std::vector<Claimed> claimed = inputs_of(arguments.common);
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
    for (const Claimed& input : inputs_of(arguments.tokens)) {
        claimed.push_back(input);
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
    std::vector<Report> reports;
    if (arguments.common.json && *arguments.common.json != "-") {
        reports.emplace_back("--json", *arguments.common.json);
    }
    if (arguments.csv) {
        reports.emplace_back("--csv", *arguments.csv);
    }
    if (arguments.svg) {
        reports.emplace_back("--svg", *arguments.svg);
    }
    require_apart(reports, claimed_by(arguments));
    for (const auto& [flag, report] : reports) {
        require_writable(flag, report);
    }
}

}  // namespace lipcert
