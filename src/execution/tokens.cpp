#include "lipcert/execution/tokens.hpp"

#include "lipcert/checkpoint/integers.hpp"
#include "lipcert/error.hpp"
#include "lipcert/printable.hpp"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <map>
#include <string_view>

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

bool is_hdf5(const std::filesystem::path& path) {
    constexpr std::string_view kSignature("\x89HDF\r\n\x1a\n", 8);
    std::ifstream stream(path, std::ios::binary);
    std::string head(kSignature.size(), '\0');
    stream.read(head.data(), static_cast<std::streamsize>(head.size()));
    return head == kSignature;
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

TokenSequence read_token_file(const std::filesystem::path& path, TokenWidth width) {
    const std::string bytes = read_all(path);
    const std::size_t size = width == TokenWidth::uint16 ? 2 : 4;
    if (bytes.size() % size != 0) {
        throw Error(ErrorKind::input,
                    path.string(),
                    "has " + std::to_string(bytes.size()) + " bytes; expected token numbers of " +
                        std::to_string(8 * size) + " bits each");
    }
    TokenSequence tokens;
    tokens.reserve(bytes.size() / size);
    for (std::size_t i = 0; i < bytes.size(); i += size) {
        std::size_t token = 0;
        for (std::size_t k = size; k-- > 0;) {
            token = token << 8U | static_cast<std::uint8_t>(bytes[i + k]);
        }
        tokens.push_back(token);
    }
    return tokens;
}

std::filesystem::path file_of_tokens(const std::string& source) {
    return source.substr(0, source.rfind(":/"));
}

std::vector<TokenSequence> read_tokens(const std::string& source, TokenWidth width) {
    const std::size_t mark = source.rfind(":/");
    const std::filesystem::path path = file_of_tokens(source);
    if (mark == std::string::npos && !is_hdf5(path)) {
        return {read_token_file(path, width)};
    }
    const IntegerTable table =
        read_hdf5_integers(path, mark == std::string::npos ? "" : source.substr(mark + 1));
    const std::size_t columns = table.columns == 0 ? table.values.size() : table.columns;
    std::vector<TokenSequence> rows;
    for (std::size_t begin = 0; begin + columns <= table.values.size() && columns > 0;
         begin += columns) {
        const auto first = table.values.begin() + static_cast<std::ptrdiff_t>(begin);
        rows.emplace_back(first, first + static_cast<std::ptrdiff_t>(columns));
    }
    return rows;
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
    std::size_t line = 1;
    for (const std::string& character : characters_of(read_all(path))) {
        const auto token = token_of.find(character);
        if (token == token_of.end()) {
            throw Error(ErrorKind::input,
                        path.string(),
                        "line " + std::to_string(line) + " has the character '" +
                            printable(character) +
                            "', which the model's vocabulary does not have: replace or remove it");
        }
        tokens.push_back(token->second);
        if (character == "\n") {
            ++line;
        }
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

void require_known_tokens(const std::vector<TokenSequence>& sequences,
                          const Architecture& architecture,
                          const Checkpoint& checkpoint) {
    if (architecture.embedding.vectors) {
        throw Error(ErrorKind::architecture,
                    checkpoint.path(),
                    "family " + architecture.family +
                        " reads vectors, not tokens: there is no next token to predict. certify "
                        "--witness runs it on random vectors");
    }
    const TensorInfo* table = checkpoint.find(architecture.embedding.weight);
    if (table == nullptr || table->shape.empty()) {
        return;  // reading the model says what is wrong with it
    }
    bool predicts = false;
    for (const TokenSequence& sequence : sequences) {
        predicts = predicts || sequence.size() >= 2;
        for (const std::size_t token : sequence) {
            if (token >= table->shape.front()) {
                throw Error(ErrorKind::input,
                            "token " + std::to_string(token),
                            "the model's vocabulary has " + std::to_string(table->shape.front()) +
                                " tokens: these belong to another model, or are numbers of "
                                "another width");
            }
        }
    }
    if (!predicts) {
        throw Error(ErrorKind::input,
                    "tokens",
                    "there are fewer than two in a row, so no next token is predicted");
    }
}

}  // namespace lipcert
