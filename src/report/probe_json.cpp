#include "lipcert/architecture/stability.hpp"
#include "lipcert/report/probe_report.hpp"
#include "lipcert/version.hpp"

#include <algorithm>

#include "report/json_parts.hpp"
#include "report/probe_parts.hpp"

namespace lipcert {

namespace {

Json json_optional(const std::optional<double>& value) {
    return value ? json_number(*value) : Json(nullptr);
}

Json json_optional(const std::optional<Upper>& value) {
    return value && value->is_finite() ? json_upper(*value) : Json(nullptr);
}

Json block_object(const BlockMeasurement& block, const CertifiedBlock& certified) {
    return {{"name", block.name},
            {"max_activation", json_number(block.extent.largest_entry)},
            {"certified_max_activation", json_optional(certified.largest_entry)},
            {"max_token_rms", json_number(block.extent.largest_rms)},
            {"certified_max_token_rms", json_optional(certified.largest_rms)},
            {"max_score", json_optional(block.largest_score)},
            {"certified_max_score", json_optional(certified.largest_score)},
            {"min_norm_input_rms", json_optional(block.smallest_norm_rms)}};
}

/// A layer's extremes over its blocks; certified ones where every block has one.
Json layer_object(const BlockMeasurement* measured,
                  const CertifiedBlock* certified,
                  const LayerBound& layer) {
    BlockMeasurement all;
    CertifiedBlock bounds{Upper(), Upper(), std::nullopt};
    Json blocks = Json::array();
    for (std::size_t i = 0; i < layer.blocks.size(); ++i) {
        const BlockMeasurement& block = measured[i];
        all.extent.largest_entry = std::max(all.extent.largest_entry, block.extent.largest_entry);
        all.extent.largest_rms = std::max(all.extent.largest_rms, block.extent.largest_rms);
        if (block.largest_score) {
            all.largest_score = std::max(all.largest_score.value_or(0.0), *block.largest_score);
        }
        if (block.smallest_norm_rms) {
            all.smallest_norm_rms = std::min(
                all.smallest_norm_rms.value_or(*block.smallest_norm_rms), *block.smallest_norm_rms);
        }
        const auto join = [](std::optional<Upper>& known, const std::optional<Upper>& next) {
            known = known && next ? std::optional<Upper>(max(*known, *next)) : std::nullopt;
        };
        join(bounds.largest_entry, certified[i].largest_entry);
        join(bounds.largest_rms, certified[i].largest_rms);
        if (certified[i].largest_score) {
            bounds.largest_score =
                max(bounds.largest_score.value_or(Upper()), *certified[i].largest_score);
        }
        blocks.push_back(block_object(block, certified[i]));
    }
    Json object = block_object(all, bounds);
    object.erase("name");
    object["index"] = layer.index;
    object["blocks"] = blocks;
    return object;
}

void add_measurement(const ProbeResult& result, Json& json) {
    const Measurement& measured = *result.measurement;
    const NetworkBounds& bounds = result.certificate.bounds;
    const std::vector<CertifiedBlock>& certified = result.certified;
    json["data"] = result.data;
    json["tokens"] = measured.evaluation.predicted;
    json["loss"] = json_number(measured.evaluation.loss);
    json["accuracy"] = measured.evaluation.accuracy;
    json["max_activation"] = json_number(largest_activation(measured));
    json["certified_max_activation"] = json_upper(bounds.max_activation);
    const double margin = median(measured.evaluation.margins);
    json["median_margin"] = json_number(margin);
    json["median_margin_over_logit_difference"] =
        json_number(margin / bounds.logit_difference.upper.to_double());
    json["layers"] = Json::array();
    std::size_t at = bounds.stem.size();
    for (const LayerBound& layer : bounds.layers) {
        json["layers"].push_back(layer_object(&measured.blocks[at], &certified[at], layer));
        at += layer.blocks.size();
    }
    json["norms"] = Json::array();
    for (const auto& [name, smallest] : measured.smallest_rms) {
        json["norms"].push_back({{"name", name}, {"min_input_rms", json_number(smallest)}});
    }
    json["low_precision"] = Json::array();
    for (const LowPrecision& format : low_precision(measured, bounds)) {
        json["low_precision"].push_back({{"format", format.name},
                                         {"largest", format.largest},
                                         {"by_measurement", format.by_measurement},
                                         {"by_certificate", format.by_certificate}});
    }
}

Json witness_fields(const NamedWitness& named) {
    Json object;
    const std::optional<Witness>& witness = named.witness;
    const bool proved = witness && witness->ratio;
    object["witness"] = proved ? Json(witness->ratio->to_decimal(6)) : Json(nullptr);
    object["estimate"] = witness ? json_number(witness->estimate) : Json(nullptr);
    object["lipschitz"] = json_bound({named.bound, named.rule});
    return object;
}

}  // namespace

Json witnesses_json(const Witnesses& witnesses, const std::string& file) {
    Json json;
    json["blocks"] = Json::array();
    for (const NamedWitness& block : witnesses.blocks) {
        Json object;
        object["name"] = block.name;
        object["index"] = block.layer ? Json(*block.layer) : Json(nullptr);
        object["kind"] = block.kind;
        object.update(witness_fields(block));
        json["blocks"].push_back(object);
    }
    Json network = witness_fields(witnesses.network);
    network["ratio"] = network.at("witness");
    const std::optional<Witness>& witness = witnesses.network.witness;
    network["log10"] =
        witness && witness->ratio
            ? json_number(log10(witness->ratio->value(), Rounding::down).to_double(Rounding::down))
            : Json(nullptr);
    network["file"] = file.empty() ? Json(nullptr) : Json(file);
    json["witness"] = network;
    json["witness_logits"] = witness_fields(witnesses.logits);
    return json;
}

std::string probe_json(const ProbeResult& result) {
    Json json;
    json["schema"] = "lipcert-probe-1";
    json["lipcert"] = kVersion;
    json["model"] = json_model(result.certificate.model);
    json["stability_measures"] = stability_measures(result.certificate.architecture);
    json["bounds"] = json_bounds(result.certificate.bounds);
    if (result.measurement) {
        add_measurement(result, json);
    }
    if (result.witnesses) {
        json.update(witnesses_json(*result.witnesses, result.witness_file));
    }
    if (!result.attack.empty()) {
        json["attack"] = Json::array();
        for (const AttackPoint& point : result.attack) {
            json["attack"].push_back({{"radius", point.radius},
                                      {"accuracy_by_measured_margins", point.certified},
                                      {"attacked_accuracy", point.attacked}});
        }
    }
    return json_text(json);
}

}  // namespace lipcert
