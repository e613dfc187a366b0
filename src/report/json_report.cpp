#include "lipcert/report/json_report.hpp"

#include "lipcert/architecture/stability.hpp"
#include "lipcert/report/certificate_file.hpp"
#include "lipcert/version.hpp"

#include "report/json_parts.hpp"
#include "report/probe_parts.hpp"

namespace lipcert {

namespace {

Json matrix_object(const MatrixBound& matrix) {
    Json object;
    object["name"] = matrix.name;
    if (!matrix.role.empty()) {
        object["role"] = matrix.role;
        object["layer"] = matrix.layer ? Json(*matrix.layer) : Json(nullptr);
    }
    object["rows"] = matrix.rows;
    object["cols"] = matrix.cols;
    object["dtype"] = matrix.type;
    object["spectral_norm"] = json_enclosure(matrix.norm.spectral);
    object["frobenius_norm"] = json_enclosure(matrix.norm.frobenius);
    object["stable_rank"] = json_enclosure(stable_rank(matrix.norm));
    object["method"] = name_of(matrix.norm.method);
    return object;
}

Json matrix_list(const std::vector<MatrixBound>& matrices) {
    Json list = Json::array();
    for (const MatrixBound& matrix : matrices) {
        list.push_back(matrix_object(matrix));
    }
    return list;
}

Json architecture_object(const Architecture& architecture) {
    Json object;
    object["family"] = architecture.family;
    object["source"] = architecture.source;
    object["layers"] = architecture.layers.size();
    object["stability_measures"] = stability_measures(architecture);
    Json parameters = Json::object();
    for (const auto& parameter : architecture.parameters) {
        parameters[parameter.name] = {{"value", parameter.value}, {"source", parameter.source}};
    }
    object["parameters"] = parameters;
    return object;
}

Json domain_object(const Domain& domain, const Json& conditions) {
    Json object;
    object["kind"] = domain.conditional  ? "conditional"
                     : domain.everything ? "all"
                     : domain.embeddings ? "embeddings"
                                         : "ball";
    object["dimension"] = domain.dimension;
    // The domain down, so that it lies in the ball on which the bounds hold; the ball that contains
    // the embeddings up.
    object["radius_l2"] = domain.everything
                              ? Json(nullptr)
                              : json_number(Lower::parse(domain.radius_decimal).to_double());
    object["embedding_radius_l2"] = json_number(Upper::parse(domain.radius_decimal).to_double());
    if (domain.vectors) {
        object["input"] = "vectors";
    }
    if (domain.longest_stream > 0) {
        object["longest_stream"] = domain.longest_stream;
    }
    object["conditions"] = conditions;
    return object;
}

Json condition_list(const Conditions& conditions) {
    Json list = Json::array();
    for (const auto& [name, minimum] : conditions.minimum_rms) {
        list.push_back({{"at", name}, {"minimum_rms", json_number(minimum.stated)}});
    }
    for (const auto& [name, maximum] : conditions.maximum_norm) {
        list.push_back({{"at", name}, {"maximum_norm", json_number(maximum.stated)}});
    }
    return list;
}

Json block_object(const BlockBound& block) {
    Json object;
    object["kind"] = block.kind;
    object["lipschitz"] = json_bound({block.lipschitz, block.rule});
    object["rule"] = block.rule;
    object["radius_in"] = json_upper(block.radius_in);
    object["radius_out"] = json_upper(block.radius_out);
    return object;
}

Json block_list(const std::vector<BlockBound>& blocks) {
    Json list = Json::array();
    for (const BlockBound& block : blocks) {
        list.push_back(block_object(block));
    }
    return list;
}

Json layer_list(const NetworkBounds& bounds) {
    Json list = Json::array();
    for (const LayerBound& layer : bounds.layers) {
        Json object;
        object["index"] = layer.index;
        object["blocks"] = block_list(layer.blocks);
        object["cumulative"] = json_bound({layer.cumulative, "R4"});
        list.push_back(object);
    }
    return list;
}

/// What holds for the pairs that meet conditions, in the same form as what holds for all.
Json conditional_object(const ConditionalBounds& conditional) {
    Json object;
    object["domain"] =
        domain_object(conditional.bounds.domain, condition_list(conditional.conditions));
    object["data"] = conditional.conditions.data;
    object["bounds"] = json_bounds(conditional.bounds);
    object["stem"] = block_list(conditional.bounds.stem);
    object["layers"] = layer_list(conditional.bounds);
    object["head"] = block_list(conditional.bounds.head);
    return object;
}

Json limit_list(const std::vector<Limit>& limits) {
    Json list = Json::array();
    for (const Limit& limit : limits) {
        list.push_back({{"kind", limit.kind},
                        {"quantity", limit.quantity},
                        {"limit", limit.text},
                        {"actual", json_upper(limit.actual)},
                        {"ok", limit.holds}});
    }
    return list;
}

Json baseline_object(const ModelResult& model) {
    Json object;
    object["file"] = model.baseline;
    object["ok"] = !model.has_findings();
    object["checks"] = Json::array();
    for (const Check& check : model.checks) {
        if (check.state != CheckState::holds) {
            object["checks"].push_back({{"rule", check.rule},
                                        {"place", check.place},
                                        {"actual", json_upper(check.actual)},
                                        {"limit", check.limit},
                                        {"state", name_of(check.state)},
                                        {"reason", check.reason}});
        }
    }
    object["notices"] = model.notices;
    return object;
}

}  // namespace

Json certificate_object(const Certificate& certificate) {
    const NetworkBounds& bounds = certificate.bounds;
    Json json;
    json["schema"] = "lipcert-certificate-1";
    json["lipcert"] = kVersion;
    json["model"] = json_model(certificate.model);
    json["architecture"] = architecture_object(certificate.architecture);
    json["domain"] = domain_object(bounds.domain, Json::array());
    json["bounds"] = json_bounds(bounds);
    json["reference_formula"] = nullptr;
    json["reference_repaired"] = nullptr;
    if (bounds.reference_formula) {
        json["reference_formula"] = {
            {"upper", json_upper(*bounds.reference_formula)},
            {"log10_upper", json_number(bounds.reference_formula->log10())},
            {"is_bound", false}};
    }
    if (bounds.reference_repaired) {
        json["reference_repaired"] = json_bound(*bounds.reference_repaired);
    }
    json["stem"] = block_list(bounds.stem);
    json["layers"] = layer_list(bounds);
    json["head"] = block_list(bounds.head);
    if (certificate.conditional) {
        json["conditional"] = conditional_object(*certificate.conditional);
    }
    json["matrices"] = matrix_list(certificate.matrices);
    json["limits"] = limit_list(certificate.limits);
    json["verdict"] = certificate.within_limits() ? "certified" : "limit-exceeded";
    return json;
}

std::string certificate_json(const Certificate& certificate) {
    return json_text(certificate_object(certificate));
}

std::string run_json(const RunResult& run) {
    if (run.models.size() == 1) {
        const ModelResult& model = run.models.front();
        Json json = Json::parse(certificate_json(model.certificate.value()));
        if (model.witnesses) {
            json["witnesses"] = witnesses_json(*model.witnesses, "");
        }
        if (!model.baseline.empty()) {
            json["baseline"] = baseline_object(model);
        }
        return json_text(json);
    }
    Json json;
    json["schema"] = "lipcert-certificates-1";
    json["lipcert"] = kVersion;
    json["models"] = Json::array();
    for (const ModelResult& model : run.models) {
        Json entry;
        entry["path"] = model.path;
        entry["verdict"] = verdict_of(model);
        entry["certificate"] =
            model.certificate ? Json::parse(certificate_json(*model.certificate)) : Json(nullptr);
        entry["error"] = model.certificate ? Json(nullptr) : Json(model.error);
        json["models"].push_back(entry);
    }
    const ExitCode code = run.exit_code();
    json["verdict"] = code == ExitCode::certified        ? "certified"
                      : code == ExitCode::limit_exceeded ? "limit-exceeded"
                                                         : "error";
    return json_text(json);
}

std::string norms_json(const ModelIdentity& model,
                       const std::vector<MatrixBound>& matrices,
                       const std::vector<TensorInfo>& not_read) {
    Json json;
    json["schema"] = "lipcert-norms-1";
    json["lipcert"] = kVersion;
    json["model"] = json_model(model);
    json["matrices"] = matrix_list(matrices);
    json["not_read"] = Json::array();
    for (const TensorInfo& tensor : not_read) {
        json["not_read"].push_back(
            {{"name", tensor.name}, {"shape", tensor.shape}, {"dtype", tensor.stored_type}});
    }
    return json_text(json);
}

}  // namespace lipcert
