#include "lipcert/verification/verify.hpp"

#include "lipcert/bounds/conditions.hpp"
#include "lipcert/certificate/hashing_checkpoint.hpp"
#include "lipcert/certificate/slack.hpp"
#include "lipcert/error.hpp"
#include "lipcert/report/certificate_file.hpp"

#include <map>
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

/// Says which tensors of another file are others. Of a name that is stated twice the first entry
/// counts: each tensor is read once.
void name_other_tensors(const StatedCertificate& stated,
                        const Checkpoint& checkpoint,
                        Verification& verification) {
    std::map<std::string, TensorDigest> tensors;
    for (TensorDigest& tensor : stated.tensors()) {
        tensors.emplace(tensor.name, tensor);
    }
    const HashingCheckpoint hashing(checkpoint);
    for (const auto& [name, tensor] : tensors) {
        const TensorInfo* info = hashing.find(name);
        if (info == nullptr || info->shape != tensor.shape) {
            add(verification,
                "tensor " + name,
                "",
                "",
                info == nullptr ? "is not in the file" : "has another shape in the file");
        } else {
            (void)hashing.read(*info);
        }
    }
    for (const TensorDigest& now : hashing.digests()) {
        const TensorDigest& tensor = tensors.at(now.name);
        if (tensor.sha256 != now.sha256) {
            add(verification,
                "tensor " + now.name,
                Json(tensor.sha256).dump(),
                Json(now.sha256).dump(),
                "holds other values than the one that was certified");
        }
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
    name_other_tensors(stated, checkpoint, verification);
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

/// Nothing, with the reason, where what is stated proves nothing that the rest could be built on,
/// such as a choice of candidates that leaves a radius without bound.
std::optional<Certificate> proved_again(const Checkpoint& checkpoint,
                                        const Architecture& architecture,
                                        const CertifyOptions& asked,
                                        Verification& verification) {
    try {
        return certify(checkpoint, architecture, asked);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::architecture) {
            throw;
        }
        add(verification, error.where(), "", "", error.what());
        return std::nullopt;
    }
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
    std::optional<CertifyOptions> asked = options_for(stated, architecture, verification);
    if (!asked) {
        return verification;
    }
    Recheck recheck = stated.recheck();
    asked->recheck = &recheck;
    asked->progress = progress;
    std::optional<Certificate> found = proved_again(checkpoint, architecture, *asked, verification);
    for (const std::string& disagreement : recheck.disagreements) {
        add(verification, "evidence", "", "", disagreement);
    }
    if (!found) {
        return verification;
    }
    Certificate& proved = *found;
    proved.evidence->configuration_sha256 = configuration_digest(configuration);
    const Json claims = certificate_object(proved);
    const Json weakest = certificate_object(with_slack(with_slack(proved)));
    // What is stated of the searches has been used as it stands, or does not fit.
    const Json evidence = evidence_object(*proved.evidence);
    for (const std::vector<Disagreement>& list :
         {compare_claims(stated.json(), claims, weakest),
          compare_evidence(stated.json().at("evidence"), evidence)}) {
        verification.disagreements.insert(
            verification.disagreements.end(), list.begin(), list.end());
    }
    verification.proved = std::move(found);
    return verification;
}

}  // namespace lipcert
