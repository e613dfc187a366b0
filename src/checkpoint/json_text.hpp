#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>

namespace lipcert {

/// `parse_json_object` with another limit on the size in bytes than that of configurations.
[[nodiscard]] nlohmann::json parse_json_object(const std::string& text,
                                               const std::string& where,
                                               std::size_t largest);

}  // namespace lipcert
