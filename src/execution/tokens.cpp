#include "lipcert/execution/tokens.hpp"

#include "lipcert/error.hpp"
#include "lipcert/printable.hpp"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <map>

namespace lipcert {

namespace {

std::string read_all(const std::filesystem::path& path) {
    if (!std::filesystem::is_regular_file(path)) {
        throw Error(ErrorKind::input, path.string(), "is no regular file; expected tokens or text");
    }
    std::ifstream stream(path, std::ios::binary);
    std::string bytes(std::istreambuf_iterator<char>(stream), {});
    if (!stream.good() && !stream.eof()) {
        throw Error(ErrorKind::input, path.string(), "cannot be read");
    }
    if (bytes.empty()) {
        throw Error(ErrorKind::input, path.string(), "is empty; expected tokens or text");
    }
    return bytes;
}

/// The code points of UTF-8 text, each as its bytes.
std::vector<std::string> characters_of(const std::string& text) {
    std::vector<std::string> characters;
    for (const char byte : text) {
        const bool continues = (static_cast<std::uint8_t>(byte) & 0xC0U) == 0x80U;
        if (continues && !characters.empty()) {
            characters.back() += byte;
        } else {
            characters.emplace_back(1, byte);
        }
    }
    return characters;
}

}  // namespace

TokenSequence read_token_file(const std::filesystem::path& path) {
    const std::string bytes = read_all(path);
    if (bytes.size() % 2 != 0) {
        throw Error(ErrorKind::input,
                    path.string(),
                    "has an odd number of bytes; expected 16-bit token numbers");
    }
    TokenSequence tokens;
    tokens.reserve(bytes.size() / 2);
    for (std::size_t i = 0; i < bytes.size(); i += 2) {
        tokens.push_back(static_cast<std::size_t>(static_cast<std::uint8_t>(bytes[i])) +
                         (static_cast<std::size_t>(static_cast<std::uint8_t>(bytes[i + 1])) << 8U));
    }
    return tokens;
}

TokenSequence read_character_file(const std::filesystem::path& path,
                                  const Configuration& configuration) {
    const auto found = configuration.values.find("vocabulary");
    if (found == configuration.values.end() || !found->is_string()) {
        throw Error(ErrorKind::architecture,
                    configuration.source,
                    "has no string 'vocabulary', so that text has no tokens: give token numbers "
                    "with --tokens");
    }
    std::map<std::string, std::size_t> token_of;
    for (const std::string& character : characters_of(found->get<std::string>())) {
        token_of.emplace(character, token_of.size());
    }
    TokenSequence tokens;
    for (const std::string& character : characters_of(read_all(path))) {
        const auto token = token_of.find(character);
        if (token == token_of.end()) {
            throw Error(ErrorKind::input,
                        path.string(),
                        "has the character '" + printable(character) +
                            "', which the model's vocabulary does not have");
        }
        tokens.push_back(token->second);
    }
    return tokens;
}

std::optional<std::size_t> context_length(const Configuration& configuration) {
    for (const char* key : {"context_length",
                            "block_size",
                            "n_positions",
                            "n_ctx",
                            "seq_len",
                            "max_position_embeddings"}) {
        const auto found = configuration.values.find(key);
        if (found != configuration.values.end() && found->is_number_unsigned() &&
            found->get<std::size_t>() > 0) {
            return found->get<std::size_t>();
        }
    }
    return std::nullopt;
}

std::vector<TokenSequence> windows(const TokenSequence& tokens, std::size_t context) {
    if (context == 0) {
        throw Error(ErrorKind::usage, "--context", "must be at least 1");
    }
    std::vector<TokenSequence> result;
    for (std::size_t begin = 0; begin + 1 < tokens.size(); begin += context) {
        const std::size_t end = std::min(begin + context + 1, tokens.size());
        result.emplace_back(tokens.begin() + static_cast<std::ptrdiff_t>(begin),
                            tokens.begin() + static_cast<std::ptrdiff_t>(end));
    }
    return result;
}

}  // namespace lipcert
