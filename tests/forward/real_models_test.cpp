#include "lipcert/architecture/description.hpp"
#include "lipcert/checkpoint/checkpoint.hpp"
#include "lipcert/checkpoint/configuration.hpp"
#include "lipcert/execution/transformer.hpp"

#include <bit>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "support/forward.hpp"
#include <doctest/doctest.h>

namespace lipcert::test {

namespace {

using std::filesystem::path;

path source_folder() {
    return LIPCERT_SOURCE_DIR;
}

/// Says so and returns false where a file that is not part of the project is absent.
bool is_there(const path& file) {
    if (!std::filesystem::exists(file)) {
        MESSAGE("skipped: there is no " << file.string());
        return false;
    }
    return true;
}

ForwardModel load(const path& file) {
    const auto checkpoint = open_checkpoint(file);
    const Configuration configuration = find_configuration(*checkpoint, std::nullopt);
    return {architecture_of(*checkpoint, configuration), *checkpoint};
}

template <class Value>
Value read_value(std::ifstream& file) {
    static_assert(std::endian::native == std::endian::little);
    char bytes[sizeof(Value)] = {};
    file.read(bytes, sizeof bytes);
    Value value{};
    std::memcpy(&value, bytes, sizeof value);
    return value;
}

/// llama2.c's tokenizer: the longest token's length, then for each token score, length, text.
std::vector<std::string> read_vocabulary(const path& file) {
    std::ifstream stream(file, std::ios::binary);
    std::vector<std::string> texts;
    static_cast<void>(read_value<std::int32_t>(stream));
    while (stream.peek() != std::ifstream::traits_type::eof()) {
        static_cast<void>(read_value<float>(stream));
        std::string text(static_cast<std::size_t>(read_value<std::int32_t>(stream)), '\0');
        stream.read(text.data(), static_cast<std::streamsize>(text.size()));
        texts.push_back(std::move(text));
    }
    return texts;
}

std::size_t most_likely_next(const Matrix& logits) {
    Eigen::Index best = 0;
    logits.bottomRows(1).row(0).maxCoeff(&best);
    return static_cast<std::size_t>(best);
}

using Tokens = std::vector<std::size_t>;
using Logits = std::function<Matrix(const Tokens&)>;

/// What greedy decoding tells from the beginning of a text (token 1) on.
std::string told(const Logits& logits,
                 const std::vector<std::string>& vocabulary,
                 std::size_t length) {
    Tokens tokens{1};
    std::string story;
    while (story.size() < length && tokens.size() < 100) {
        tokens.push_back(most_likely_next(logits(tokens)));
        std::string text = vocabulary.at(tokens.back());
        if (tokens.size() == 2 && text.front() == ' ') {
            text.erase(0, 1);
        }
        story += text;
    }
    return story.substr(0, length);
}

}  // namespace

TEST_CASE("stories260K tells its known story by greedy decoding") {
    const path folder = source_folder() / ".." / "shared" / "models";
    if (!is_there(folder / "stories260K.h5") || !is_there(folder / "tok512.bin")) {
        return;
    }
    const auto checkpoint = open_checkpoint(folder / "stories260K.h5");
    const Architecture architecture =
        architecture_of(*checkpoint, find_configuration(*checkpoint, std::nullopt));
    const ForwardModel plain(architecture, *checkpoint);
    const Transformer engine(architecture, *checkpoint);
    const FastTransformer fast(architecture, *checkpoint);
    const std::vector<std::string> vocabulary = read_vocabulary(folder / "tok512.bin");
    CHECK(vocabulary.size() == 512);
    const std::string expected =
        "Once upon a time, there was a little girl named Lily. She loved to play outside in the "
        "park. One day, she saw a big, red ball";
    const std::vector<std::pair<std::string, Logits>> programs = {
        {"plain loops", [&](const Tokens& seen) { return plain.logits(plain.embed(seen)); }},
        {"float64", [&](const Tokens& seen) { return engine.logits(engine.embed(seen)); }},
        {"float32",
         [&](const Tokens& seen) { return Matrix(fast.logits(fast.embed(seen)).cast<double>()); }}};
    for (const std::pair<std::string, Logits>& program : programs) {
        CAPTURE(program.first);
        CHECK(told(program.second, vocabulary, expected.size()) == expected);
    }
}

TEST_CASE("the trained samples give the logits of their independent references") {
    for (const std::string name : {"moby_dick", "moby_dick_norm4"}) {
        CAPTURE(name);
        const path model_file = source_folder() / "sample_models" / (name + ".h5");
        const path check_file = source_folder() / "sample_models" / (name + "_check.json");
        if (!is_there(model_file) || !is_there(check_file)) {
            continue;
        }
        std::ifstream stream(check_file);
        const nlohmann::json check = nlohmann::json::parse(stream);
        const ForwardModel model = load(model_file);
        const auto tokens = check.at("token_ids").get<std::vector<std::size_t>>();
        const Matrix logits = model.logits(model.embed(tokens));
        const auto position = check.at("position").get<Eigen::Index>();
        const auto first = check.at("first_logits").get<std::vector<double>>();
        for (std::size_t k = 0; k < first.size(); ++k) {
            CHECK(logits(position, static_cast<Eigen::Index>(k)) ==
                  doctest::Approx(first[k]).epsilon(1e-9));
        }
        CHECK(most_likely_next(logits) == check.at("largest_logit_token").get<std::size_t>());
    }
}

}  // namespace lipcert::test
