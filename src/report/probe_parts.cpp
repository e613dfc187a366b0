#include "report/probe_parts.hpp"

#include "lipcert/architecture/stability.hpp"
#include "lipcert/printable.hpp"
#include "lipcert/report/text.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "report/phrases.hpp"
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace lipcert {

namespace {

CertifiedBlock certified(const BlockExtent& extent, std::size_t width) {
    CertifiedBlock row;
    row.largest_score = extent.largest_score;
    if (!extent.ends_folded) {
        row.largest_entry = extent.bound->radius_out;
        row.largest_rms = extent.bound->radius_out / sqrt(Lower::of_count(width));  // [R35]
    }
    return row;
}

}  // namespace

std::vector<CertifiedBlock> certified_blocks(const std::vector<BlockExtent>& extents,
                                             const Measurement& measurement) {
    std::vector<CertifiedBlock> rows;
    for (std::size_t i = 0; i < extents.size(); ++i) {
        rows.push_back(certified(extents[i], measurement.blocks.at(i).extent.width));
    }
    return rows;
}

double largest_activation(const Measurement& measurement) {
    double largest = measurement.largest_embedding_entry;
    for (const BlockMeasurement& block : measurement.blocks) {
        if (!block.name.starts_with("head ")) {
            largest = std::max(largest, block.extent.largest_entry);
        }
    }
    return largest;
}

double median(std::vector<double> values) {
    if (values.empty()) {
        return std::numeric_limits<double>::quiet_NaN();
    }
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

std::vector<LowPrecision> low_precision(const Measurement& measurement,
                                        const NetworkBounds& bounds) {
    // The largest finite numbers: IEEE 754 binary16, bfloat16, and OCP 8-bit floating point 1.0.
    std::vector<LowPrecision> formats = {{"float16", 65504.0, false, false},
                                         {"bfloat16", 0x1.FEp127, false, false},
                                         {"fp8 E4M3", 448.0, false, false},
                                         {"fp8 E5M2", 57344.0, false, false}};
    for (LowPrecision& format : formats) {
        format.by_measurement = largest_activation(measurement) <= format.largest;
        format.by_certificate = proves_at_most(bounds.max_activation, Lower::exact(format.largest));
    }
    return formats;
}

PaperRow paper_row(const ProbeResult& result) {
    const Measurement& measured = *result.measurement;
    const NetworkBounds& bounds = result.certificate.bounds;
    const std::vector<std::string> measures = stability_measures(result.certificate.architecture);
    const double margin = median(measured.evaluation.margins);
    const Upper& difference = bounds.logit_difference.upper;
    // Margins are measured, so the quotient is a measurement; it is small for a loose bound.
    const double share = margin / difference.to_double();
    PaperRow row;
    row.titles = {"model",
                  "max activation (measured)",
                  "max activation (certified)",
                  "stability measures",
                  "accuracy",
                  "loss",
                  "median margin / logit-difference bound",
                  "Lipschitz bound (RMS)"};
    row.cells = {printable(file_name_of(result.certificate.model.path)),
                 fmt::format("{:.4g}", largest_activation(measured)),
                 readable(bounds.max_activation, 4),
                 measures.empty() ? "none" : fmt::format("{}", fmt::join(measures, ", ")),
                 fmt::format("{:.2f} %", 100.0 * measured.evaluation.accuracy),
                 fmt::format("{:.4f}", measured.evaluation.loss),
                 std::isfinite(share) ? fmt::format("{:.3g}", share) : "-",
                 readable(bounds.max_token_rms.upper, 4)};
    return row;
}

}  // namespace lipcert
