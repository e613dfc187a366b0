#include "lipcert/report/certificate_file.hpp"

#include "lipcert/certificate/slack.hpp"
#include "lipcert/error.hpp"

#include <cstddef>
#include <span>
#include <vector>

#include "files/sha256.hpp"
#include "report/json_parts.hpp"

namespace lipcert {

namespace {

Json search_list(const std::vector<FoundParameters>& searches) {
    Json list = Json::array();
    for (const FoundParameters& found : searches) {
        list.push_back({{"place", found.place}, {"kind", found.kind}, {"values", found.values}});
    }
    return list;
}

}  // namespace

Json evidence_object(const Evidence& evidence) {
    Json object;
    object["configuration_sha256"] = evidence.configuration_sha256;
    object["sequence_length"] =
        evidence.sequence_length ? Json(*evidence.sequence_length) : Json(nullptr);
    object["effort"] = name_of(evidence.effort);
    object["tensors"] = Json::array();
    for (const TensorDigest& tensor : evidence.tensors) {
        object["tensors"].push_back({{"name", tensor.name},
                                     {"shape", tensor.shape},
                                     {"dtype", tensor.type},
                                     {"sha256", tensor.sha256}});
    }
    object["searches"] = search_list(evidence.searches);
    object["conditional_searches"] = search_list(evidence.conditional_searches);
    return object;
}

std::string certificate_digest(Json certificate) {
    certificate.erase("digest");
    const std::string text = json_text(certificate);
    Sha256 hash;
    hash.add(std::as_bytes(std::span<const char>(text)));
    return hash.digest();
}

std::string certificate_file(const Certificate& certificate) {
    if (!certificate.evidence) {
        throw Error(ErrorKind::internal, certificate.model.path, "was certified without evidence");
    }
    Json json = certificate_object(with_slack(certificate));
    json["evidence"] = evidence_object(*certificate.evidence);
    // Through its text, so that the digest is of what a reader parses.
    json = Json::parse(json_text(json));
    json["digest"] = certificate_digest(json);
    return json_text(json);
}

}  // namespace lipcert
