#pragma once

#include "lipcert/bounds/effort.hpp"
#include "lipcert/bounds/searches.hpp"
#include "lipcert/checkpoint/configuration.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace lipcert {

/// The values of one tensor, whatever container they are stored in.
struct TensorDigest {
    std::string name;
    std::vector<std::size_t> shape;
    std::string type;    ///< "float16", ...
    std::string sha256;  ///< of the values as doubles, little-endian, the last index fastest
};

/// What a certificate states beside its bounds, so that another run can prove them again without
/// searching [R0].
struct Evidence {
    std::string configuration_sha256;
    std::vector<TensorDigest> tensors;  ///< every tensor that was read, sorted by name
    std::optional<std::size_t> sequence_length;
    Effort effort = Effort::standard;                   ///< decides which searches there are
    std::vector<FoundParameters> searches;              ///< of the bounds for all inputs
    std::vector<FoundParameters> conditional_searches;  ///< of those under conditions
};

/// SHA-256 of the hyper-parameters as JSON with sorted keys and without spaces.
[[nodiscard]] std::string configuration_digest(const Configuration& configuration);

}  // namespace lipcert
