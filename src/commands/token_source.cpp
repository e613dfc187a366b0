#include "commands/token_source.hpp"

#include "lipcert/error.hpp"

#include <map>

namespace lipcert {

void add_token_options(CLI::App& command, TokenSource& source, const std::string& purpose) {
    static const std::map<std::string, TokenWidth> width_names = {{"uint16", TokenWidth::uint16},
                                                                  {"uint32", TokenWidth::uint32}};
    command
        .add_option("--tokens",
                    source.tokens,
                    purpose + " these tokens: a file of bare numbers, or integers in HDF5")
        ->type_name("FILE[:/DATASET]");
    command
        .add_option("--token-type",
                    source.width,
                    "How a file of bare numbers stores them: uint16 (default) or uint32")
        ->transform(CLI::CheckedTransformer(width_names).description(""))
        ->type_name("TYPE");
    command
        .add_option(
            "--text", source.text, "The same on a text, for a character model with its vocabulary")
        ->type_name("FILE");
    command.add_option("--context", source.context, "Tokens in one window (default: the model's)")
        ->check(CLI::Range(std::size_t{1}, std::size_t{1} << 24U))
        ->type_name("N");
}

std::vector<TokenSequence> sequences_of(const TokenSource& source,
                                        const Configuration& configuration) {
    if (!source.is_given()) {
        return {};
    }
    if (source.tokens && source.text) {
        throw Error(ErrorKind::usage, "", "--tokens and --text exclude each other");
    }
    const std::optional<std::size_t> context =
        source.context ? source.context : context_length(configuration);
    if (!context) {
        throw Error(ErrorKind::usage,
                    "--context",
                    "how many tokens the model sees at once is not in its configuration: give it");
    }
    const std::vector<TokenSequence> rows =
        source.tokens
            ? read_tokens(*source.tokens, source.width)
            : std::vector<TokenSequence>{read_character_file(*source.text, configuration)};
    std::vector<TokenSequence> result;
    for (const TokenSequence& row : rows) {
        const std::vector<TokenSequence> parts = windows(row, *context);
        result.insert(result.end(), parts.begin(), parts.end());
    }
    return result;
}

}  // namespace lipcert
