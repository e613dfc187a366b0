#include "commands/report_places.hpp"

#include "lipcert/error.hpp"

#include <system_error>

namespace lipcert {

namespace fs = std::filesystem;

namespace {

bool is_same_place(const fs::path& a, const fs::path& b) {
    std::error_code error;
    return fs::equivalent(a, b, error) || fs::weakly_canonical(fs::absolute(a), error) ==
                                              fs::weakly_canonical(fs::absolute(b), error);
}

}  // namespace

std::vector<Claimed> inputs_of(const CommonOptions& common) {
    std::vector<Claimed> claimed;
    if (!common.model.empty()) {
        claimed.push_back({common.model, "the model itself"});
        // Where `find_configuration` looks.
        const fs::path folder = common.model.parent_path();
        for (const fs::path& beside : {folder / (common.model.stem().string() + ".config.json"),
                                       folder / "config.json",
                                       common.model / "config.json"}) {
            std::error_code ignored;
            if (fs::exists(beside, ignored)) {
                claimed.push_back({beside, "the configuration of the model"});
            }
        }
    }
    if (common.configuration) {
        claimed.push_back({*common.configuration, "the configuration"});
    }
    if (common.architecture) {
        claimed.push_back({*common.architecture, "the architecture"});
    }
    return claimed;
}

std::vector<Claimed> inputs_of(const TokenSource& source) {
    std::vector<Claimed> claimed;
    if (const auto file = source.token_file()) {
        claimed.push_back({*file, "the tokens"});
    }
    if (source.text) {
        claimed.push_back({*source.text, "the text"});
    }
    return claimed;
}

void require_apart(const std::vector<Report>& reports, std::vector<Claimed> claimed) {
    for (const auto& [flag, report] : reports) {
        if (report == "-") {
            continue;
        }
        for (const Claimed& other : claimed) {
            if (is_same_place(report, other.path) && other.path != "/dev/null") {
                throw Error(ErrorKind::usage,
                            flag,
                            report.string() + " is " + other.use +
                                "; a report must not replace it: name another file");
            }
        }
        claimed.push_back({report, "another report"});
    }
}

void require_json_apart(const CommonOptions& common, const std::vector<Claimed>& more) {
    if (common.json) {
        std::vector<Claimed> claimed = inputs_of(common);
        claimed.insert(claimed.end(), more.begin(), more.end());
        require_apart({{"--json", *common.json}}, std::move(claimed));
    }
}

}  // namespace lipcert
