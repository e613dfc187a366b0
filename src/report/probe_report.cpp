#include "lipcert/report/probe_report.hpp"

#include "lipcert/printable.hpp"
#include "lipcert/report/text.hpp"
#include "lipcert/version.hpp"

#include "report/column_table.hpp"
#include "report/escape.hpp"
#include "report/phrases.hpp"
#include "report/probe_parts.hpp"
#include <fmt/format.h>

namespace lipcert {

namespace {

std::string number(double value) {
    return fmt::format("{:.4g}", value);
}

std::string number(const std::optional<double>& value) {
    return value ? number(*value) : "";
}

std::string bound(const std::optional<Upper>& value) {
    return value ? readable(*value, 4) : "";
}

/// What data showed, and what holds for all inputs in the ball.
std::string activation_table(const ProbeResult& result, const TerminalStyle& style) {
    const Measurement& measured = *result.measurement;
    const NetworkBounds& bounds = result.certificate.bounds;
    const std::vector<CertifiedBlock>& certified = result.certified;
    ColumnTable table("behind",
                      {{"max |entry|", 11, true, 6},
                       {"certified", 10, true, 6},
                       {"max RMS", 9, true, 5},
                       {"certified", 10, true, 5},
                       {"max score", 9, true, 4},
                       {"certified", 10, true, 4},
                       {"norm RMS", 9, true, 3}});
    const Upper embedding_rms =
        bounds.domain.radius / sqrt(Lower::of_count(bounds.domain.dimension));
    table.add("embeddings",
              {number(measured.largest_embedding_entry),
               readable(bounds.domain.radius, 4),
               number(measured.largest_embedding_rms),
               readable(embedding_rms, 4),
               "",
               "",
               ""});
    for (std::size_t i = 0; i < measured.blocks.size(); ++i) {
        const BlockMeasurement& block = measured.blocks[i];
        table.add(block.name,
                  {number(block.extent.largest_entry),
                   bound(certified[i].largest_entry),
                   number(block.extent.largest_rms),
                   bound(certified[i].largest_rms),
                   number(block.largest_score),
                   bound(certified[i].largest_score),
                   number(block.smallest_norm_rms)});
    }
    return table.text(style.width) +
           "measured over the tokens; certified for every token in the ball of the embeddings.\n" +
           (measured.smallest_rms.empty()
                ? ""
                : "norm RMS: the smallest of what the block's normalisations divide; no positive "
                  "bound holds without conditions.\n");
}

std::string precision_lines(const ProbeResult& result) {
    std::string text =
        "format      largest number   holds what was measured   holds all, certified\n";
    for (const LowPrecision& format :
         low_precision(*result.measurement, result.certificate.bounds)) {
        text += fmt::format("{:<10}{:>16}   {:<23}   {}\n",
                            format.name,
                            number(format.largest),
                            format.by_measurement ? "yes" : "no",
                            format.by_certificate ? "yes" : "no");
    }
    return text;
}

std::string row_lines(const PaperRow& row) {
    std::string text;
    for (std::size_t i = 0; i < row.titles.size(); ++i) {
        text += left(row.titles[i], 40) + row.cells[i] + "\n";
    }
    return text;
}

std::string attack_lines(const std::vector<AttackPoint>& points) {
    std::string text = "radius (L2)   accuracy by measured margins   accuracy under attack\n";
    for (const AttackPoint& point : points) {
        text += fmt::format("{:>11.4g}   {:>26.2f} %   {:>19.2f} %\n",
                            point.radius,
                            100.0 * point.certified,
                            100.0 * point.attacked);
    }
    return text + "every token of the embedding stream may move by the radius, within the domain\n";
}

std::string share_of(const NamedWitness& named) {
    const std::optional<Witness>& witness = named.witness;
    if (!witness || !witness->ratio || witness->ratio->is_zero() || !named.bound.is_finite()) {
        return "";
    }
    return readable(named.bound / *witness->ratio, 3);
}

void add_witness(const NamedWitness& named, ColumnTable& table) {
    const std::optional<Witness>& witness = named.witness;
    table.add(named.name,
              {readable(named.bound, 4),
               !witness         ? "-"
               : witness->ratio ? readable(*witness->ratio, 4)
                                : "(" + number(witness->estimate) + ")",
               share_of(named),
               named.rule});
}

}  // namespace

std::string witness_table(const Witnesses& witnesses, const TerminalStyle& style) {
    ColumnTable table("max-token L2",
                      {{"upper", 12, true, 6},
                       {"lower", 12, true, 6},
                       {"upper/lower", 11, true, 5},
                       {"rule", 16, false, 1}});
    for (const NamedWitness& block : witnesses.blocks) {
        add_witness(block, table);
    }
    add_witness(witnesses.network, table);
    add_witness(witnesses.logits, table);
    return table.text(style.width) +
           "lower: proved by two inputs; in brackets where it is only measured; - where the bound "
           "is not of one block alone\n";
}

std::string render_probe(const ProbeResult& result, const TerminalStyle& style) {
    std::string text = fmt::format("lipcert {}   probe of {}   {}\n\n",
                                   kVersion,
                                   printable(file_name_of(result.certificate.model.path)),
                                   printable(model_phrase(result.certificate)));
    if (result.measurement) {
        const Evaluation& evaluation = result.measurement->evaluation;
        text +=
            fmt::format("{}: {} next tokens, accuracy {:.2f} %, loss {:.4f} nats (measured)\n\n",
                        printable(result.data),
                        readable_count(evaluation.predicted),
                        100.0 * evaluation.accuracy,
                        evaluation.loss);
        text += activation_table(result, style) + "\n" + row_lines(paper_row(result)) + "\n" +
                precision_lines(result) + "\n";
    }
    if (result.witnesses) {
        text += witness_table(*result.witnesses, style) + "\n";
    }
    if (!result.attack.empty()) {
        text += attack_lines(result.attack) + "\n";
    }
    return text;
}

std::string probe_markdown(const ProbeResult& result) {
    const PaperRow row = paper_row(result);
    std::string titles = "|";
    std::string rule = "|";
    std::string cells = "|";
    for (std::size_t i = 0; i < row.titles.size(); ++i) {
        titles += " " + row.titles[i] + " |";
        rule += "---|";
        cells += " " + markdown_text(row.cells[i]) + " |";
    }
    std::string text = titles + "\n" + rule + "\n" + cells + "\n\n";
    text += "| format | largest number | holds what was measured | holds all, certified |\n";
    text += "|---|---|---|---|\n";
    for (const LowPrecision& format :
         low_precision(*result.measurement, result.certificate.bounds)) {
        text += fmt::format("| {} | {} | {} | {} |\n",
                            format.name,
                            number(format.largest),
                            format.by_measurement ? "yes" : "no",
                            format.by_certificate ? "yes" : "no");
    }
    return text;
}

}  // namespace lipcert
