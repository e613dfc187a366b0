#pragma once

#include "lipcert/certificate/certificate.hpp"

namespace lipcert {

/// The same certificate with every composed bound larger by a part of 2^-20 and every enclosure
/// wider by 2^-24 at both ends: weaker statements, true where the certificate is. Another argument
/// for a norm, or another machine's BLAS, proves slightly other numbers (about 1e-9 for a norm),
/// and must be able to confirm what is stated. A limit that holds is stated as at most the limit.
[[nodiscard]] Certificate with_slack(Certificate certificate);

}  // namespace lipcert
