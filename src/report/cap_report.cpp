#include "lipcert/report/cap_report.hpp"

#include "lipcert/printable.hpp"
#include "lipcert/report/text.hpp"
#include "lipcert/version.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>
#include <vector>

#include "report/column_table.hpp"
#include <fmt/format.h>

namespace lipcert {

namespace {

std::string file_name(const std::string& path) {
    return printable(std::filesystem::path(path).filename().string());
}

std::size_t changed_count(const CapOutcome& outcome) {
    return static_cast<std::size_t>(std::count_if(
        outcome.rows.begin(), outcome.rows.end(), [](const CapRow& row) { return row.changed; }));
}

/// In the norm in which the user states limits.
std::string limit_text(const CapItem& item) {
    return item.is_unlimited()
               ? "-"
               : fmt::format("{:.4g}{}", item.limit / item.unit, item.by_rows ? " /row" : "");
}

/// What the limit is on, in the same norm: sigma_1, or the largest row.
std::string norm_text(const CapRow& row, const Upper& spectral, const std::optional<Upper>& rows) {
    return readable((rows ? *rows : spectral) / Lower::exact(row.item.unit), 6);
}

std::string rank_text(const SpectralNorm& norm) {
    const Enclosure rank = stable_rank(norm);
    return rank.upper().is_finite() ? readable(rank.upper(), 3) : "-";
}

std::vector<std::string> cells_of(const CapRow& row) {
    const CapResult& result = row.result;
    const std::string verdict = result.within_limit ? "" : " > c";
    const std::string before =
        norm_text(row, result.before.spectral.upper(), result.largest_row_before);
    if (!row.changed) {
        return {limit_text(row.item),
                before,
                "unchanged" + verdict,
                "0",
                "",
                "0",
                rank_text(result.before)};
    }
    return {limit_text(row.item),
            before,
            norm_text(row, result.after.spectral.upper(), result.largest_row_after) + verdict,
            readable(result.relative_frobenius_change.upper(), 3) + " / " +
                readable(result.relative_spectral_change, 3),
            result.change_over_least ? readable(*result.change_over_least, 6) : "-",
            std::to_string(result.moved),
            rank_text(result.before) + " -> " + rank_text(result.after)};
}

std::string matrix_part(const CapOutcome& outcome, const TerminalStyle& style) {
    ColumnTable table(outcome.norm == LimitNorm::rms ? "matrix (norms in RMS)" : "matrix",
                      {{"limit", 10, true, 3},
                       {"norm", 10, true, 4},
                       {"-> after", 12, true, 4},
                       {"change F / 2", 15, true, 3},
                       {"of least", 9, true, 2},
                       {"moved", 6, true, 1},
                       {"stable rank", 14, true, 0}});
    for (const CapRow& row : outcome.rows) {
        table.add(name_of(row.item), cells_of(row));
    }
    return table.text(style.width);
}

std::string title(const CapOutcome& outcome) {
    return fmt::format("lipcert {}   cap {}   {}, {} of {} changed\n",
                       kVersion,
                       file_name(outcome.model.path),
                       name_of(outcome.settings.method),
                       changed_count(outcome),
                       counted(outcome.rows.size(), "matrix"));
}

std::string bound_part(const CapOutcome& outcome) {
    if (!outcome.before || !outcome.after) {
        return "";
    }
    std::string text = fmt::format("bound             {:>12} {:>12}\n", "before", "after");
    for (const std::string& name : bound_names()) {
        const Bound* before = find_bound(*outcome.before, name);
        const Bound* after = find_bound(*outcome.after, name);
        if (before != nullptr && after != nullptr) {
            text += fmt::format("{:<17} {:>12} {:>12}\n",
                                name,
                                readable(before->upper, 4),
                                readable(after->upper, 4));
        }
    }
    return text + "\n";
}

std::string target_line(const CapOutcome& outcome) {
    if (!outcome.target || !outcome.after) {
        return "";
    }
    const Bound* bound = find_bound(*outcome.after, outcome.target->bound);
    if (outcome.log10_floor) {
        return fmt::format(
            "target {} on {}: cannot be met; with all weights in scope near zero the bound is "
            "about 10^{:.2f}\n",
            outcome.target->text,
            outcome.target->bound,
            *outcome.log10_floor);
    }
    std::string text = fmt::format("target {} on {}: {} (certified {})\n",
                                   outcome.target->text,
                                   outcome.target->bound,
                                   outcome.meets_target ? "met" : "NOT met",
                                   bound == nullptr ? "-" : readable(bound->upper, 6));
    if (!outcome.obstacle.empty()) {
        text += "  less would be needed: " + printable(outcome.obstacle) + "\n";
    }
    return text;
}

std::string written_line(const CapOutcome& outcome) {
    if (outcome.written) {
        const EditResult& written = *outcome.written;
        std::string text =
            fmt::format("wrote {}\n  sha256 of the model {}\n  sha256 now       {}\n",
                        printable(written.path.string()),
                        written.old_sha256,
                        written.new_sha256);
        if (written.backup) {
            text += "  the old file is kept as " + printable(written.backup->string()) + "\n";
        }
        return text;
    }
    if (!outcome.holds) {
        return "nothing was written\n";
    }
    return outcome.dry_run ? "dry run: nothing was written\n"
                           : "nothing had to change: the file is as it was\n";
}

}  // namespace

std::string render_cap_verdict(const CapOutcome& outcome) {
    const auto above = std::count_if(outcome.rows.begin(), outcome.rows.end(), [](const CapRow& r) {
        return !r.result.within_limit;
    });
    if (above > 0) {
        return fmt::format("{} of {} above the limit after one step: add --until-limit\n",
                           above,
                           counted(outcome.rows.size(), "matrix"));
    }
    if (!outcome.holds) {
        return "the target is not met\n";
    }
    return fmt::format("certified {} within their limits{}\n",
                       counted(outcome.rows.size(), "matrix"),
                       outcome.written ? ", on the stored bytes" : "");
}

std::string render_cap(const CapOutcome& outcome, const TerminalStyle& style) {
    return title(outcome) + "\n" + matrix_part(outcome, style) + "\n" + bound_part(outcome) +
           target_line(outcome) + written_line(outcome) + render_cap_verdict(outcome);
}

}  // namespace lipcert
