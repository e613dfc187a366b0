#include "lipcert/report/run_report.hpp"
#include "lipcert/report/text.hpp"
#include "lipcert/version.hpp"

#include <algorithm>
#include <limits>

#include "report/escape.hpp"
#include "report/phrases.hpp"
#include <fmt/format.h>

namespace lipcert {

namespace {

/// A Markdown table that counts what it leaves out. Cells must be escaped already.
class Table {
public:
    Table(const std::string& header, const std::string& alignment, std::size_t most_rows)
        : text_(header + "\n" + alignment + "\n"), most_rows_(most_rows) {}

    void add(const std::string& row) {
        if (count_++ < most_rows_) {
            text_ += row + "\n";
        }
    }

    [[nodiscard]] std::string text() const {
        return count_ <= most_rows_
                   ? text_ + "\n"
                   : text_ + fmt::format("\n{} not shown here.\n\n",
                                         counted(count_ - most_rows_, "further line"));
    }

private:
    std::string text_;
    std::size_t most_rows_;
    std::size_t count_ = 0;
};

std::string check_table(const std::vector<Check>& checks, std::size_t most_rows) {
    if (checks.empty()) {
        return "";
    }
    Table table("| check | place | proved | limit | |", "|---|---|---:|---:|---|", most_rows);
    std::vector<const Check*> order;
    order.reserve(checks.size());
    for (const Check& check : checks) {
        order.push_back(&check);
    }
    // Findings first: a table that is cut must not hide them.
    std::stable_partition(
        order.begin(), order.end(), [](const Check* check) { return check->is_finding(); });
    for (const Check* check : order) {
        table.add(fmt::format(
            "| {} | {} | {} | {} | {} |",
            check->rule,
            markdown_text(check->place),
            readable(check->actual, 6),
            markdown_text(check->limit),
            check->is_finding() ? "**" + name_of(check->state) + "**" : name_of(check->state)));
    }
    return table.text();
}

std::string bound_table(const NetworkBounds& bounds) {
    Table table("| bound | upper | log10 | of what |",
                "|---|---:|---:|---|",
                std::numeric_limits<std::size_t>::max());
    for (const NamedBound& bound : named_bounds(bounds)) {
        table.add(fmt::format("| {} | {} | {} | {} |",
                              markdown_text(bound.name),
                              readable(bound.upper, 4),
                              log10_text(bound.upper),
                              markdown_text(bound.meaning)));
    }
    return table.text();
}

std::string block_table(const NetworkBounds& bounds, std::size_t most_rows) {
    Table table("| layer | part | radius in | radius out | Lipschitz | rule | share of log10 |",
                "|---|---|---:|---:|---:|---|---:|",
                most_rows);
    for (const NamedBlock& row : named_blocks(bounds)) {
        table.add(fmt::format("| {} | {} | {} | {} | {} | {} | {:.0f} % |",
                              row.place,
                              markdown_text(row.block->kind),
                              readable(row.block->radius_in, 4),
                              readable(row.block->radius_out, 4),
                              readable(row.block->lipschitz, 4),
                              row.block->rule,
                              100.0 * row.share));
    }
    return table.text();
}

std::string matrix_table(const std::vector<MatrixBound>& matrices, std::size_t most_rows) {
    Table table("| matrix | shape | dtype | norm at least | norm at most | stable rank |",
                "|---|---:|---|---:|---:|---:|",
                most_rows);
    for (const MatrixBound& matrix : matrices) {
        table.add(fmt::format("| {} | {} | {} | {} | {} | {} |",
                              markdown_text(matrix.name),
                              shape_text(matrix),
                              matrix.type,
                              readable(matrix.norm.spectral.lower(), 9),
                              readable(matrix.norm.spectral.upper(), 9),
                              stable_rank_text(matrix.norm)));
    }
    return table.text();
}

std::string folded(const std::string& title, const std::string& content) {
    return "<details><summary>" + title + "</summary>\n\n" + content + "</details>\n\n";
}

/// What holds for pairs that meet conditions, below what holds for all.
std::string conditional_section(const Certificate& certificate) {
    if (!certificate.conditional) {
        return "";
    }
    std::string text = "For the pairs of which both X and Y meet these conditions:\n\n";
    for (const std::string& condition : condition_phrases(certificate.conditional->conditions)) {
        text += "- " + markdown_text(condition) + "\n";
    }
    return text + "\n" + bound_table(certificate.conditional->bounds);
}

std::string section(const ModelResult& model, std::size_t most_rows) {
    const std::string title = "## " + markdown_text(file_name_of(model.path)) + ": ";
    if (!model.certificate) {
        return title + "not certified\n\n" + markdown_text(model.error) + "\n\n";
    }
    const Certificate& certificate = *model.certificate;
    const NetworkBounds& bounds = certificate.bounds;
    std::string text = title + (model.has_findings() ? "limit exceeded" : "certified") + "\n\n" +
                       fmt::format(
                           "{}:  \n**max-token RMS of f(X) - f(Y) <= {} x max-token RMS of X - Y** "
                           "(log10 {})\n\n",
                           domain_phrase(bounds.domain),
                           readable(bounds.max_token_rms.upper, 4),
                           log10_text(bounds.max_token_rms.upper));
    text += check_table(model.checks, most_rows);
    text += bound_table(bounds) + conditional_section(certificate);
    text += folded(fmt::format("Where it comes from: {}",
                               counted(certificate.architecture.layers.size(), "layer")),
                   block_table(bounds, most_rows));
    text += folded(fmt::format("Norms of {}", counted(certificate.matrices.size(), "matrix")),
                   matrix_table(certificate.matrices, most_rows));
    return text + fmt::format("{}; SHA-256 `{}`; lipcert {}\n\n",
                              markdown_text(model_phrase(certificate)),
                              certificate.model.sha256,
                              kVersion);
}

std::string overview(const RunResult& run, std::size_t most_rows) {
    if (run.models.size() < 2) {
        return "";
    }
    Table table("| model | verdict | max-token RMS | log10 |", "|---|---|---:|---:|", most_rows);
    for (const ModelResult& model : run.models) {
        const bool certified = model.certificate.has_value();
        const Upper bound =
            certified ? model.certificate->bounds.max_token_rms.upper : Upper::infinity();
        table.add(fmt::format("| {} | {} | {} | {} |",
                              markdown_text(model.path),
                              verdict_of(model),
                              certified ? readable(bound, 4) : "-",
                              log10_text(bound)));
    }
    return table.text();
}

}  // namespace

std::string markdown_report(const RunResult& run, std::size_t most_rows) {
    std::string text = "# lipcert certificate\n\n" + overview(run, most_rows);
    for (const ModelResult& model : run.models) {
        text += section(model, most_rows);
    }
    return text;
}

}  // namespace lipcert
