#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace lipcert {

/// A statement that was not confirmed.
struct Disagreement {
    std::string at;      ///< "layers.3.blocks.0.lipschitz.upper"
    std::string stated;  ///< as JSON; empty where nothing is stated
    std::string found;   ///< as JSON; empty where there is nothing of the kind
    std::string reason;
};

/// Holds every member of a stated certificate against what was proved. `proved` is the tightest
/// that was proved, `weakest` the same with the most slack that a certificate has: a bound must lie
/// between the two, a lower end likewise, anything else must be equal. What says where something
/// came from (the path, sources, the version, the method of a norm) is not compared.
[[nodiscard]] std::vector<Disagreement> compare_claims(const nlohmann::ordered_json& stated,
                                                       const nlohmann::ordered_json& proved,
                                                       const nlohmann::ordered_json& weakest);

/// Every member must be equal.
[[nodiscard]] std::vector<Disagreement> compare_evidence(const nlohmann::ordered_json& stated,
                                                         const nlohmann::ordered_json& found);

}  // namespace lipcert
