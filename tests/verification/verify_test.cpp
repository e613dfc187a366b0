#include "lipcert/verification/verify.hpp"

#include "lipcert/architecture/description.hpp"
#include "lipcert/error.hpp"
#include "lipcert/report/certificate_file.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/hdf5_writer.hpp"
#include "support/json_schema.hpp"
#include "support/program.hpp"
#include "support/random.hpp"
#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>
#include <hdf5.h>

using lipcert::test::Hdf5Id;
using lipcert::test::Outcome;
using lipcert::test::read_file;
using lipcert::test::run;
using lipcert::test::sample_model;
using lipcert::test::TemporaryFolder;
using lipcert::test::write_file;
using Json = nlohmann::ordered_json;

namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

/// A sample model with the full certificate of it.
struct Certified {
    TemporaryFolder folder;
    std::string model;
    std::string text;

    explicit Certified(const std::string& sample, std::vector<std::string> arguments = {})
        : model(sample_model(sample).string()) {
        arguments.insert(arguments.begin(), {"certify", model, "--certificate", file()});
        const Outcome outcome = run(arguments);
        INFO(outcome.err);
        REQUIRE(outcome.exit_code <= 1);
        text = read_file(file());
    }

    [[nodiscard]] std::string file() const { return (folder / "certificate.json").string(); }

    [[nodiscard]] Json json() const { return Json::parse(text); }

    /// What becomes of other data, under their own digest or under that of the original.
    [[nodiscard]] lipcert::Verification verify(Json changed, bool is_sealed) const {
        if (is_sealed) {
            changed["digest"] = lipcert::certificate_digest(changed);
        }
        const auto checkpoint = lipcert::open_checkpoint(model);
        const lipcert::Configuration configuration =
            lipcert::find_configuration(*checkpoint, std::nullopt);
        return lipcert::verify(lipcert::StatedCertificate(changed.dump(1) + "\n", "changed"),
                               *checkpoint,
                               lipcert::architecture_of(*checkpoint, configuration),
                               configuration,
                               {});
    }
};

/// Every place in `json` that holds no object and no list.
void leaves_of(const Json& json, const std::string& path, std::vector<std::string>& leaves) {
    if (!json.is_structured()) {
        leaves.push_back(path);
        return;
    }
    std::size_t index = 0;
    for (const auto& member : json.items()) {
        const std::string key = json.is_array() ? std::to_string(index++) : member.key();
        leaves_of(member.value(), path + "/" + key, leaves);
    }
}

/// Another value of the same type: a digit or a letter changed, a number or a truth value.
Json changed(const Json& value) {
    if (value.is_boolean()) {
        return !value.get<bool>();
    }
    if (value.is_number_integer()) {
        return value.get<long>() + 1;
    }
    if (value.is_number()) {
        // A tenth of a logarithm near 0 would be less than the slack.
        const double number = value.get<double>();
        return number == 0.0 ? 1.0 : std::abs(number) < 1e-3 ? number - 1.0 : number * 0.9;
    }
    if (value.is_string()) {
        std::string text = value.get<std::string>();
        for (char& c : text) {
            if (std::isdigit(static_cast<unsigned char>(c)) != 0) {
                c = c == '0' ? '1' : static_cast<char>(c - 1);
                return text;
            }
        }
        return text + "x";
    }
    return 1;
}

/// The name of the last member of a path that is no index.
std::string key_of(std::string path) {
    while (true) {
        const std::string last = path.substr(path.rfind('/') + 1);
        if (last.find_first_not_of("0123456789") != std::string::npos) {
            return last;
        }
        path = path.substr(0, path.rfind('/'));
    }
}

/// Says where something came from or how it was found; what is stated holds whatever it says.
bool is_harmless(const std::string& path) {
    const std::string key = key_of(path);
    return path == "/lipcert" || path == "/model/path" || key == "source" || key == "method" ||
           key == "data" || contains(path, "/values/");
}

std::string conditions_file(const TemporaryFolder& folder) {
    return write_file(folder / "conditions.json",
                      R"({"schema": "lipcert-conditions-1", "data": "made up",
                          "minimum_rms": {"model.norm.weight": 0.5}})")
        .string();
}

const std::vector<std::string> kSamples = {"tiny_gpt2.h5",
                                           "tiny_llama.h5",
                                           "tiny_nanogpt.h5",
                                           "tiny_lipschitz_transformer.h5",
                                           "moby_dick.h5"};

}  // namespace

TEST_CASE("what certify states, verify confirms, with limits that hold and limits that do not") {
    for (const std::string& sample : kSamples) {
        CAPTURE(sample);
        for (const char* limit : {"1e300", "1e-300"}) {
            const Certified certified(sample,
                                      {"--max-lipschitz",
                                       limit,
                                       "--max-spectral-norm",
                                       limit,
                                       "--max-activation",
                                       limit,
                                       "--bound",
                                       "frobenius",
                                       "--sequence-length",
                                       "7"});
            const Outcome outcome = run({"verify", certified.file(), certified.model});
            INFO(outcome.out);
            INFO(outcome.err);
            CHECK(outcome.exit_code == 0);
            CHECK(contains(outcome.out, "confirmed"));
            CHECK(contains(outcome.out, "exceeded") == (std::string(limit) == "1e-300"));
        }
    }
}

TEST_CASE("a certificate of any effort is confirmed with the same effort") {
    for (const std::string effort : {"fast", "max"}) {
        CAPTURE(effort);
        const Certified certified("tiny_lipschitz_transformer.h5", {"--effort", effort});
        CHECK(certified.json().at("evidence").at("effort") == effort);
        CHECK(certified.verify(certified.json(), true).is_confirmed());
    }
}

TEST_CASE("a certificate of mixtures of embeddings is confirmed as one, not as one of the ball") {
    const Certified mixtures("moby_dick.h5", {"--inputs", "embeddings", "--effort", "fast"});
    CHECK(mixtures.verify(mixtures.json(), true).is_confirmed());
    for (const std::string kind : {"ball", "all"}) {
        Json relabelled = mixtures.json();
        relabelled["domain"]["kind"] = kind;
        CHECK(!mixtures.verify(relabelled, true).is_confirmed());
    }
    // A model of which nothing is proved for mixtures alone cannot be certified for them.
    const Certified everywhere("tiny_gpt2.h5");
    Json forged = everywhere.json();
    forged["domain"]["kind"] = "embeddings";
    CHECK(!everywhere.verify(forged, true).is_confirmed());
}

TEST_CASE(
    "a certificate of streams of a stated length is confirmed as one, and its length is a number") {
    const Certified certified("moby_dick.h5", {"--longest-stream", "3", "--effort", "fast"});
    CHECK(certified.json().at("domain").at("longest_stream") == 3);
    CHECK(certified.verify(certified.json(), true).is_confirmed());
    for (const Json& other : {Json(0), Json("3"), Json(-3), Json(1e300)}) {
        Json changed = certified.json();
        changed["domain"]["longest_stream"] = other;
        CHECK(!certified.verify(changed, true).is_confirmed());
    }
    // Also where a limit gains nothing, as here, the evidence is that of other candidates.
    Json unlimited = certified.json();
    unlimited["domain"].erase("longest_stream");
    CHECK(!certified.verify(unlimited, true).is_confirmed());
}

TEST_CASE("a number in a certificate does not cost hours") {
    const Certified certified("tiny_llama.h5", {"--longest-stream", "5", "--effort", "fast"});
    for (const Json& tokens : {Json(4097), Json(1000000000000)}) {
        Json longer = certified.json();
        longer["domain"]["longest_stream"] = tokens;
        const lipcert::Verification result = certified.verify(longer, true);
        CHECK_FALSE(result.is_confirmed());
        CHECK_FALSE(result.proved);
        CHECK(contains(result.disagreements.back().reason, "4096"));
    }
    CHECK(run({"certify", certified.model, "--longest-stream", "4097"}).exit_code == 4);

    // Neither lengths nor lists of numbers make it search.
    Json long_length = certified.json();
    long_length["evidence"]["sequence_length"] = 18446744073709551615U;
    CHECK_FALSE(certified.verify(long_length, true).is_confirmed());
    Json most = certified.json();
    most["evidence"]["effort"] = "max";
    most["evidence"]["searches"] = Json::array();
    CHECK_FALSE(certified.verify(most, true).is_confirmed());
    Json limit = certified.json();
    limit["limits"].push_back({{"kind", "max-activation"},
                               {"quantity", "residual stream"},
                               {"limit", std::string(2000, '9')},
                               {"actual", "1"},
                               {"ok", true}});
    CHECK_FALSE(certified.verify(limit, true).is_confirmed());
}

TEST_CASE("another tensor is read once, however often a certificate names it") {
    const Certified certified("tiny_llama.h5");
    Json other = certified.json();
    other["model"]["sha256"] = std::string(64, '0');
    Json& tensors = other["evidence"]["tensors"];
    Json first = tensors[0];
    first["sha256"] = std::string(64, '1');
    tensors = Json::array();
    for (int i = 0; i < 5000; ++i) {
        tensors.push_back(first);
    }
    const lipcert::Verification result = certified.verify(other, true);
    REQUIRE(result.disagreements.size() == 2);
    CHECK(result.disagreements.back().at == "tensor " + first["name"].get<std::string>());
}

TEST_CASE("a candidate that loses proves its own bound, and nothing below it") {
    const Certified certified("tiny_lipschitz_transformer.h5");
    std::size_t choices = 0;
    std::size_t refuted = 0;
    const Json searches = certified.json().at("evidence").at("searches");
    for (std::size_t i = 0; i < searches.size(); ++i) {
        if (!contains(searches[i].at("kind").get<std::string>(), "candidate for ")) {
            continue;
        }
        ++choices;
        for (const double number : {1.0, 2.0, 9.0}) {
            Json other = certified.json();
            other["evidence"]["searches"][i]["values"] = Json::array({number});
            const lipcert::Verification result = certified.verify(other, true);
            refuted += result.is_confirmed() ? 0U : 1U;
            CHECK((!result.is_confirmed() ||
                   result.proved->bounds.max_token_rms.upper <=
                       lipcert::Upper::parse(
                           other["bounds"]["max_token_rms"]["upper"].get<std::string>())));
        }
    }
    CHECK(choices > 4);
    CHECK(refuted > choices);
}

TEST_CASE("a limit that a norm just meets is confirmed") {
    const Certified free("tiny_llama.h5");
    const Json norms = free.json().at("matrices");
    double largest = 0.0;
    for (const Json& matrix : norms) {
        largest = std::max(largest, matrix.at("spectral_norm").at("upper").get<double>());
    }
    const Certified tight("tiny_llama.h5", {"--max-spectral-norm", Json(largest).dump()});
    CHECK(run({"verify", tight.file(), tight.model}).exit_code == 0);
}

TEST_CASE("one thread and two write the same bytes, which say all that --json says") {
    const Certified first("moby_dick.h5", {"--max-lipschitz", "1e9", "--threads", "1"});
    const Certified second("moby_dick.h5", {"--max-lipschitz", "1e9", "--threads", "2"});
    CHECK(first.text == second.text);
    const Json plain =
        Json::parse(run({"certify", first.model, "--max-lipschitz", "1e9", "--json", "-"}).out);
    const Json full = first.json();
    for (const auto& member : plain.items()) {
        CHECK(full.contains(member.key()));
    }
    CHECK(full.at("matrices").size() == plain.at("matrices").size());
}

TEST_CASE("a certificate of which anything was changed is refuted") {
    const TemporaryFolder folder;
    for (const std::string sample : {"tiny_llama.h5", "tiny_lipschitz_transformer.h5"}) {
        std::vector<std::string> arguments = {"--max-lipschitz", "1e9", "--sequence-length", "3"};
        if (sample == "tiny_llama.h5") {
            arguments.insert(arguments.end(), {"--assume", conditions_file(folder)});
        }
        const Certified certified(sample, arguments);
        REQUIRE(certified.verify(certified.json(), false).is_confirmed());
        std::vector<std::string> leaves;
        leaves_of(certified.json(), "", leaves);
        CHECK(leaves.size() > 100);
        std::size_t values = 0;
        std::size_t examples = 0;
        for (const std::string& leaf : leaves) {
            CAPTURE(leaf);
            // Of thousands of multipliers some.
            if (contains(leaf, "/values/") && values++ % 40 != 0) {
                continue;
            }
            Json other = certified.json();
            Json& value = other[Json::json_pointer(leaf)];
            value = changed(value);
            const auto verdict = [&](bool is_sealed) {
                try {
                    const lipcert::Verification result = certified.verify(other, is_sealed);
                    for (const lipcert::Disagreement& disagreement : result.disagreements) {
                        CHECK_FALSE(disagreement.reason.empty());
                    }
                    return result.is_confirmed();
                } catch (const lipcert::Error& error) {  // no certificate any more
                    CHECK(error.kind() == lipcert::ErrorKind::input);
                    return false;
                }
            };
            // The digest shows it; of the whole run without a new one some examples.
            CHECK(lipcert::certificate_digest(other) != other["digest"]);
            if (examples++ % 20 == 0) {
                CHECK_FALSE(verdict(false));
            }
            if (leaf != "/digest" && !is_harmless(leaf)) {
                CHECK_FALSE(verdict(true));
            }
        }
    }
}

TEST_CASE("other multipliers prove other bounds: confirmed or not, none is below what is proved") {
    const Certified certified("tiny_lipschitz_transformer.h5");
    Json other = certified.json();
    for (Json& search : other["evidence"]["searches"]) {
        for (Json& value : search["values"]) {
            value = value.get<double>() * 0.7;
        }
    }
    const lipcert::Verification result = certified.verify(other, true);
    REQUIRE(result.proved);
    const auto& proved = result.proved->bounds;
    const bool is_below =
        lipcert::Upper::parse(other["bounds"]["max_token_rms"]["upper"].get<std::string>()) <
        proved.max_token_rms.upper;
    CHECK((result.is_confirmed() ? !is_below : true));
    Json none = certified.json();
    none["evidence"]["searches"] = Json::array();
    CHECK_FALSE(certified.verify(none, true).is_confirmed());
    // A search that is said to have found nothing, or numbers that no search finds.
    for (const double number : {0.0, 1e-310, 1e-200, 5e-324, 1e300}) {
        Json hostile = certified.json();
        for (Json& search : hostile["evidence"]["searches"]) {
            if (number == 0.0) {
                search["values"] = Json::array();
            } else {
                for (Json& value : search["values"]) {
                    value = number;
                }
            }
        }
        CAPTURE(number);
        const lipcert::Verification verified = certified.verify(hostile, true);
        REQUIRE(verified.proved);
        CHECK((!verified.is_confirmed() ||
               verified.proved->bounds.max_token_rms.upper <=
                   lipcert::Upper::parse(
                       hostile["bounds"]["max_token_rms"]["upper"].get<std::string>())));
    }
}

TEST_CASE("members that are added, missing or said twice are refuted") {
    const Certified certified("tiny_llama.h5");
    Json more = certified.json();
    more["bounds"]["another"] = 1;
    CHECK_FALSE(certified.verify(more, true).is_confirmed());
    // Nothing hides behind a name that need not agree, nor in place of such a text.
    for (const char* place : {"/method", "/bounds/method", "/matrices/0/spectral_norm/method"}) {
        CAPTURE(place);
        Json hidden = certified.json();
        hidden[Json::json_pointer(place)] = "another";
        CHECK_FALSE(certified.verify(hidden, true).is_confirmed());
    }
    for (const char* place : {"/lipcert", "/model/path", "/architecture/source"}) {
        CAPTURE(place);
        Json hidden = certified.json();
        hidden[Json::json_pointer(place)] = {{"upper", 0}};
        CHECK_FALSE(certified.verify(hidden, true).is_confirmed());
    }
    Json less = certified.json();
    less["bounds"].erase("logit");
    CHECK_FALSE(certified.verify(less, true).is_confirmed());
    Json fewer = certified.json();
    fewer["matrices"].erase(0);
    CHECK_FALSE(certified.verify(fewer, true).is_confirmed());

    // One of the two members would be what a reader sees.
    const std::string twice = "{\n \"verdict\": \"certified\"," + certified.text.substr(1);
    write_file(certified.folder / "twice.json", twice);
    CHECK(run({"verify", (certified.folder / "twice.json").string(), certified.model}).exit_code ==
          2);
    write_file(certified.folder / "spaces.json", " " + certified.text);
    const Outcome spaces =
        run({"verify", (certified.folder / "spaces.json").string(), certified.model});
    CHECK(spaces.exit_code == 1);
    CHECK(contains(spaces.out, "text"));
}

TEST_CASE("a changed weight is found and its tensor named") {
    const Certified certified("tiny_llama.h5");
    const std::string model = (certified.folder / "other.h5").string();
    std::filesystem::copy_file(certified.model, model);
    const std::string tensor = Json::parse(certified.text)["matrices"][1]["name"];
    {
        const Hdf5Id file(H5Fopen(model.c_str(), H5F_ACC_RDWR, H5P_DEFAULT));
        const Hdf5Id dataset(H5Dopen2(file, tensor.c_str(), H5P_DEFAULT));
        const Hdf5Id space(H5Dget_space(dataset));
        std::vector<double> values(static_cast<std::size_t>(H5Sget_simple_extent_npoints(space)));
        REQUIRE(H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) >=
                0);
        values.back() += 0.25;
        REQUIRE(H5Dwrite(
                    dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) >= 0);
    }
    const Outcome outcome = run({"verify", certified.file(), model});
    CHECK(outcome.exit_code == 1);
    CHECK(contains(outcome.out, "tensor " + tensor + ": holds other values"));
    CHECK(contains(outcome.out, "refuted: 2 disagreements"));
    CHECK(run({"verify", certified.file(), sample_model("tiny_gpt2.h5").string()}).exit_code == 1);
}

TEST_CASE("another configuration is found, also where it changes no bound") {
    const Certified certified("tiny_llama.h5");
    const Outcome outcome = run({"verify", certified.file(), certified.model, "--set", "extra=1"});
    CHECK(outcome.exit_code == 1);
    CHECK(contains(outcome.out, "configuration_sha256"));
}

TEST_CASE("a hypothesis that was strengthened in the certificate is refuted") {
    const TemporaryFolder folder;
    const Certified certified("tiny_llama.h5", {"--assume", conditions_file(folder)});
    CHECK(run({"verify", certified.file(), certified.model}).exit_code == 0);
    for (const double stated : {0.25, 0.75}) {
        Json other = certified.json();
        other["conditional"]["domain"]["conditions"][0]["minimum_rms"] = stated;
        CHECK_FALSE(certified.verify(other, true).is_confirmed());
    }
    Json unknown = certified.json();
    unknown["conditional"]["domain"]["conditions"][0]["at"] = "nowhere";
    CHECK_FALSE(certified.verify(unknown, true).is_confirmed());
}

TEST_CASE("what is no full certificate is an error, not a verdict") {
    const TemporaryFolder folder;
    const std::string model = sample_model("tiny_llama.h5").string();
    const std::string plain = (folder / "plain.json").string();
    REQUIRE(run({"certify", model, "--json", plain}).exit_code == 0);
    const Outcome outcome = run({"verify", plain, model});
    CHECK(outcome.exit_code == 2);
    CHECK(contains(outcome.err, "--certificate"));
    for (const char* text : {"",
                             "{",
                             "[]",
                             "{}",
                             "{\"schema\": \"lipcert-certificate-1\"}",
                             "{\"schema\": \"lipcert-certificate-1\", \"evidence\": 1}",
                             "{\"schema\": \"lipcert-certificate-1\", \"evidence\": {}, "
                             "\"model\": {\"sha256\": 3}}"}) {
        CAPTURE(text);
        const std::string file = write_file(folder / "bad.json", text).string();
        CHECK(run({"verify", file, model}).exit_code == 2);
    }
    CHECK(run({"verify", (folder / "missing.json").string(), model}).exit_code == 2);
    // As an unsigned number -1 would be the longest sequence there is.
    Json negative = Certified("tiny_llama.h5").json();
    negative["evidence"]["sequence_length"] = -1;
    CHECK_THROWS_AS((void)lipcert::StatedCertificate(negative.dump(), "negative").sequence_length(),
                    lipcert::Error);
    CHECK(run({"verify", plain}).exit_code == 4);
    CHECK(run({"certify", model, sample_model("tiny_gpt2.h5").string(), "--certificate", plain})
              .exit_code == 4);
}

TEST_CASE("both JSON texts fit their published schemas") {
    const auto schema = [](const std::string& name) {
        return nlohmann::json::parse(
            read_file(lipcert::test::source_folder() / "docs/schemas" / (name + ".schema.json")));
    };
    const Certified certified("moby_dick.h5");
    CHECK(lipcert::test::schema_violations(schema("lipcert-certificate-1"),
                                           nlohmann::json::parse(certified.text))
              .empty());
    for (const std::string& model : {certified.model, sample_model("tiny_gpt2.h5").string()}) {
        const Outcome outcome = run({"verify", certified.file(), model, "--json", "-"});
        const auto json = nlohmann::json::parse(outcome.out);
        CHECK(lipcert::test::schema_violations(schema("lipcert-verification-1"), json).empty());
        CHECK((json.at("verdict") == "confirmed") == (outcome.exit_code == 0));
    }
}

TEST_CASE("a described model whose scores are squared distances is certified and verified [R24]") {
    const TemporaryFolder folder;
    const std::string family = write_file(folder / "family.json", R"json({
        "family": "distances",
        "model": [{"embedding": "e"},
                  {"repeat": 2, "index": "i", "body": [
                      {"residual": [{"attention": {
                          "q": {"weight": "{i}.q", "bias": "{i}.b"},
                          "k": "{i}.k", "v": "{i}.v", "o": "{i}.o",
                          "heads": 2, "score_scale": "1/4", "scores": "squared_distance",
                          "rotary": "none", "causal": true}}]}]},
                  {"unembedding": ["u"]}]})json")
                                   .string();
    const std::string model = (folder / "model.h5").string();
    lipcert::test::Random random(98);
    {
        lipcert::test::Hdf5Writer writer(model);
        const auto add = [&](const std::string& name, const std::vector<hsize_t>& shape) {
            const auto count = shape[0] * (shape.size() == 2 ? shape[1] : 1);
            const lipcert::Vector values = random.gaussian_vector(static_cast<Eigen::Index>(count));
            writer.add(name, shape, {values.data(), values.data() + values.size()});
        };
        add("e", {5, 4});
        add("u", {5, 4});
        for (const std::string layer : {"0.", "1."}) {
            for (const char* map : {"q", "k", "v", "o"}) {
                add(layer + map, {4, 4});
            }
            add(layer + "b", {4});
        }
    }
    const auto certified = [&](const std::string& described) {
        const std::string file = described + ".certificate.json";
        const Outcome outcome = run({"certify",
                                     model,
                                     "--architecture",
                                     described,
                                     "--sequence-length",
                                     "4",
                                     "--certificate",
                                     file});
        INFO(outcome.err);
        REQUIRE(outcome.exit_code == 0);
        return file;
    };
    const auto verdict = [&](const std::string& certificate) {
        return run({"verify", certificate, model, "--architecture", family}).exit_code;
    };
    const std::string distances = certified(family);
    CHECK(contains(read_file(distances), "R24"));
    CHECK(verdict(distances) == 0);
    // What holds for dot products is no certificate of distances.
    std::string products = read_file(family);
    const std::string word = "squared_distance";
    products.replace(products.find(word), word.size(), "dot_product");
    CHECK(verdict(certified(write_file(folder / "products.json", products).string())) == 1);
}
