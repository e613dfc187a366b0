#include "lipcert/report/run_report.hpp"

#include <algorithm>

namespace lipcert {

bool ModelResult::has_findings() const {
    return std::any_of(
        checks.begin(), checks.end(), [](const Check& check) { return check.is_finding(); });
}

ExitCode RunResult::exit_code() const {
    ExitCode worst = ExitCode::certified;
    for (const ModelResult& model : models) {
        if (!model.certificate) {
            return model.error_code;
        }
        if (model.has_findings()) {
            worst = ExitCode::limit_exceeded;
        }
    }
    return worst;
}

std::string verdict_of(const ModelResult& model) {
    if (!model.certificate) {
        return "error";
    }
    return model.has_findings() ? "limit-exceeded" : "certified";
}

}  // namespace lipcert
