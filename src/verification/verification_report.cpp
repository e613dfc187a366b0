#include "lipcert/printable.hpp"
#include "lipcert/report/text.hpp"
#include "lipcert/verification/verify.hpp"
#include "lipcert/version.hpp"

#include <algorithm>

#include "report/json_parts.hpp"
#include "report/phrases.hpp"
#include <fmt/format.h>

namespace lipcert {

namespace {

constexpr std::size_t kMostShown = 20;
constexpr std::size_t kLongestValue = 80;

std::string statement_lines(const Disagreement& disagreement) {
    std::string text = "  " + printable(disagreement.at) + ": " + printable(disagreement.reason);
    const auto value = [](const std::string& json) {
        return shortened(printable(json), kLongestValue);
    };
    if (!disagreement.stated.empty() && !disagreement.found.empty()) {
        text +=
            "\n      stated " + value(disagreement.stated) + ", found " + value(disagreement.found);
    }
    return text + "\n";
}

std::string verdict_line(const Verification& verification) {
    if (!verification.is_confirmed()) {
        return "refuted: " + counted(verification.disagreements.size(), "disagreement") + "\n";
    }
    const Certificate& proved = verification.proved.value();
    return fmt::format("confirmed: {} and {} proved again, max-token RMS bound {}{}\n",
                       counted(proved.matrices.size(), "matrix"),
                       counted(proved.architecture.layers.size(), "layer"),
                       readable(proved.bounds.max_token_rms.upper, 4),
                       proved.within_limits() ? "" : "; a stated limit is exceeded");
}

}  // namespace

std::string render_verification(const Verification& verification, bool quiet) {
    if (quiet) {
        return verdict_line(verification);
    }
    std::string text = fmt::format("lipcert {}   {}   against {}\n\n",
                                   kVersion,
                                   printable(file_name_of(verification.certificate)),
                                   printable(file_name_of(verification.model)));
    const std::size_t count = verification.disagreements.size();
    for (std::size_t i = 0; i < std::min(count, kMostShown); ++i) {
        text += statement_lines(verification.disagreements[i]);
    }
    if (count > kMostShown) {
        text += fmt::format("  [{} others]\n", count - kMostShown);
    }
    return text + verdict_line(verification);
}

std::string verification_json(const Verification& verification) {
    Json json;
    json["schema"] = "lipcert-verification-1";
    json["lipcert"] = kVersion;
    json["certificate"] = verification.certificate;
    json["model"] = verification.model;
    json["verdict"] = verification.is_confirmed() ? "confirmed" : "refuted";
    json["within_limits"] =
        verification.proved ? Json(verification.proved->within_limits()) : Json(nullptr);
    json["proved"] = verification.proved ? json_bounds(verification.proved->bounds) : Json(nullptr);
    json["disagreements"] = Json::array();
    for (const Disagreement& disagreement : verification.disagreements) {
        json["disagreements"].push_back({{"at", disagreement.at},
                                         {"reason", disagreement.reason},
                                         {"stated", disagreement.stated},
                                         {"found", disagreement.found}});
    }
    return json_text(json);
}

}  // namespace lipcert
