#include "lipcert/printable.hpp"
#include "lipcert/report/run_report.hpp"
#include "lipcert/version.hpp"

#include <array>
#include <span>
#include <string_view>

#include "files/sha256.hpp"
#include "report/escape.hpp"
#include "report/json_parts.hpp"
#include "report/phrases.hpp"
#include <fmt/format.h>

namespace lipcert {

namespace {

struct Rule {
    std::string_view id, name, text;
};

constexpr std::array<Rule, 3> kRules = {
    {{"max-lipschitz",
      "CertifiedLipschitzBound",
      "The certified Lipschitz bound of the model exceeds the limit."},
     {"max-spectral-norm",
      "CertifiedSpectralNorm",
      "The certified spectral norm of a weight matrix exceeds the limit."},
     {"max-activation",
      "CertifiedActivation",
      "The certified bound on entries of the residual stream exceeds the limit."}}};

std::size_t index_of(const std::string& rule) {
    std::size_t index = 0;
    while (index + 1 < kRules.size() && kRules.at(index).id != rule) {
        ++index;
    }
    return index;
}

Json rule_list() {
    Json list = Json::array();
    for (const Rule& rule : kRules) {
        list.push_back({{"id", rule.id},
                        {"name", rule.name},
                        {"shortDescription", {{"text", rule.text}}},
                        {"defaultConfiguration", {{"level", "error"}}}});
    }
    return list;
}

/// The same finding in the same place has the same fingerprint in every run, whatever its size.
std::string fingerprint(const ModelResult& model, const Check& check) {
    const std::string identity = model.path + "\n" + check.rule + "\n" + check.place;
    Sha256 hash;
    hash.add(std::as_bytes(std::span(identity)));
    return hash.digest();
}

Json location(const ModelResult& model) {
    // GitHub shows no result without a line; a checkpoint has none, so the first.
    return {{"physicalLocation",
             {{"artifactLocation", {{"uri", uri_of_path(model.path)}}},
              {"region", {{"startLine", 1}}}}}};
}

Json result_of(const ModelResult& model, const Check& check) {
    Json result;
    result["ruleId"] = check.rule;
    result["ruleIndex"] = index_of(check.rule);
    result["level"] = check.is_finding() ? "error" : "note";
    if (check.state == CheckState::waived) {
        result["suppressions"] = Json::array();
        result["suppressions"].push_back(
            {{"kind", "external"}, {"justification", printable(check.reason)}});
    }
    const Domain& domain = model.certificate->bounds.domain;
    result["message"]["text"] = printable(finding_phrase(check, domain));
    Json place = location(model);
    place["logicalLocations"] = Json::array();
    place["logicalLocations"].push_back({{"fullyQualifiedName", printable(check.place)}});
    result["locations"] = Json::array();
    result["locations"].push_back(place);
    result["partialFingerprints"]["lipcertModelRulePlace/v1"] = fingerprint(model, check);
    result["properties"] = {{"actual", json_upper(check.actual)}, {"limit", check.limit}};
    if (check.rule != "max-spectral-norm") {
        result["properties"]["domain"] = domain_phrase(domain);
    }
    return result;
}

Json notification_of(const ModelResult& model) {
    Json notification;
    notification["level"] = "error";
    notification["message"]["text"] = printable(model.error);
    notification["locations"] = Json::array();
    notification["locations"].push_back(location(model));
    return notification;
}

}  // namespace

std::string sarif_report(const RunResult& run) {
    Json results = Json::array();
    Json notifications = Json::array();
    Json domains = Json::array();  // in a run without findings too
    for (const ModelResult& model : run.models) {
        if (!model.certificate) {
            notifications.push_back(notification_of(model));
        } else {
            domains.push_back({{"uri", uri_of_path(model.path)},
                               {"domain", domain_phrase(model.certificate->bounds.domain)}});
        }
        for (const Check& check : model.checks) {
            if (check.is_finding() || check.state == CheckState::waived) {
                results.push_back(result_of(model, check));
            }
        }
    }
    Json invocation;
    invocation["executionSuccessful"] = notifications.empty();
    invocation["toolExecutionNotifications"] = notifications;
    Json entry;
    entry["tool"]["driver"] = {
        {"name", "lipcert"}, {"semanticVersion", kVersion}, {"rules", rule_list()}};
    entry["invocations"] = Json::array();
    entry["invocations"].push_back(invocation);
    entry["results"] = results;
    entry["properties"] = {{"domains", domains}};
    entry["columnKind"] = "utf16CodeUnits";
    Json json;
    json["$schema"] = "https://json.schemastore.org/sarif-2.1.0.json";
    json["version"] = "2.1.0";
    json["runs"] = Json::array();
    json["runs"].push_back(entry);
    return json_text(json);
}

}  // namespace lipcert
