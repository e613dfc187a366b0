#pragma once

#include <string_view>
#include <vector>

namespace lipcert {

/// A built-in family: its file name without the extension, and its JSON text.
struct FamilyText {
    std::string_view name;
    std::string_view json;
};

/// Generated at configure time from src/architecture/families/*.json.
const std::vector<FamilyText>& family_texts();

/// src/architecture/wrappers.json, likewise.
std::string_view wrappers_text();

}  // namespace lipcert
