// `lipcert cap` as a user meets it: what it writes is read back from the file and held against
// singular values that share no code with the norms of the library.
#include "lipcert/architecture/description.hpp"
#include "lipcert/architecture/weight_use.hpp"
#include "lipcert/capping/cap_items.hpp"
#include "lipcert/capping/cap_model.hpp"
#include "lipcert/checkpoint/checkpoint.hpp"
#include "lipcert/checkpoint/configuration.hpp"
#include "lipcert/execution/tokens.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/decompositions.hpp"
#include "support/program.hpp"
#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>

using namespace lipcert;
using namespace lipcert::test;
using nlohmann::json;

namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

std::vector<CapItem> items_of(const Checkpoint& checkpoint, const LimitRules& rules) {
    const Architecture architecture =
        architecture_of(checkpoint, find_configuration(checkpoint, std::nullopt));
    return cap_items(weight_uses(architecture), checkpoint, rules);
}

/// Every item of the file is at most its limit by an SVD of the stored numbers.
void check_within(const std::filesystem::path& path, const LimitRules& rules) {
    const auto checkpoint = open_checkpoint(path);
    for (const CapItem& item : items_of(*checkpoint, rules)) {
        CAPTURE(name_of(item));
        const Matrix part = part_of(checkpoint->read(*checkpoint->find(item.use.tensor)), item);
        CHECK(largest_singular_value(part) <= item.limit * (1.0 + 1e-13));
    }
}

LimitRules everywhere(const std::string& limit) {
    LimitRules rules;
    rules.limits = {{"", limit}};
    return rules;
}

double upper_of(const json& bound) {
    return std::stod(bound.at("upper").get<std::string>());
}

/// A copy of a sample model in `folder`.
std::filesystem::path copied(const TemporaryFolder& folder, const std::string& name) {
    const std::filesystem::path copy = folder / name;
    std::filesystem::copy_file(sample_model(name), copy);
    return copy;
}

const std::vector<std::string> tiny_models = {
    "tiny_lipschitz_transformer.h5", "tiny_llama.h5", "tiny_gpt2.h5", "tiny_nanogpt.h5"};

}  // namespace

TEST_CASE("every method brings every matrix under the limit, in the file itself") {
    const std::vector<std::vector<std::string>> methods = {{"normalize"},
                                                           {"hard-cap"},
                                                           {"soft-cap"},
                                                           {"hammer"},
                                                           {"weight-decay", "--until-limit"},
                                                           {"spectral-decay", "--until-limit"},
                                                           {"orthogonalize"}};
    const TemporaryFolder folder;
    std::size_t number = 0;
    for (const std::string& model : {std::string("tiny_llama.h5"), std::string("tiny_gpt2.h5")}) {
        for (const std::string limit : {"0.25", "1.5", "40"}) {
            for (const std::vector<std::string>& method : methods) {
                CAPTURE(model);
                CAPTURE(limit);
                CAPTURE(method.front());
                const std::string out = (folder / (std::to_string(number++) + ".h5")).string();
                std::vector<std::string> arguments = {
                    "cap", sample_model(model).string(), "-o", out, "--limit", limit, "--method"};
                arguments.insert(arguments.end(), method.begin(), method.end());
                const Outcome outcome = run(arguments);
                INFO(outcome.err);
                REQUIRE(outcome.exit_code == 0);
                check_within(out, everywhere(limit));
            }
        }
    }
}

TEST_CASE("every method holds in float16 on trained weights") {
    const TemporaryFolder folder;
    for (const std::string method :
         {"normalize", "hard-cap", "soft-cap", "hammer", "orthogonalize"}) {
        CAPTURE(method);
        const std::string out = (folder / (method + ".h5")).string();
        const Outcome outcome = run({"cap",
                                     sample_model("moby_dick.h5").string(),
                                     "-o",
                                     out,
                                     "--limit",
                                     "blocks.1.*=0.75",
                                     "--matrices-only",
                                     "--method",
                                     method});
        INFO(outcome.err);
        REQUIRE(outcome.exit_code == 0);
        LimitRules rules;
        rules.limits = {{"blocks.1.*", "0.75"}};
        check_within(out, rules);
    }
}

TEST_CASE("what is within its limit stays byte for byte, and a second cap changes nothing") {
    for (const std::string& name : tiny_models) {
        for (const std::string method : {"normalize", "hard-cap", "hammer", "soft-cap"}) {
            CAPTURE(name);
            CAPTURE(method);
            const TemporaryFolder folder;
            const std::filesystem::path model = copied(folder, name);
            const std::string original = read_file(model);
            const std::vector<std::string> generous = {
                "cap", model.string(), "--in-place", "--limit", "1e6", "--method", method};
            CHECK(run(generous).exit_code == 0);
            CHECK(read_file(model) == original);

            const std::vector<std::string> tight = {
                "cap", model.string(), "--in-place", "--limit", "0.7", "--method", method};
            CHECK(run(tight).exit_code == 0);
            const std::string once = read_file(model);
            const Outcome again = run(tight);
            CHECK(again.exit_code == 0);
            CHECK(contains(again.out, "nothing had to change"));
            CHECK(read_file(model) == once);
        }
    }
}

TEST_CASE("the trained sample meets a target of 2, and certify agrees with cap") {
    const TemporaryFolder folder;
    const std::string out = (folder / "capped.h5").string();
    const Outcome outcome = run({"cap",
                                 sample_model("moby_dick.h5").string(),
                                 "-o",
                                 out,
                                 "--target-lipschitz",
                                 "2",
                                 "--method",
                                 "hard-cap",
                                 "--json",
                                 "-"});
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 0);
    const json report = json::parse(outcome.out);
    CHECK(report.at("target").at("ok") == true);
    CHECK(upper_of(report.at("bounds_after").at("max_token_rms")) <= 2.0);
    CHECK(upper_of(report.at("bounds_before").at("max_token_rms")) > 1e3);

    const Outcome certified = run({"certify", out, "--max-lipschitz", "2", "--json", "-"});
    CHECK(certified.exit_code == 0);
    CHECK(json::parse(certified.out).at("bounds") == report.at("bounds_after"));
    // The plan is for the target, not for far below it.
    CHECK(upper_of(report.at("bounds_after").at("max_token_rms")) >= 1.8);
}

TEST_CASE("a target that cannot be met exits 1, says how low it goes, and writes nothing") {
    const TemporaryFolder folder;
    const std::string out = (folder / "capped.h5").string();
    const Outcome outcome = run({"cap",
                                 sample_model("tiny_llama.h5").string(),
                                 "-o",
                                 out,
                                 "--target-lipschitz",
                                 "0.5",
                                 "--bound",
                                 "blocks_l2"});
    CHECK(outcome.exit_code == 1);
    CHECK(contains(outcome.out, "cannot be met"));
    CHECK(contains(outcome.out, "nothing was written"));
    CHECK_FALSE(std::filesystem::exists(out));
}

TEST_CASE("a dry run reports the numbers of the real run and writes nothing") {
    const TemporaryFolder folder;
    const std::filesystem::path model = copied(folder, "moby_dick.h5");
    const std::string original = read_file(model);
    const std::vector<std::string> common = {
        "cap", model.string(), "--limit", "2", "--norm", "rms", "--json", "-"};
    std::vector<std::string> dry = common;
    dry.insert(dry.end(), {"--dry-run", "-o", (folder / "out.h5").string()});
    const Outcome rehearsal = run(dry);
    INFO(rehearsal.err);
    REQUIRE(rehearsal.exit_code == 0);
    CHECK(read_file(model) == original);
    CHECK_FALSE(std::filesystem::exists(folder / "out.h5"));

    std::vector<std::string> real = common;
    real.insert(real.end(), {"-o", (folder / "out.h5").string()});
    const Outcome performance = run(real);
    REQUIRE(performance.exit_code == 0);
    const json planned = json::parse(rehearsal.out);
    const json done = json::parse(performance.out);
    CHECK(planned.at("matrices") == done.at("matrices"));
    CHECK(planned.at("bounds_after") == done.at("bounds_after"));
    CHECK(planned.at("written").is_null());
    CHECK(done.at("written").at("path") == (folder / "out.h5").string());
}

TEST_CASE("the report's figures are those of the two files") {
    const TemporaryFolder folder;
    const std::string out = (folder / "capped.h5").string();
    const std::string model = sample_model("moby_dick.h5").string();
    const Outcome outcome =
        run({"cap", model, "-o", out, "--limit", "1.5", "--method", "hard-cap", "--json", "-"});
    REQUIRE(outcome.exit_code == 0);
    const auto before = open_checkpoint(model);
    const auto after = open_checkpoint(out);
    const json report = json::parse(outcome.out);
    for (const json& row : report.at("matrices")) {
        const std::string name = row.at("name").get<std::string>();
        CAPTURE(name);
        const Matrix old_values = before->read(*before->find(name));
        const Matrix new_values = after->read(*after->find(name));
        const double change = (old_values - new_values).norm() / old_values.norm();
        CHECK(row.at("relative_frobenius_change").at("upper").get<double>() >=
              change * (1.0 - 1e-12));
        CHECK(row.at("relative_frobenius_change").at("lower").get<double>() <=
              change * (1.0 + 1e-12));
        const double spectral =
            largest_singular_value(old_values - new_values) / largest_singular_value(old_values);
        CHECK(row.at("relative_spectral_change").get<double>() >= spectral * (1.0 - 1e-12));
        CHECK(row.at("after").at("spectral_norm").at("upper").get<double>() >=
              largest_singular_value(new_values) * (1.0 - 1e-13));
    }
}

TEST_CASE("one step of a decay promises no limit: above it nothing is written") {
    const TemporaryFolder folder;
    const std::string out = (folder / "decayed.h5").string();
    const std::string model = sample_model("moby_dick.h5").string();
    const Outcome above =
        run({"cap", model, "-o", out, "--method", "weight-decay", "--limit", "0.5"});
    CHECK(above.exit_code == 1);
    CHECK(contains(above.out, "--until-limit"));
    CHECK_FALSE(std::filesystem::exists(out));

    const Outcome free = run(
        {"cap", model, "-o", out, "--method", "weight-decay", "--decay", "0.25", "--json", "-"});
    REQUIRE(free.exit_code == 0);
    const json report = json::parse(free.out);
    for (const json& row : report.at("matrices")) {
        const double before = row.at("before").at("spectral_norm").at("upper").get<double>();
        const double after = row.at("after").at("spectral_norm").at("upper").get<double>();
        CHECK(after == doctest::Approx(0.75 * before).epsilon(1e-3));
    }
}

TEST_CASE("embedding rows have a limit of their own, the tied head included") {
    const TemporaryFolder folder;
    const std::string out = (folder / "capped.h5").string();
    const Outcome outcome = run({"cap",
                                 sample_model("moby_dick.h5").string(),
                                 "-o",
                                 out,
                                 "--embedding-limit",
                                 "0.5",
                                 "--norm",
                                 "rms"});
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 0);
    const auto after = open_checkpoint(out);
    const Matrix table = after->read(*after->find("embed.weight"));
    const double limit = 0.5 * std::sqrt(static_cast<double>(table.cols()));
    CHECK(table.rowwise().norm().maxCoeff() <= limit * (1.0 + 1e-15));
    CHECK(table.rowwise().norm().maxCoeff() >= 0.97 * limit);
}

TEST_CASE("contradictory or incomplete requests are wrong usage, and touch nothing") {
    const TemporaryFolder folder;
    const std::string model = copied(folder, "tiny_llama.h5").string();
    const std::string out = (folder / "out.h5").string();
    const std::vector<std::vector<std::string>> wrong = {
        {"--limit", "1"},
        {"-o", out},
        {"-o", out, "--in-place", "--limit", "1"},
        {"-o", out, "--limit", "0"},
        {"-o", out, "--limit", "-1"},
        {"-o", out, "--limit", "one"},
        {"-o", out, "--limit", "nothing.*=1"},
        {"-o", out, "--limit", "1", "--exclude", "nothing"},
        {"-o", out, "--limit", "1", "--method", "magic"},
        {"-o", out, "--target-lipschitz", "2", "--bound", "nothing"},
        {"-o", out, "--target-lipschitz", "2", "--matrices-only"},
        {"-o", out, "--limit", "1", "--matrices-only", "--norm", "rms"},
        {"-o", out, "--frontier", "1,2"},
        {"-o", out, "--limit", "1", "--svg", (folder / "f.svg").string()},
        {"-o", out, "--method", "weight-decay", "--until-limit"}};
    const std::string original = read_file(model);
    for (const std::vector<std::string>& flags : wrong) {
        std::vector<std::string> arguments = {"cap", model};
        arguments.insert(arguments.end(), flags.begin(), flags.end());
        const Outcome outcome = run(arguments);
        CAPTURE(flags.back());
        CHECK(outcome.exit_code == 4);
        CHECK_FALSE(outcome.err.empty());
        CHECK_FALSE(std::filesystem::exists(out));
        CHECK(read_file(model) == original);
    }
}

TEST_CASE("an existing output needs --force, and the model itself needs --in-place") {
    const TemporaryFolder folder;
    const std::string model = copied(folder, "tiny_gpt2.h5").string();
    const std::string out = (folder / "out.h5").string();
    write_file(out, "something else");
    CHECK(run({"cap", model, "-o", out, "--limit", "0.5"}).exit_code == 4);
    CHECK(read_file(out) == "something else");
    CHECK(run({"cap", model, "-o", out, "--limit", "0.5", "--force"}).exit_code == 0);
    check_within(out, everywhere("0.5"));
    const Outcome itself = run({"cap", model, "-o", model, "--limit", "0.5", "--force"});
    CHECK(itself.exit_code == 4);
    CHECK(contains(itself.err, "--in-place"));
}

TEST_CASE("--backup keeps the old file") {
    const TemporaryFolder folder;
    const std::string model = copied(folder, "tiny_gpt2.h5").string();
    const std::string original = read_file(model);
    CHECK(run({"cap", model, "--in-place", "--limit", "0.5", "--backup"}).exit_code == 0);
    CHECK(read_file(model + ".orig") == original);
    check_within(model, everywhere("0.5"));
}

TEST_CASE("--matrices-only caps a file that no architecture describes") {
    const TemporaryFolder folder;
    const std::string out = (folder / "out.h5").string();
    const std::string model = sample_model("tiny_gpt2.h5").string();
    CHECK(run({"cap", model, "-o", out, "--limit", "0.5", "--matrices-only"}).exit_code == 0);
    const auto checkpoint = open_checkpoint(out);
    for (const TensorInfo& tensor : checkpoint->tensors()) {
        if (is_float_matrix(tensor) && tensor.shape.size() == 2) {
            CHECK(largest_singular_value(checkpoint->read(tensor)) <= 0.5 * (1.0 + 1e-13));
        }
    }
}

TEST_CASE("the frontier shows a lower bound and a larger change for every smaller limit") {
    const TemporaryFolder folder;
    const std::string csv = (folder / "frontier.csv").string();
    const std::string svg = (folder / "frontier.svg").string();
    const Outcome outcome = run({"cap",
                                 sample_model("moby_dick.h5").string(),
                                 "--frontier",
                                 "3,2,1",
                                 "--method",
                                 "hard-cap",
                                 "--csv",
                                 csv,
                                 "--svg",
                                 svg,
                                 "--json",
                                 "-"});
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 0);
    const json points = json::parse(outcome.out).at("points");
    REQUIRE(points.size() == 4);
    for (std::size_t i = 1; i < points.size(); ++i) {
        CHECK(upper_of(points[i].at("bounds").at("max_token_rms")) <
              upper_of(points[i - 1].at("bounds").at("max_token_rms")));
        CHECK(points[i].at("relative_change").get<double>() >
              points[i - 1].at("relative_change").get<double>());
    }
    const std::string table = read_file(csv);
    CHECK(std::count(table.begin(), table.end(), '\n') == 5);
    CHECK(table.substr(0, 6) == "limit,");
    const std::string figure = read_file(svg);
    CHECK(figure.substr(0, 4) == "<svg");
    CHECK(contains(figure, "</svg>"));
    CHECK_FALSE(contains(figure, "nan"));
}

TEST_CASE("the frontier measures accuracy on a text as on its tokens, and a hard cap costs some") {
    const TemporaryFolder folder;
    const std::filesystem::path model = sample_model("moby_dick.h5");
    std::string words;
    for (int i = 0; i < 4; ++i) {
        words += "Call me Ishmael. Some years ago, never mind how long precisely, I went to sea. ";
    }
    const std::filesystem::path text = write_file(folder / "text", words);
    const Configuration configuration = find_configuration(*open_checkpoint(model), std::nullopt);
    std::string numbers;
    for (const std::size_t token : read_character_file(text, configuration)) {
        numbers += static_cast<char>(token % 256);
        numbers += static_cast<char>(token / 256);
    }
    const std::filesystem::path tokens = write_file(folder / "tokens.bin", numbers);
    const auto points = [&](const std::string& flag, const std::filesystem::path& file) {
        const Outcome outcome = run({"cap",
                                     model.string(),
                                     "--frontier",
                                     "0.001",
                                     flag,
                                     file.string(),
                                     "--json",
                                     "-",
                                     "--csv",
                                     (folder / "points.csv").string()});
        INFO(outcome.err);
        REQUIRE(outcome.exit_code == 0);
        return json::parse(outcome.out).at("points");
    };
    const json of_text = points("--text", text);
    CHECK(of_text == points("--tokens", tokens));
    REQUIRE(of_text.size() == 2);
    for (const json& point : of_text) {
        const json& measured = point.at("evaluation");
        CHECK(measured.at("tokens") == words.size() - 1);
        CHECK(measured.at("accuracy") >= 0.0);
        CHECK(measured.at("accuracy") <= 1.0);
        CHECK(measured.at("loss") > 0.0);
    }
    // A trained model reads English; one whose matrices have vanished does not.
    const json& stored = of_text.front().at("evaluation");
    const json& crushed = of_text.back().at("evaluation");
    CHECK(stored.at("accuracy") > 0.3);
    CHECK(stored.at("loss") < 2.2);
    CHECK(crushed.at("accuracy") < stored.at("accuracy"));
    CHECK(crushed.at("loss") > stored.at("loss"));
    CHECK(contains(read_file(folder / "points.csv"), ",accuracy,loss"));
    CHECK(run({"cap",
               model.string(),
               "--frontier",
               "2",
               "--text",
               text.string(),
               "--tokens",
               tokens.string()})
              .exit_code == 4);
}
