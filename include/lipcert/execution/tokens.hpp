#pragma once

#include "lipcert/architecture/graph.hpp"
#include "lipcert/checkpoint/checkpoint.hpp"
#include "lipcert/checkpoint/configuration.hpp"
#include "lipcert/execution/evaluate.hpp"

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace lipcert {

/// How the numbers of a token file without a header are stored, little end first.
enum class TokenWidth { uint16, uint32 };

/// Tokens in rows: one row, or those of a dataset of two dimensions. `source` is a file of bare
/// numbers of `width`, as nanoGPT's scripts write them (`.bin`), an HDF5 file with one dataset of
/// integers, or "FILE:/dataset". Throws Error{input} for a file that is empty, ends within a token
/// or holds no integers.
[[nodiscard]] std::vector<TokenSequence> read_tokens(const std::string& source, TokenWidth width);

/// "FILE" of "FILE" or "FILE:/dataset".
[[nodiscard]] std::filesystem::path file_of_tokens(const std::string& source);

/// Of bare numbers.
[[nodiscard]] TokenSequence read_token_file(const std::filesystem::path& path,
                                            TokenWidth width = TokenWidth::uint16);

/// The characters (code points of UTF-8) of a text as tokens: their places in the string
/// `vocabulary` of the configuration. Throws Error{input} that names a character outside it, and
/// Error{architecture} where the configuration has none.
[[nodiscard]] TokenSequence read_character_file(const std::filesystem::path& path,
                                                const Configuration& configuration);

/// Throws Error{input} for a token beyond the vocabulary, and where no sequence has two tokens,
/// Error{architecture} where the model reads vectors: before time is spent on a certificate.
void require_known_tokens(const std::vector<TokenSequence>& sequences,
                          const Architecture& architecture,
                          const Checkpoint& checkpoint);

/// How many tokens the model was made for: `context_length`, `block_size`, `n_positions`, `n_ctx`,
/// `seq_len` or `max_position_embeddings` of the configuration.
[[nodiscard]] std::optional<std::size_t> context_length(const Configuration& configuration);

/// Consecutive windows that share their border token, so that every token but the first is
/// predicted once, each from at most `context` tokens before it. Throws Error{usage} for a context
/// of 0.
[[nodiscard]] std::vector<TokenSequence> windows(const TokenSequence& tokens, std::size_t context);

}  // namespace lipcert
