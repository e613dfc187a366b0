#include "lipcert/report/run_report.hpp"
#include "lipcert/report/text.hpp"

#include <algorithm>
#include <limits>
#include <span>
#include <utility>

#include "files/sha256.hpp"
#include "report/escape.hpp"
#include "report/phrases.hpp"
#include <fmt/format.h>

namespace lipcert {

namespace {

/// GitHub shows ten annotations of a kind for a step and drops the others.
constexpr std::size_t kMostAnnotations = 10;

std::string annotation(const std::string& path,
                       const std::string& title,
                       const std::string& message) {
    return fmt::format("::error title={},file={}::{}\n",
                       workflow_property(title),
                       workflow_property(path),
                       workflow_message(message));
}

}  // namespace

std::string github_annotations(const RunResult& run) {
    std::vector<std::string> lines;
    std::vector<std::pair<const ModelResult*, const Check*>> findings;
    for (const ModelResult& model : run.models) {
        if (!model.certificate) {
            lines.push_back(annotation(model.path, "lipcert: not certified", model.error));
        }
        for (const Check& check : model.checks) {
            if (check.is_finding()) {
                findings.emplace_back(&model, &check);
            }
        }
    }
    std::stable_sort(findings.begin(), findings.end(), [](const auto& a, const auto& b) {
        return excess(*b.second) < excess(*a.second);
    });
    for (const auto& [model, check] : findings) {
        const Domain& domain = model->certificate->bounds.domain;
        lines.push_back(annotation(model->path,
                                   "lipcert: " + check->rule,
                                   fmt::format("{}{}: proved {}, limit {}",
                                               check->place,
                                               restriction_of(*check, domain),
                                               readable(check->actual, 6),
                                               check->limit)));
    }
    std::string text;
    for (std::size_t i = 0; i < std::min(lines.size(), kMostAnnotations); ++i) {
        text += lines[i];
    }
    return text;
}

std::string github_summary(const RunResult& run, std::size_t most_bytes) {
    std::string text = markdown_report(run, std::numeric_limits<std::size_t>::max());
    for (std::size_t rows = 4096; text.size() > most_bytes && rows > 0; rows /= 2) {
        text = markdown_report(run, rows);
    }
    if (text.size() > most_bytes) {  // so many models that their titles alone fill it
        const auto bad = std::count_if(run.models.begin(), run.models.end(), [](const auto& model) {
            return !model.certificate || model.has_findings();
        });
        text = fmt::format(
            "# lipcert certificate\n\n{}, {} of them not certified or beyond a "
            "limit: too many for this page.\n",
            counted(run.models.size(), "model"),
            bad);
    }
    return text;
}

std::string without_workflow_commands(const std::string& text) {
    // No name can hold the hash of a text that it is part of.
    Sha256 hash;
    hash.add(std::as_bytes(std::span(text)));
    const std::string token = hash.digest();
    return "::stop-commands::" + token + "\n" + text + "::" + token + "::\n";
}

}  // namespace lipcert
