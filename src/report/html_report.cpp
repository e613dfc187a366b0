#include "lipcert/report/json_report.hpp"
#include "lipcert/report/run_report.hpp"
#include "lipcert/report/text.hpp"
#include "lipcert/version.hpp"

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "files/sha256.hpp"
#include "report/escape.hpp"
#include "report/html_charts.hpp"
#include "report/html_page.hpp"
#include "report/html_table.hpp"
#include "report/phrases.hpp"
#include <fmt/format.h>

namespace lipcert {

namespace {

std::string verdict_badge(const ModelResult& model) {
    const std::string verdict = verdict_of(model);
    if (verdict == "certified") {
        const std::size_t count = model.checks.size();
        return "<p><span class=\"verdict good\">certified</span> " +
               (count == 0 ? std::string("no limit was set")
                           : counted(count, "check") + (count == 1 ? " holds" : " hold")) +
               "</p>\n";
    }
    if (verdict == "error") {
        return "<p><span class=\"verdict bad\">not certified</span> " + markup_text(model.error) +
               "</p>\n";
    }
    const auto findings = std::count_if(model.checks.begin(),
                                        model.checks.end(),
                                        [](const Check& check) { return check.is_finding(); });
    return fmt::format("<p><span class=\"verdict bad\">limit exceeded</span> {} of {}</p>\n",
                       findings,
                       counted(model.checks.size(), "check"));
}

std::string statement(const NetworkBounds& bounds) {
    return fmt::format(
        "<div class=\"statement\">\n<p>{}:</p>\n"
        "<p>max-token RMS of f(X) &minus; f(Y) &le; <span class=\"bound\">{}</span> "
        "&times; max-token RMS of X &minus; Y</p>\n"
        "<p class=\"faint\">log10 {}; proved for the stored weights in exact "
        "arithmetic, lipcert&rsquo;s own rounding included.</p>\n</div>\n",
        markup_text(domain_phrase(bounds.domain)),
        readable(bounds.max_token_rms.upper, 4),
        log10_text(bounds.max_token_rms.upper));
}

std::string check_section(const ModelResult& model) {
    if (model.checks.empty()) {
        return "";
    }
    HtmlTable table("Findings first.",
                    {{"check", false},
                     {"place", false},
                     {"proved at most", true},
                     {"limit", true},
                     {"verdict", false}});
    for (const bool findings : {true, false}) {
        for (const Check& check : model.checks) {
            if (check.is_finding() == findings) {
                table.add({check.rule,
                           check.place,
                           readable(check.actual, 6),
                           check.limit,
                           name_of(check.state)},
                          findings ? "bad" : "");
            }
        }
    }
    std::string notices;
    for (const std::string& notice : model.notices) {
        notices += "<p class=\"bad\">" + markup_text(notice) + "</p>\n";
    }
    return "<h2>Limits</h2>\n" + table.text(12) + notices;
}

std::string bound_table(const NetworkBounds& bounds) {
    HtmlTable table(
        "Every bound is rounded up.",
        {{"bound", false}, {"upper", true}, {"log10", true}, {"rule", false}, {"of what", false}});
    for (const NamedBound& bound : named_bounds(bounds)) {
        table.add({bound.name,
                   readable(bound.upper, 4),
                   log10_text(bound.upper),
                   bound.rule,
                   bound.meaning});
    }
    return table.text();
}

/// What holds for all pairs, and below it what holds for those that meet conditions.
std::string bound_section(const Certificate& certificate) {
    std::string text = "<h2>Bounds</h2>\n" + bound_table(certificate.bounds);
    if (certificate.conditional) {
        text += "<p>For the pairs of which both X and Y meet these conditions:</p>\n<ul>\n";
        for (const std::string& condition :
             condition_phrases(certificate.conditional->conditions)) {
            text += "<li>" + markup_text(condition) + "</li>\n";
        }
        text += "</ul>\n" + bound_table(certificate.conditional->bounds);
    }
    return text;
}

std::string block_section(const NetworkBounds& bounds) {
    HtmlTable table("Radii are L2 norms of one token of the residual stream.",
                    {{"layer", false},
                     {"part", false},
                     {"radius in", true},
                     {"radius out", true},
                     {"Lipschitz", true},
                     {"rule", false},
                     {"share of log10", true}});
    for (const NamedBlock& row : named_blocks(bounds)) {
        table.add({row.place,
                   row.block->kind,
                   readable(row.block->radius_in, 4),
                   readable(row.block->radius_out, 4),
                   readable(row.block->lipschitz, 4),
                   row.block->rule,
                   fmt::format("{:.0f} %", 100.0 * row.share)});
    }
    return "<h2>Where it comes from</h2>\n" + share_chart(bounds) + cumulative_chart(bounds) +
           radius_chart(bounds) + table.text(24);
}

std::string matrix_section(const std::vector<MatrixBound>& matrices) {
    HtmlTable table("Each norm lies between the two numbers.",
                    {{"matrix", false},
                     {"role", false},
                     {"shape", true},
                     {"dtype", false},
                     {"at least", true},
                     {"at most", true},
                     {"stable rank", true}});
    for (const MatrixBound& matrix : matrices) {
        table.add({matrix.name,
                   matrix.role,
                   shape_text(matrix),
                   matrix.type,
                   readable(matrix.norm.spectral.lower(), 9),
                   readable(matrix.norm.spectral.upper(), 9),
                   stable_rank_text(matrix.norm)});
    }
    return "<h2>Spectral norms</h2>\n" + table.text(8);
}

std::string certificate_hash(const Certificate& certificate) {
    const std::string json = certificate_json(certificate);
    Sha256 hash;
    hash.add(std::as_bytes(std::span(json)));
    return hash.digest();
}

std::string parameter_section(const Certificate& certificate) {
    HtmlTable table("As resolved, and from where.",
                    {{"hyper-parameter", false}, {"value", false}, {"source", false}});
    for (const auto& parameter : certificate.architecture.parameters) {
        table.add({parameter.name, parameter.value, parameter.source});
    }
    return "<h2>Model</h2>\n" + table.text(0) +
           fmt::format(
               "<p class=\"faint\">SHA-256 of the model <code>{}</code></p>\n"
               "<p class=\"faint\">SHA-256 of its certificate (JSON) <code>{}</code></p>\n",
               certificate.model.sha256,
               certificate_hash(certificate));
}

std::string model_section(const ModelResult& model) {
    std::string text =
        "<section class=\"model\">\n<h1>" + markup_text(file_name_of(model.path)) + "</h1>\n";
    if (!model.certificate) {
        return text + verdict_badge(model) + "</section>\n";
    }
    const Certificate& certificate = *model.certificate;
    text += "<p class=\"faint\">" + markup_text(model_phrase(certificate)) + "</p>\n";
    text += verdict_badge(model) + statement(certificate.bounds) + check_section(model) +
            bound_section(certificate) + block_section(certificate.bounds) +
            matrix_section(certificate.matrices) + parameter_section(certificate);
    return text + "</section>\n";
}

std::string overview(const RunResult& run) {
    HtmlTable table(
        "", {{"model", false}, {"verdict", false}, {"max-token RMS", true}, {"log10", true}});
    for (const ModelResult& model : run.models) {
        const Upper bound =
            model.certificate ? model.certificate->bounds.max_token_rms.upper : Upper::infinity();
        table.add({model.path,
                   verdict_of(model),
                   model.certificate ? readable(bound, 4) : "-",
                   log10_text(bound)},
                  verdict_of(model) == "certified" ? "" : "bad");
    }
    return "<h1>" + counted(run.models.size(), "model") + "</h1>\n" + table.text();
}

}  // namespace

std::string html_report(const RunResult& run) {
    std::string body = run.models.size() > 1 ? overview(run) : "";
    for (const ModelResult& model : run.models) {
        body += model_section(model);
    }
    body += fmt::format("<p class=\"faint\">lipcert {}</p>\n", kVersion);
    const std::string title =
        run.models.size() == 1 ? file_name_of(run.models.front().path) : "models";
    return html_page("lipcert: " + title, body);
}

}  // namespace lipcert
