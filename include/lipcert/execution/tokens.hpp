#pragma once

#include "lipcert/checkpoint/configuration.hpp"
#include "lipcert/execution/evaluate.hpp"

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace lipcert {

/// Tokens of a `.bin` file: little-endian unsigned 16-bit numbers without a header, as nanoGPT's
/// scripts write them. Throws Error{input} for a file that is empty or ends within a token.
[[nodiscard]] TokenSequence read_token_file(const std::filesystem::path& path);

/// The characters (code points of UTF-8) of a text as tokens: their places in the string
/// `vocabulary` of the configuration. Throws Error{input} that names a character outside it, and
/// Error{architecture} where the configuration has none.
[[nodiscard]] TokenSequence read_character_file(const std::filesystem::path& path,
                                                const Configuration& configuration);

/// How many tokens the model was made for: `context_length`, `block_size`, `n_positions`, `n_ctx`,
/// `seq_len` or `max_position_embeddings` of the configuration.
[[nodiscard]] std::optional<std::size_t> context_length(const Configuration& configuration);

/// Consecutive windows that share their border token, so that every token but the first is
/// predicted once, each from at most `context` tokens before it. Throws Error{usage} for a context
/// of 0.
[[nodiscard]] std::vector<TokenSequence> windows(const TokenSequence& tokens, std::size_t context);

}  // namespace lipcert
