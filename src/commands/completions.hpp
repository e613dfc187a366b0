#pragma once

#include <string>

#include <CLI/CLI.hpp>

namespace lipcert {

/// What a shell is to source: `shell` is "bash", "zsh" or "fish". From what the parser knows, so
/// that no flag is missing.
[[nodiscard]] std::string completions(const CLI::App& program, const std::string& shell);

}  // namespace lipcert
