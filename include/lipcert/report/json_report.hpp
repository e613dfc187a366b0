#pragma once

#include "lipcert/certificate/certificate.hpp"
#include "lipcert/report/run_report.hpp"
#include "lipcert/tensor/tensor_info.hpp"

#include <string>
#include <vector>

namespace lipcert {

/// schema "lipcert-certificate-1": every bound as a decimal string rounded up and a log10 rounded
/// up; norms as doubles rounded outward. Ends with a newline; the same certificate gives the same
/// bytes. A bound that is infinite or a log10 of zero is null.
[[nodiscard]] std::string certificate_json(const Certificate& certificate);

/// Of one model its certificate; of several schema "lipcert-certificates-1": their certificates and
/// errors in the order of the command line.
[[nodiscard]] std::string run_json(const RunResult& run);

/// schema "lipcert-norms-1". `not_read`: tensors of two or more dimensions that were left out.
[[nodiscard]] std::string norms_json(const ModelIdentity& model,
                                     const std::vector<MatrixBound>& matrices,
                                     const std::vector<TensorInfo>& not_read);

}  // namespace lipcert
