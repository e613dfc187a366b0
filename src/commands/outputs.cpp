#include "commands/outputs.hpp"

#include "lipcert/error.hpp"
#include "lipcert/report/certificate_file.hpp"
#include "lipcert/report/json_report.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <optional>

#include "commands/report_file.hpp"
#include "commands/report_places.hpp"

namespace lipcert {

namespace {

/// GitHub drops a step summary of more than 1 MiB; other commands of the step may have written too.
constexpr std::uint64_t kSummaryBytes = 1024 * 1024 - 1024;

std::string whole_markdown(const RunResult& run) {
    return markdown_report(run, std::numeric_limits<std::size_t>::max());
}

std::string full_certificate(const RunResult& run) {
    return certificate_file(run.models.front().certificate.value());
}

bool has_certificate(const RunResult& run) {
    return std::any_of(run.models.begin(), run.models.end(), [](const ModelResult& model) {
        return model.certificate.has_value();
    });
}

}  // namespace

void add_output_options(CLI::App& command, OutputOptions& outputs) {
    const auto file = [&command](const char* flag, auto& target, const char* what) {
        command.add_option(flag, target, what)->type_name("FILE");
    };
    file("--markdown", outputs.markdown, "Write the report as Markdown, - for stdout");
    file("--html", outputs.html, "Write the report as one HTML page that needs no other file");
    file("--junit", outputs.junit, "Write one JUnit test case per limit and per matrix");
    file("--sarif", outputs.sarif, "Write the findings as SARIF 2.1.0");
    file("--csv", outputs.csv, "Write every bound, block, matrix and check as a table");
    command
        .add_option("--format",
                    outputs.format,
                    "terminal (default), or github: annotations and a step summary as well")
        ->check(CLI::IsMember({"terminal", "github"}).description(""))
        ->type_name("NAME");
}

Outputs::Outputs(const CertifyArguments& arguments, Console& console)
    : arguments_(arguments), console_(console), kept_(arguments.models) {
    const auto add = [this](const char* flag, const std::optional<std::string>& path, auto render) {
        if (!path) {
            return;
        }
        for (const Target& other : targets_) {
            if (*path == "-" && other.path == "-") {
                throw Error(ErrorKind::usage,
                            std::string(flag) + ", " + other.flag,
                            "only one report can go to standard output");
            }
        }
        targets_.push_back({flag, *path, render});
        stdout_taken_ = stdout_taken_ || *path == "-";
    };
    add("--json", arguments.common.json, &run_json);
    add("--markdown", arguments.outputs.markdown, &whole_markdown);
    add("--html", arguments.outputs.html, &html_report);
    add("--junit", arguments.outputs.junit, &junit_report);
    add("--sarif", arguments.outputs.sarif, &sarif_report);
    add("--csv", arguments.outputs.csv, &csv_report);
    add("--certificate", arguments.certificate, &full_certificate);
    require_targets_apart();
}

void Outputs::require_targets_apart() const {
    std::vector<Report> reports;
    for (const Target& target : targets_) {
        reports.emplace_back(target.flag, target.path);
    }
    if (arguments_.witness.file) {
        reports.emplace_back("--witness-out", *arguments_.witness.file);
    }
    std::vector<Claimed> claimed = inputs_of(arguments_.common);
    for (const std::filesystem::path& model : arguments_.models) {
        CommonOptions named;
        named.model = model;
        for (const Claimed& input : inputs_of(named)) {
            claimed.push_back(input);
        }
    }
    if (arguments_.assumptions) {
        claimed.push_back({*arguments_.assumptions, "the conditions"});
    }
    if (arguments_.baseline) {
        claimed.push_back({*arguments_.baseline, "the baseline"});
    }
    require_apart(reports, std::move(claimed));
}

void Outputs::keep(const std::vector<std::filesystem::path>& files) {
    kept_.insert(kept_.end(), files.begin(), files.end());
}

void Outputs::write(const Target& target, const RunResult& run) const {
    // The JSON of one model is its certificate, so there is none without one.
    const bool is_certificate = target.flag == "--json" || target.flag == "--certificate";
    if (is_certificate && run.models.size() == 1 && !has_certificate(run)) {
        return;
    }
    if (target.path == "-") {
        write_text(console_.out, target.render(run));
    } else {
        write_report_file(target.path, target.render(run), kept_);
    }
}

void Outputs::write_view(const std::string& view, const std::string& verdict) const {
    const bool is_github = arguments_.outputs.format == "github";
    const bool whole = !stdout_taken_ || arguments_.common.verbose;
    std::string text = arguments_.common.quiet || !whole ? verdict : view;
    if (stdout_taken_ && arguments_.common.quiet) {
        return;
    }
    if (is_github && !text.empty()) {
        text = without_workflow_commands(text);
    }
    write_text(stdout_taken_ ? console_.err : console_.out, text);
}

void Outputs::write_github(const RunResult& run) const {
    write_text(stdout_taken_ ? console_.err : console_.out, github_annotations(run));
    const char* summary = std::getenv("GITHUB_STEP_SUMMARY");
    if (summary == nullptr || *summary == '\0') {
        return;
    }
    std::error_code failure;
    const std::uintmax_t taken = std::filesystem::file_size(summary, failure);
    const std::uint64_t used = failure ? 0 : std::min<std::uint64_t>(taken, kSummaryBytes);
    append_to_file(summary, github_summary(run, kSummaryBytes - used));
}

void Outputs::deliver(const RunResult& run,
                      const std::string& view,
                      const std::string& verdict) const {
    std::optional<Error> first;
    const auto attempt = [&first](const auto& step) {
        try {
            step();
        } catch (const Error& error) {
            first = first ? first : error;
        }
    };
    for (const bool to_stdout : {false, true}) {
        for (const Target& target : targets_) {
            if ((target.path == "-") == to_stdout) {
                attempt([&] { write(target, run); });
            }
        }
    }
    attempt([&] { write_view(view, verdict); });
    if (arguments_.outputs.format == "github") {
        attempt([&] { write_github(run); });
    }
    if (first) {
        throw Error(*first);
    }
}

}  // namespace lipcert
