#pragma once

#include "lipcert/checkpoint/configuration.hpp"
#include "lipcert/execution/tokens.hpp"

#include <string>
#include <vector>

#include "commands/options.hpp"
#include <CLI/CLI.hpp>

namespace lipcert {

/// --tokens, --token-type, --text, --context.
void add_token_options(CLI::App& command, TokenSource& source, const std::string& purpose);

/// Windows of the tokens that the user gives; none where there are none. Throws Error{usage} where
/// both sources are given, or the number of tokens in a window is not known.
[[nodiscard]] std::vector<TokenSequence> sequences_of(const TokenSource& source,
                                                      const Configuration& configuration);

}  // namespace lipcert
