#include "lipcert/report/cap_report.hpp"
#include "lipcert/version.hpp"

#include "report/json_parts.hpp"

namespace lipcert {

namespace {

Json norms_object(const SpectralNorm& norm) {
    return {{"spectral_norm", json_enclosure(norm.spectral)},
            {"frobenius_norm", json_enclosure(norm.frobenius)},
            {"stable_rank", json_enclosure(stable_rank(norm))}};
}

Json row_object(const CapRow& row) {
    const CapItem& item = row.item;
    const CapResult& result = row.result;
    Json object;
    object["name"] = item.use.tensor;
    object["role"] = item.use.role;
    object["layer"] = item.use.layer ? Json(*item.use.layer) : Json(nullptr);
    object["outputs"] = nullptr;
    if (item.use.slice) {
        object["outputs"] = {item.use.slice->begin, end_of(*item.use.slice)};
        if (item.use.slice->runs > 1) {
            object["output_runs"] = item.use.slice->runs;
            object["output_period"] = item.use.slice->period;
        }
    }
    object["rows"] = item.rows;
    object["cols"] = item.cols;
    object["dtype"] = row.type;
    object["limit"] = item.is_unlimited() ? Json(nullptr) : Json(item.limit);
    object["limit_in_norm"] = item.is_unlimited() ? Json(nullptr) : Json(item.limit / item.unit);
    object["limit_on"] = item.by_rows ? "row_norm" : "spectral_norm";
    object["within_limit"] = result.within_limit;
    object["changed"] = row.changed;
    object["before"] = norms_object(result.before);
    object["after"] = norms_object(result.after);
    object["relative_frobenius_change"] = json_enclosure(result.relative_frobenius_change);
    object["relative_spectral_change"] = json_number(result.relative_spectral_change.to_double());
    object["change_over_least"] = result.change_over_least
                                      ? json_number(result.change_over_least->to_double())
                                      : Json(nullptr);
    object["moved"] = result.moved;
    object["largest_row_norm"] = nullptr;
    if (result.largest_row_before && result.largest_row_after) {
        object["largest_row_norm"] = {
            {"before", json_number(result.largest_row_before->to_double())},
            {"after", json_number(result.largest_row_after->to_double())}};
    }
    return object;
}

Json target_object(const CapOutcome& outcome) {
    if (!outcome.target) {
        return nullptr;
    }
    Json object;
    object["bound"] = outcome.target->bound;
    object["limit"] = outcome.target->text;
    object["actual"] = nullptr;
    if (outcome.after) {
        const Bound* bound = find_bound(*outcome.after, outcome.target->bound);
        object["actual"] = bound == nullptr ? Json(nullptr) : json_upper(bound->upper);
    }
    object["ok"] = outcome.meets_target;
    object["obstacle"] = outcome.obstacle.empty() ? Json(nullptr) : Json(outcome.obstacle);
    return object;
}

Json written_object(const CapOutcome& outcome) {
    if (!outcome.written) {
        return nullptr;
    }
    const EditResult& written = *outcome.written;
    Json object;
    object["path"] = written.path.string();
    object["sha256"] = written.new_sha256;
    object["old_sha256"] = written.old_sha256;
    object["backup"] = written.backup ? Json(written.backup->string()) : Json(nullptr);
    return object;
}

}  // namespace

std::string cap_json(const CapOutcome& outcome) {
    Json json;
    json["schema"] = "lipcert-cap-1";
    json["lipcert"] = kVersion;
    json["model"] = json_model(outcome.model);
    json["method"] = name_of(outcome.settings.method);
    json["norm"] = outcome.norm == LimitNorm::l2 ? "l2" : "rms";
    json["matrices"] = Json::array();
    for (const CapRow& row : outcome.rows) {
        json["matrices"].push_back(row_object(row));
    }
    json["bounds_before"] = outcome.before ? json_bounds(*outcome.before) : Json(nullptr);
    json["bounds_after"] = outcome.after ? json_bounds(*outcome.after) : Json(nullptr);
    json["target"] = target_object(outcome);
    json["dry_run"] = outcome.dry_run;
    json["written"] = written_object(outcome);
    json["verdict"] = outcome.holds ? "certified" : "limit-exceeded";
    return json_text(json);
}

}  // namespace lipcert
