#pragma once

#include "lipcert/certificate/certificate.hpp"

#include <nlohmann/json.hpp>
#include <string>

namespace lipcert {

/// The full form of a certificate, which `lipcert verify` checks: `certificate_json` with the slack
/// of `with_slack`, and beside it "evidence" and "digest". Throws Error{internal} for a certificate
/// that was made without evidence.
[[nodiscard]] std::string certificate_file(const Certificate& certificate);

/// The same as data, without slack and digest.
[[nodiscard]] nlohmann::ordered_json certificate_object(const Certificate& certificate);
[[nodiscard]] nlohmann::ordered_json evidence_object(const Evidence& evidence);

/// SHA-256 of the text of a certificate without its member "digest": shows that it was changed, not
/// by whom, for whoever changes it can make another.
[[nodiscard]] std::string certificate_digest(nlohmann::ordered_json certificate);

}  // namespace lipcert
