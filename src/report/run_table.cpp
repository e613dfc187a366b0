#include "lipcert/comparison/restriction.hpp"
#include "lipcert/printable.hpp"
#include "lipcert/report/probe_report.hpp"
#include "lipcert/report/terminal_report.hpp"
#include "lipcert/report/text.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "report/column_table.hpp"
#include "report/phrases.hpp"
#include <fmt/format.h>

namespace lipcert {

namespace {

constexpr std::size_t kMostFindings = 10;

std::size_t finding_count(const ModelResult& model) {
    return static_cast<std::size_t>(
        std::count_if(model.checks.begin(), model.checks.end(), [](const Check& check) {
            return check.is_finding();
        }));
}

/// Of which inputs alone the bounds are, where one run asked for fewer than all.
std::string restriction_line(const RunResult& run) {
    for (const ModelResult& model : run.models) {
        if (model.certificate) {
            const std::string text = restriction_text(model.certificate->bounds.domain);
            return text.empty() ? text : "bounds " + text + "\n\n";
        }
    }
    return "";
}

std::string model_lines(const RunResult& run, const TerminalStyle& style) {
    ColumnTable table("model",
                      {{"verdict", 14, false, 3},
                       {"max-token RMS", 13, true, 2},
                       {"log10", 9, true, 1},
                       {"findings", 8, true, 2}});
    for (const ModelResult& model : run.models) {
        if (!model.certificate) {
            table.add(model.path, {verdict_of(model), "-", "-", "-"});
            continue;
        }
        const Upper& bound = model.certificate->bounds.max_token_rms.upper;
        table.add(model.path,
                  {verdict_of(model),
                   readable(bound, 4),
                   log10_text(bound),
                   std::to_string(finding_count(model))});
    }
    return restriction_line(run) + table.text(style.width);
}

/// The findings that are furthest beyond their limits.
std::string finding_lines(const RunResult& run, const TerminalStyle& style) {
    std::vector<std::pair<const ModelResult*, const Check*>> findings;
    for (const ModelResult& model : run.models) {
        for (const Check& check : model.checks) {
            if (check.is_finding()) {
                findings.emplace_back(&model, &check);
            }
        }
    }
    if (findings.empty()) {
        return "";
    }
    std::stable_sort(findings.begin(), findings.end(), [](const auto& a, const auto& b) {
        return excess(*b.second) < excess(*a.second);
    });
    ColumnTable table("finding",
                      {{"check", 18, false, 3},
                       {"proved", 12, true, 3},
                       {"limit", 12, true, 2},
                       {"model", 24, false, 1}});
    for (std::size_t i = 0; i < std::min(findings.size(), kMostFindings); ++i) {
        const auto& [model, check] = findings[i];
        table.add(check->place,
                  {check->rule,
                   readable(check->actual, 5),
                   shortened(printable(check->limit), 12),
                   shortened(printable(file_name_of(model->path)), 24)});
    }
    const std::size_t folded = findings.size() - std::min(findings.size(), kMostFindings);
    return "\n" + table.text(style.width) +
           (folded == 0 ? "" : fmt::format("[{}]\n", counted(folded, "other finding")));
}

std::size_t count_of(const ModelResult& model, CheckState state) {
    return static_cast<std::size_t>(
        std::count_if(model.checks.begin(), model.checks.end(), [state](const Check& check) {
            return check.state == state;
        }));
}

std::string baseline_verdict(const ModelResult& model) {
    return fmt::format("baseline {}: {} worse, {} new beyond a limit, {} known, {} waived\n",
                       printable(model.baseline),
                       count_of(model, CheckState::worse),
                       count_of(model, CheckState::exceeded),
                       count_of(model, CheckState::known),
                       count_of(model, CheckState::waived));
}

std::string baseline_part(const RunResult& run, const TerminalStyle& style) {
    const ModelResult& model = run.models.front();
    std::string text = finding_lines(run, style);
    for (const std::string& notice : model.notices) {
        text += printable(notice) + "\n";
    }
    return text + baseline_verdict(model);
}

/// The certificate, and below it what was found from below.
std::string model_report(const ModelResult& model, const TerminalStyle& style) {
    return render_certificate(*model.certificate, style) +
           (model.witnesses ? "\n" + witness_table(*model.witnesses, style) : "");
}

}  // namespace

std::string render_run(const RunResult& run, const TerminalStyle& style) {
    if (run.models.size() == 1) {
        const ModelResult& model = run.models.front();
        return model.certificate ? model_report(model, style) +
                                       (model.baseline.empty() ? "" : baseline_part(run, style))
                                 : "";
    }
    std::string text;
    for (const ModelResult& model : run.models) {
        if (style.verbose && model.certificate) {
            text += model_report(model, style) + "\n";
        }
    }
    return text + model_lines(run, style) + finding_lines(run, style) + "\n" +
           render_run_verdict(run);
}

std::string render_run_verdict(const RunResult& run) {
    if (run.models.size() == 1) {
        const ModelResult& model = run.models.front();
        return model.certificate ? render_verdict(*model.certificate) +
                                       (model.baseline.empty() ? "" : baseline_verdict(model))
                                 : "";
    }
    std::size_t beyond = 0, failed = 0;
    for (const ModelResult& model : run.models) {
        beyond += model.has_findings() ? 1U : 0U;
        failed += model.certificate ? 0U : 1U;
    }
    return fmt::format("{}: {} certified within every limit, {} beyond a limit, {} not certified\n",
                       counted(run.models.size(), "model"),
                       run.models.size() - beyond - failed,
                       beyond,
                       failed);
}

}  // namespace lipcert
