#include "lipcert/report/terminal_report.hpp"

#include "lipcert/printable.hpp"
#include "lipcert/report/text.hpp"
#include "lipcert/version.hpp"

#include <algorithm>

#include "report/layer_table.hpp"
#include "report/matrix_table.hpp"
#include "report/phrases.hpp"
#include <fmt/format.h>

namespace lipcert {

namespace {

constexpr std::size_t kFewestColumns = 60;

/// Running text, which is no table, in the columns that there are.
std::string fitted(const std::string& text, const TerminalStyle& style) {
    return wrapped(text, std::max(style.width, kFewestColumns));
}

enum class Color { plain, bold, green, red, dim };

std::string paint(const std::string& text, Color color, const TerminalStyle& style) {
    if (!style.color || color == Color::plain) {
        return text;
    }
    const char* code = color == Color::bold    ? "1"
                       : color == Color::green ? "1;32"
                       : color == Color::red   ? "1;31"
                                               : "2";
    return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

std::string title(const Certificate& certificate) {
    return fmt::format("lipcert {}   {}   {}\n",
                       kVersion,
                       printable(file_name_of(certificate.model.path)),
                       printable(model_phrase(certificate)));
}

std::string statement(const Certificate& certificate, const TerminalStyle& style) {
    const NetworkBounds& bounds = certificate.bounds;
    std::string text = domain_phrase(bounds.domain) + ":\n    max-token RMS of f(X) - f(Y)  <=  " +
                       paint(readable(bounds.max_token_rms.upper, 4), Color::bold, style) +
                       "  x  max-token RMS of X - Y";
    text += fmt::format("      (log10 {})\n", log10_text(bounds.max_token_rms.upper));
    if (bounds.domain.everything) {
        text += fmt::format("    {} in the ball of L2 radius {}; radii below are for it\n",
                            certificate.architecture.embedding.vectors
                                ? "vectors with entries of the size that is stated lie"
                                : "every token embedding of the file lies",
                            readable_decimal(bounds.domain.radius_decimal));
    }
    return text;
}

std::string bound_table(const NetworkBounds& bounds) {
    std::string text = "bound                    upper       log10   of what\n";
    for (const NamedBound& bound : named_bounds(bounds)) {
        text += left(bound.name, 18) + right(readable(bound.upper, 4), 12) +
                right(log10_text(bound.upper), 12) + "   " + bound.meaning + "\n";
    }
    return text;
}

/// What holds for pairs that meet conditions, below what holds for all.
std::string conditional_part(const ConditionalBounds& conditional, const TerminalStyle& style) {
    std::string text = "For the pairs of which both X and Y meet these conditions:\n";
    for (const std::string& condition : condition_phrases(conditional.conditions)) {
        text += "    " + printable(condition) + "\n";
    }
    text += "  (from: " + printable(conditional.conditions.data) +
            "; to be checked for both inputs: a run that meets them says nothing about its "
            "neighbours)\n\n";
    return fitted(text + bound_table(conditional.bounds), style) + "\n" +
           layer_table(conditional.bounds, style) + "\n";
}

std::string limit_lines(const Certificate& certificate, const TerminalStyle& style) {
    std::string text;
    for (const Limit& limit : certificate.limits) {
        text += left("limit " + limit.kind, 26) + limit.text + "   " +
                (limit.holds ? paint("holds", Color::green, style)
                             : paint("EXCEEDED", Color::red, style)) +
                fmt::format("   {} <= {}\n", printable(limit.quantity), readable(limit.actual, 5));
    }
    return text.empty() ? text : text + "\n";
}

std::string parameter_lines(const Architecture& architecture) {
    std::string text = "hyper-parameters\n";
    for (const auto& parameter : architecture.parameters) {
        text += "  " + left(printable(parameter.name), 24) + left(printable(parameter.value), 24) +
                printable(parameter.source) + "\n";
    }
    return text + "\n";
}

}  // namespace

std::string render_verdict(const Certificate& certificate) {
    const auto exceeded = std::count_if(certificate.limits.begin(),
                                        certificate.limits.end(),
                                        [](const Limit& limit) { return !limit.holds; });
    std::string text = fmt::format("certified {} in {}: max-token RMS bound {}",
                                   counted(certificate.matrices.size(), "matrix"),
                                   counted(certificate.architecture.layers.size(), "layer"),
                                   readable(certificate.bounds.max_token_rms.upper, 4));
    if (!certificate.limits.empty()) {
        text += exceeded == 0
                    ? "; " + counted(certificate.limits.size(), "limit") +
                          (certificate.limits.size() == 1 ? " holds" : " hold")
                    : fmt::format("; {} of {} exceeded", exceeded, certificate.limits.size());
    }
    return text + "\n";
}

std::string render_certificate(const Certificate& certificate, const TerminalStyle& style) {
    std::string text = fitted(title(certificate) + "\n" + statement(certificate, style), style) +
                       "\n" + fitted(bound_table(certificate.bounds), style) + "\n" +
                       layer_table(certificate.bounds, style) + "\n";
    if (certificate.conditional) {
        text += conditional_part(*certificate.conditional, style);
    }
    text += matrix_table(certificate.matrices, style) + "\n";
    if (style.verbose) {
        text += parameter_lines(certificate.architecture);
    }
    return text + fitted(limit_lines(certificate, style) + render_verdict(certificate), style);
}

std::string render_norms(const ModelIdentity& model,
                         const std::vector<MatrixBound>& matrices,
                         const TerminalStyle& style) {
    std::string text = fmt::format("lipcert {}   {}   {} parameters, {}\n\n",
                                   kVersion,
                                   printable(file_name_of(model.path)),
                                   readable_count(model.parameters),
                                   model.types);
    text = fitted(text, style) + matrix_table(matrices, style);
    return text + "\ncertified " + counted(matrices.size(), "matrix") + "\n";
}

}  // namespace lipcert
