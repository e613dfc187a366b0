#pragma once

#include "lipcert/checkpoint/checkpoint.hpp"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace lipcert {

/// The hyper-parameters that belong to a checkpoint, and where they were found.
struct Configuration {
    nlohmann::json values = nlohmann::json::object();  ///< always an object
    std::string source;  ///< "root attribute 'config'", a path, or "(none)"
};

/// Looks, in this order, at `explicit_file` (--config), the configuration embedded in the file,
/// `<stem>.config.json` and `config.json` beside it. Found nowhere: an empty object. Throws
/// Error{input} for JSON that does not parse, is not an object, repeats a key, nests deeper than 64
/// or is larger than 16 MiB.
[[nodiscard]] Configuration find_configuration(
    const Checkpoint& checkpoint, const std::optional<std::filesystem::path>& explicit_file);

/// JSON text as data, with the limits above; `where` goes into messages.
[[nodiscard]] nlohmann::json parse_json_object(const std::string& text, const std::string& where);

}  // namespace lipcert
