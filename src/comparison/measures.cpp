#include "lipcert/comparison/measures.hpp"

#include "lipcert/comparison/restriction.hpp"
#include "lipcert/error.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace lipcert {

namespace {

using nlohmann::json;

/// A bound as a decimal string; null means that there is none.
Upper upper_of(const json& decimal) {
    if (decimal.is_null() || decimal == "inf") {
        return Upper::infinity();
    }
    return Upper::parse(decimal.get<std::string>());
}

/// The list `key`; anything else would be skipped as empty.
const json& list_at(const json& object, const char* key) {
    const json& list = object.at(key);
    if (!list.is_array()) {
        throw Error(ErrorKind::input, "", std::string("'") + key + "' is no list");
    }
    return list;
}

Upper norm_of(const json& enclosure) {
    return enclosure.contains("upper_decimal") ? upper_of(enclosure.at("upper_decimal"))
                                               : Upper::exact(enclosure.at("upper").get<double>());
}

void read_bounds(const json& bounds, Measures& measures) {
    for (const auto& entry : bounds.items()) {
        const json& bound = entry.value();
        if (entry.key() == "max_activation") {
            measures.values.push_back({"max-activation", "residual stream", {}, upper_of(bound)});
        } else if (bound.is_object()) {
            // The Frobenius bound is a different quantity for each length.
            const std::string length =
                bound.contains("sequence_length")
                    ? fmt::format(" {} tokens", bound.at("sequence_length").get<std::size_t>())
                    : "";
            measures.values.push_back(
                {"max-lipschitz", entry.key() + length, {}, upper_of(bound.at("upper"))});
        }
    }
}

void read_blocks(const json& certificate, Measures& measures) {
    for (const json& layer : list_at(certificate, "layers")) {
        const std::size_t index = layer.at("index").get<std::size_t>();
        std::size_t position = 0;
        for (const json& block : list_at(layer, "blocks")) {
            const std::string place =
                fmt::format("layer {} {}", index, block.at("kind").get<std::string>());
            const bool taken = measures.find("block", place) != nullptr;
            measures.values.push_back({"block",
                                       taken ? fmt::format("{} #{}", place, position) : place,
                                       index,
                                       upper_of(block.at("lipschitz").at("upper"))});
            ++position;
        }
    }
}

void read_matrices(const json& matrices, Measures& measures) {
    for (const json& matrix : matrices) {
        const json layer = matrix.value("layer", json());
        measures.values.push_back(
            {"max-spectral-norm",
             matrix.at("name").get<std::string>(),
             layer.is_null() ? std::nullopt : std::optional(layer.get<std::size_t>()),
             norm_of(matrix.at("spectral_norm"))});
    }
}

std::string tokens_text(const json& domain) {
    const std::string kind = domain.at("kind").get<std::string>();
    if (kind == "embeddings") {
        return "mixtures of embeddings";
    }
    return kind == "ball" && domain.at("radius_l2").is_number()
               ? fmt::format("ball of L2 radius {:.6g}", domain.at("radius_l2").get<double>())
               : kind;
}

std::string domain_text(const json& domain) {
    const std::string tokens = tokens_text(domain);
    return domain.contains("longest_stream")
               ? fmt::format("{}, at most {} tokens",
                             tokens,
                             domain.at("longest_stream").get<std::size_t>())
               : tokens;
}

/// As far as `restriction_text` reads it.
Domain stated_domain(const json& stated) {
    Domain domain;
    domain.embeddings = stated.at("kind") == "embeddings";
    domain.longest_stream =
        stated.contains("longest_stream") ? stated.at("longest_stream").get<std::size_t>() : 0;
    return domain;
}

}  // namespace

std::string restriction_text(const Domain& domain) {
    std::string text = domain.embeddings ? "on mixtures of embeddings" : "";
    if (domain.longest_stream > 0) {
        text += text.empty() ? "" : ", ";
        text += fmt::format("on at most {} tokens", domain.longest_stream);
    }
    return text;
}

const Measure* Measures::find(std::string_view rule, std::string_view place) const {
    const auto found = std::find_if(values.begin(), values.end(), [&](const Measure& measure) {
        return measure.rule == rule && measure.place == place;
    });
    return found == values.end() ? nullptr : &*found;
}

Measures read_measures(const json& certificate, const std::string& where) {
    const json schema = certificate.value("schema", json());
    if (schema != "lipcert-certificate-1") {
        throw Error(ErrorKind::input,
                    where,
                    "is no certificate: its schema is " + schema.dump() +
                        ", expected \"lipcert-certificate-1\" as `lipcert certify --json` writes "
                        "for one model");
    }
    Measures measures;
    try {
        measures.model = certificate.at("model").at("path").get<std::string>();
        measures.sha256 = certificate.at("model").at("sha256").get<std::string>();
        measures.domain = domain_text(certificate.at("domain"));
        measures.restriction = restriction_text(stated_domain(certificate.at("domain")));
        read_bounds(certificate.at("bounds"), measures);
        read_blocks(certificate, measures);
        read_matrices(list_at(certificate, "matrices"), measures);
        for (const json& limit : list_at(certificate, "limits")) {
            measures.limits.push_back({limit.at("kind").get<std::string>(),
                                       limit.at("quantity").get<std::string>(),
                                       limit.at("limit").get<std::string>(),
                                       limit.at("ok").get<bool>()});
        }
    } catch (const json::exception& error) {
        throw Error(
            ErrorKind::input, where, std::string("is a damaged certificate: ") + error.what());
    } catch (const Error& error) {
        throw Error(
            ErrorKind::input, where, std::string("is a damaged certificate: ") + error.what());
    }
    return measures;
}

bool is_worse(const Upper& now, const Upper& before, double tolerance) {
    return before * (Upper::exact(1.0) + Upper::exact(tolerance)) < now;
}

}  // namespace lipcert
