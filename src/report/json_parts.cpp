#include "report/json_parts.hpp"

#include <cmath>

namespace lipcert {

namespace {

constexpr int kDecimalDigits = 6;

}  // namespace

Json json_number(double value) {
    return std::isfinite(value) ? Json(value) : Json(nullptr);
}

Json json_upper(const Upper& bound) {
    return Json(bound.to_decimal(kDecimalDigits));
}

Json json_bound(const Bound& bound) {
    Json object;
    object["upper"] = bound.upper.is_finite() ? json_upper(bound.upper) : Json(nullptr);
    object["log10_upper"] = json_number(bound.upper.log10());
    object["rule"] = bound.rule;
    return object;
}

Json json_enclosure(const Enclosure& value) {
    Json object;
    object["lower"] = value.lower().to_double();
    object["upper"] = json_number(value.upper().to_double());
    // 2^1024 and beyond: no double is an upper bound, the decimal is.
    if (!std::isfinite(value.upper().to_double())) {
        object["upper_decimal"] = value.upper().to_decimal(17);
    }
    return object;
}

Json json_model(const ModelIdentity& model) {
    return {{"path", model.path},
            {"format", model.format},
            {"sha256", model.sha256},
            {"parameters", model.parameters},
            {"dtypes", model.types}};
}

Json json_bounds(const NetworkBounds& bounds) {
    Json object;
    object["max_token_rms"] = json_bound(bounds.max_token_rms);
    object["max_token_l2"] = json_bound(bounds.max_token_l2);
    object["blocks_l2"] = json_bound(bounds.blocks_l2);
    object["logit"] = json_bound(bounds.logit);
    object["logit_difference"] = json_bound(bounds.logit_difference);
    object["frobenius"] = nullptr;
    if (bounds.frobenius) {
        object["frobenius"] = json_bound(*bounds.frobenius);
        object["frobenius"]["sequence_length"] = bounds.sequence_length;
    }
    object["max_activation"] = json_upper(bounds.max_activation);
    return object;
}

std::string json_text(const Json& json) {
    // Names come from files: bytes that are not UTF-8 are replaced, not thrown on.
    return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace lipcert
