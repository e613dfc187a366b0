#include "lipcert/comparison/restriction.hpp"
#include "lipcert/report/run_report.hpp"

#include <cmath>

#include "report/escape.hpp"
#include "report/phrases.hpp"
#include <fmt/format.h>

namespace lipcert {

namespace {

/// One line of the table; fields that a record does not have stay empty.
struct Record {
    std::string kind, layer, name, lower, upper, log10_upper, rule, rows, cols, type, limit, state,
        restriction;
};

/// Numbers are lipcert's own and go as they are: a sign is no formula there.
std::string line(const std::string& model, const Record& record) {
    return fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{},{}\r\n",
                       csv_field(model),
                       record.kind,
                       record.layer,
                       csv_field(record.name),
                       record.lower,
                       record.upper,
                       record.log10_upper,
                       csv_field(record.rule),
                       record.rows,
                       record.cols,
                       record.type,
                       csv_field(record.limit),
                       record.state,
                       csv_field(record.restriction));
}

/// Empty for the logarithms of zero and infinity.
std::string number(double value) {
    return std::isfinite(value) ? fmt::format("{}", value) : "";
}

Record of_upper(const std::string& kind, const std::string& name, const Upper& upper) {
    Record record;
    record.kind = kind;
    record.name = name;
    record.upper = upper.to_decimal(6);
    record.log10_upper = number(upper.log10());
    return record;
}

std::string layer_text(const std::optional<std::size_t>& layer) {
    return layer ? std::to_string(*layer) : "";
}

/// Bounds and blocks. `kind`: put before the name of the record.
std::string bound_lines(const std::string& model,
                        const std::string& kind,
                        const NetworkBounds& bounds,
                        const std::string& restriction) {
    std::string text;
    for (const NamedBound& bound : named_bounds(bounds)) {
        Record record = of_upper(kind + "bound", bound.name, bound.upper);
        record.rule = bound.rule;
        record.restriction = restriction;
        text += line(model, record);
    }
    for (const NamedBlock& row : named_blocks(bounds)) {
        Record record = of_upper(kind + "block", row.block->kind, row.block->lipschitz);
        record.layer = row.place;
        record.rule = row.block->rule;
        record.restriction = restriction;
        text += line(model, record);
    }
    return text;
}

/// "on pairs that meet: ...", the conditions one after the other.
std::string conditions_text(const Conditions& conditions) {
    std::string text;
    for (const std::string& condition : condition_phrases(conditions)) {
        text += (text.empty() ? "on pairs that meet: " : "; ") + condition;
    }
    return text;
}

std::string certificate_lines(const ModelResult& model) {
    const Certificate& certificate = *model.certificate;
    const Domain& domain = certificate.bounds.domain;
    std::string text = bound_lines(model.path, "", certificate.bounds, restriction_text(domain));
    if (certificate.conditional) {
        text += bound_lines(model.path,
                            "conditional-",
                            certificate.conditional->bounds,
                            conditions_text(certificate.conditional->conditions));
    }
    for (const MatrixBound& matrix : certificate.matrices) {
        Record record = of_upper("matrix", matrix.name, matrix.norm.spectral.upper());
        record.layer = layer_text(matrix.layer);
        record.lower = fmt::format("{}", matrix.norm.spectral.lower().to_double());
        record.upper = fmt::format("{}", matrix.norm.spectral.upper().to_double());
        record.rows = std::to_string(matrix.rows);
        record.cols = std::to_string(matrix.cols);
        record.type = matrix.type;
        text += line(model.path, record);
    }
    for (const Check& check : model.checks) {
        Record record = of_upper("check", check.place, check.actual);
        record.layer = layer_text(check.layer);
        record.rule = check.rule;
        record.limit = check.limit;
        record.state = name_of(check.state);
        if (check.rule != "max-spectral-norm") {
            record.restriction = restriction_text(domain);
        }
        text += line(model.path, record);
    }
    return text;
}

}  // namespace

std::string csv_report(const RunResult& run) {
    std::string text =
        "model,record,layer,name,lower,upper,log10_upper,rule,rows,cols,dtype,limit,state,"
        "restriction\r\n";
    for (const ModelResult& model : run.models) {
        if (model.certificate) {
            text += certificate_lines(model);
        } else {
            Record record;
            record.kind = "error";
            record.name = model.error;
            record.state = "error";
            text += line(model.path, record);
        }
    }
    return text;
}

}  // namespace lipcert
