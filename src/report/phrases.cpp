#include "report/phrases.hpp"

#include "lipcert/comparison/restriction.hpp"
#include "lipcert/report/text.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include <fmt/format.h>

namespace lipcert {

namespace {

void append(std::vector<NamedBlock>& rows,
            const std::string& place,
            std::optional<std::size_t> layer,
            const std::vector<BlockBound>& blocks) {
    for (const BlockBound& block : blocks) {
        const double logarithm = block.lipschitz.log10();
        rows.push_back(
            {place, layer, &block, nullptr, std::isfinite(logarithm) ? logarithm : 0.0, 0.0});
    }
}

}  // namespace

std::vector<NamedBound> named_bounds(const NetworkBounds& bounds) {
    const auto line = [](const char* name, const Bound& bound, const std::string& meaning) {
        return NamedBound{name, bound.upper, bound.rule, meaning};
    };
    const std::string from = bounds.domain.vectors ? "input vectors" : "embeddings";
    std::vector<NamedBound> named = {
        line("max_token_rms", bounds.max_token_rms, from + " -> logits, RMS norms"),
        line("max_token_l2", bounds.max_token_l2, from + " -> logits, L2 norms"),
        line("blocks_l2", bounds.blocks_l2, from + " -> end of the last layer, L2"),
        line("logit", bounds.logit, from + " (L2) -> one logit"),
        line("logit_difference",
             bounds.logit_difference,
             from + " (L2) -> difference of two logits")};
    if (bounds.frobenius) {
        named.push_back(
            line("frobenius",
                 *bounds.frobenius,
                 fmt::format("{} -> logits, Frobenius, {} tokens", from, bounds.sequence_length)));
    }
    named.push_back(
        {"max_activation", bounds.max_activation, "", "largest entry of the residual stream"});
    if (bounds.reference_formula) {
        named.push_back(
            {"paper's formula", *bounds.reference_formula, "", "arXiv 2507.13338: not a bound"});
    }
    if (bounds.reference_repaired) {
        named.push_back(line("its repair", *bounds.reference_repaired, "sound, R1'"));
    }
    return named;
}

std::vector<NamedBlock> named_blocks(const NetworkBounds& bounds) {
    std::vector<NamedBlock> rows;
    append(rows, "stem", {}, bounds.stem);
    for (const LayerBound& layer : bounds.layers) {
        append(rows, std::to_string(layer.index), layer.index, layer.blocks);
        if (!layer.blocks.empty()) {
            rows.back().ends = &layer;
        }
    }
    append(rows, "head", {}, bounds.head);
    double total = 0.0;
    for (const NamedBlock& row : rows) {
        total += std::max(row.log10, 0.0);
    }
    for (NamedBlock& row : rows) {
        row.share = total > 0.0 ? row.log10 / total : 0.0;
    }
    return rows;
}

std::string domain_phrase(const Domain& domain) {
    const std::string streams =
        std::string(domain.vectors
                        ? "For all streams X, Y of input vectors (in place of tokens), of "
                        : "For all embedding streams X, Y of ") +
        (domain.longest_stream > 0 ? "at most " + counted(domain.longest_stream, "token")
                                   : std::string("any length"));
    if (domain.embeddings) {
        return streams +
               ", every token a mixture (a convex "
               "combination) of token embeddings, plus one of positions if the model has them";
    }
    return domain.everything ? streams
                             : streams + ", every token in the ball of L2 radius " +
                                   readable_decimal(domain.radius_decimal);
}

std::vector<std::string> condition_phrases(const Conditions& conditions) {
    std::vector<std::string> phrases;
    for (const auto& [name, minimum] : conditions.minimum_rms) {
        phrases.push_back(
            fmt::format("{}: every token that enters has RMS >= {}", name, minimum.stated));
    }
    for (const auto& [name, maximum] : conditions.maximum_norm) {
        phrases.push_back(
            fmt::format("{}: every token that enters has L2 norm <= {}", name, maximum.stated));
    }
    return phrases;
}

std::string restriction_of(const Check& check, const Domain& domain) {
    // A matrix has its norm whatever is fed to it.
    const std::string text =
        check.rule == "max-spectral-norm" ? std::string() : restriction_text(domain);
    return text.empty() ? text : " " + text;
}

std::string finding_phrase(const Check& check, const Domain& domain) {
    return fmt::format("{} of {}{} is proved to be at most {}, the limit is {}",
                       check.rule,
                       check.place,
                       restriction_of(check, domain),
                       readable(check.actual, 6),
                       check.limit);
}

std::string log10_text(const Upper& bound) {
    const double logarithm = bound.log10();
    if (!std::isfinite(logarithm)) {
        return "-";
    }
    // Three decimals, rounded up like the bound itself: nearest, and a step up where that is below.
    double decimals = std::round(logarithm * 1000.0);
    if (decimals / 1000.0 < logarithm) {
        decimals += 1.0;
    }
    return fmt::format("{:.3f}", decimals / 1000.0);
}

std::string model_phrase(const Certificate& certificate) {
    return fmt::format("{}: {}, width {}, {} parameters, {}",
                       certificate.architecture.family,
                       counted(certificate.architecture.layers.size(), "layer"),
                       certificate.bounds.domain.dimension,
                       readable_count(certificate.model.parameters),
                       certificate.model.types);
}

std::string file_name_of(const std::string& path) {
    return std::filesystem::path(path).filename().string();
}

std::string shape_text(const MatrixBound& matrix) {
    return fmt::format("{} x {}", matrix.rows, matrix.cols);
}

std::string stable_rank_text(const SpectralNorm& norm) {
    const Enclosure rank = stable_rank(norm);
    return rank.upper().is_finite() ? readable(rank.upper(), 3) : "-";
}

}  // namespace lipcert
