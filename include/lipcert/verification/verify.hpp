#pragma once

#include "lipcert/checkpoint/configuration.hpp"
#include "lipcert/verification/compare_claims.hpp"
#include "lipcert/verification/stated_certificate.hpp"

#include <optional>
#include <string>
#include <vector>

namespace lipcert {

/// What became of a certificate.
struct Verification {
    std::string certificate;  ///< where it came from
    std::string model;
    std::vector<Disagreement> disagreements;
    /// What was proved here; nothing where the model is another one.
    std::optional<Certificate> proved;

    [[nodiscard]] bool is_confirmed() const { return disagreements.empty(); }
};

/// Holds a certificate against a checkpoint and trusts neither it nor its maker: the hashes of the
/// file, of each tensor and of the configuration must be those that are stated; every stated norm
/// is proved again by another method (`second_proof`); the composition is computed again with the
/// stated free parameters, by the rules that it then names; and every member of the certificate
/// must agree with the result. No bound of a confirmed certificate is below what was proved here.
/// Throws Error{input} for a certificate that cannot be read, and what `certify` throws.
[[nodiscard]] Verification verify(const StatedCertificate& stated,
                                  const Checkpoint& checkpoint,
                                  const Architecture& architecture,
                                  const Configuration& configuration,
                                  const Progress& progress);

/// The report for people: each statement that was not confirmed, and the verdict; `quiet`: the
/// verdict alone.
[[nodiscard]] std::string render_verification(const Verification& verification, bool quiet);

/// schema "lipcert-verification-1".
[[nodiscard]] std::string verification_json(const Verification& verification);

}  // namespace lipcert
