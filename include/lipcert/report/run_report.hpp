#pragma once

#include "lipcert/certificate/certificate.hpp"
#include "lipcert/certificate/checks.hpp"
#include "lipcert/error.hpp"
#include "lipcert/execution/witness.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace lipcert {

/// What a run of `certify` found about one model: a certificate with its checks, or why there is
/// none.
struct ModelResult {
    std::string path;  ///< as the user named it
    std::optional<Certificate> certificate;
    std::optional<Witnesses> witnesses;  ///< where they were asked for
    std::vector<Check> checks;
    std::string baseline;              ///< the file that was applied to the checks; empty: none
    std::vector<std::string> notices;  ///< about its waivers
    std::string error;                 ///< without a certificate: why
    ExitCode error_code = ExitCode::rejected;  ///< without a certificate

    [[nodiscard]] bool has_findings() const;
};

/// One run of `certify`, in the order of the command line.
struct RunResult {
    std::vector<ModelResult> models;

    /// The worst of all models: an error beats a finding, the first error beats later ones.
    [[nodiscard]] ExitCode exit_code() const;
};

/// "certified", "limit-exceeded" or "error".
[[nodiscard]] std::string verdict_of(const ModelResult& model);

// Every report below is a function of the run alone (the same run gives the same bytes), rounds
// bounds up and lower ends down, and escapes every name that came from a file.

/// GitHub-flavoured Markdown. At most `most_rows` lines in each table; what is left out is counted.
[[nodiscard]] std::string markdown_report(const RunResult& run, std::size_t most_rows);

/// One HTML file that needs nothing else, no script to be read, no network.
[[nodiscard]] std::string html_report(const RunResult& run);

/// JUnit XML as Jenkins and GitLab read it: a suite for each model, a case for each limit and each
/// matrix; a model without a certificate is an error.
[[nodiscard]] std::string junit_report(const RunResult& run);

/// SARIF 2.1.0: one result for each finding, with fingerprints of model, rule and place; errors are
/// notifications of the tool.
[[nodiscard]] std::string sarif_report(const RunResult& run);

/// RFC 4180, one line for each bound, block, matrix and check, the model's path in front.
[[nodiscard]] std::string csv_report(const RunResult& run);

/// Workflow commands of GitHub Actions: errors first, then the findings that are furthest beyond
/// their limits, ten at most, which is what GitHub shows.
[[nodiscard]] std::string github_annotations(const RunResult& run);

/// `markdown_report`, cut to at most `most_bytes`: GitHub drops a larger step summary whole.
[[nodiscard]] std::string github_summary(const RunResult& run, std::size_t most_bytes);

/// `text` between workflow commands that keep GitHub from reading commands in it: names of tensors
/// are printed in it.
[[nodiscard]] std::string without_workflow_commands(const std::string& text);

}  // namespace lipcert
