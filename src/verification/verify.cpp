#include "lipcert/verification/verify.hpp"

#include "lipcert/bounds/conditions.hpp"
#include "lipcert/certificate/hashing_checkpoint.hpp"
#include "lipcert/certificate/slack.hpp"
#include "lipcert/error.hpp"
#include "lipcert/report/certificate_file.hpp"

#include <algorithm>
#include <utility>

#include "report/json_parts.hpp"

namespace lipcert {

namespace {

void add(Verification& verification,
         const std::string& at,
         const std::string& stated,
         const std::string& found,
         const std::string& reason) {
    verification.disagreements.push_back({at, stated, found, reason});
}

/// Only the whole text shows it: each single statement may still be true.
void check_text(const StatedCertificate& stated, Verification& verification) {
    if (!stated.is_canonical()) {
        add(verification, "text", "", "", "is not what lipcert writes for these data");
    }
    const Json digest = stated.json().value("digest", Json());
    const std::string found = certificate_digest(stated.json());
    if (digest != found) {
        add(verification,
            "digest",
            digest.dump(),
            Json(found).dump(),
            "the certificate was changed after it was made");
    }
}

/// Says which tensors of another file are others; false where the file is another one.
bool is_same_model(const StatedCertificate& stated,
                   const Checkpoint& checkpoint,
                   Verification& verification) {
    const std::string found = identify(checkpoint).sha256;
    if (stated.sha256() == found) {
        return true;
    }
    add(verification,
        "model.sha256",
        Json(stated.sha256()).dump(),
        Json(found).dump(),
        "the file is not the one that was certified");
    const HashingCheckpoint hashing(checkpoint);
    for (const TensorDigest& tensor : stated.tensors()) {
        const TensorInfo* info = hashing.find(tensor.name);
        if (info == nullptr || info->shape != tensor.shape) {
            add(verification,
                "tensor " + tensor.name,
                "",
                "",
                info == nullptr ? "is not in the file" : "has another shape in the file");
            continue;
        }
        (void)hashing.read(*info);
    }
    for (const TensorDigest& now : hashing.digests()) {
        for (const TensorDigest& tensor : stated.tensors()) {
            if (tensor.name == now.name && tensor.sha256 != now.sha256) {
                add(verification,
                    "tensor " + now.name,
                    Json(tensor.sha256).dump(),
                    Json(now.sha256).dump(),
                    "holds other values than the one that was certified");
            }
        }
    }
    return false;
}

/// What the certificate asks to be proved; nothing, with the reason, where it asks for nonsense.
std::optional<CertifyOptions> options_for(const StatedCertificate& stated,
                                          const Architecture& architecture,
                                          Verification& verification) {
    CertifyOptions options;
    options.keep_evidence = true;
    try {
        options.limits = stated.limits();
        options.sequence_length = stated.sequence_length();
        options.effort = stated.effort();
        options.inputs = stated.inputs();
        options.longest_stream = stated.longest_stream();
        if (options.sequence_length && *options.sequence_length == 0) {
            throw Error(ErrorKind::input, "evidence.sequence_length", "is zero");
        }
        validate_limits(options.limits, options.sequence_length);
        options.conditions = stated.conditions();
        require_composable(architecture, options);
    } catch (const Error& error) {
        add(verification, error.where(), "", "", error.what());
        return std::nullopt;
    }
    return options;
}

}  // namespace

Verification verify(const StatedCertificate& stated,
                    const Checkpoint& checkpoint,
                    const Architecture& architecture,
                    const Configuration& configuration,
                    const Progress& progress) {
    Verification verification;
    verification.certificate = stated.where();
    verification.model = checkpoint.path();
    check_text(stated, verification);
    if (!is_same_model(stated, checkpoint, verification)) {
        return verification;
    }
    std::optional<CertifyOptions> options = options_for(stated, architecture, verification);
    if (!options) {
        return verification;
    }
    Recheck recheck = stated.recheck();
    options->recheck = &recheck;
    options->progress = progress;
    Certificate proved = certify(checkpoint, architecture, *options);
    proved.evidence->configuration_sha256 = configuration_digest(configuration);
    for (const std::string& disagreement : recheck.disagreements) {
        add(verification, "evidence", "", "", disagreement);
    }
    const Json found = certificate_object(proved);
    const Json weakest = certificate_object(with_slack(with_slack(proved)));
    // What is stated of the searches has been used as it stands, or does not fit.
    const Json evidence = evidence_object(*proved.evidence);
    for (const std::vector<Disagreement>& list :
         {compare_claims(stated.json(), found, weakest),
          compare_evidence(stated.json().at("evidence"), evidence)}) {
        verification.disagreements.insert(
            verification.disagreements.end(), list.begin(), list.end());
    }
    verification.proved = std::move(proved);
    return verification;
}

}  // namespace lipcert
