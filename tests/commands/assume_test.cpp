#include "lipcert/certificate/assumptions.hpp"
#include "lipcert/error.hpp"

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/program.hpp"
#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>

using lipcert::Conditions;
using lipcert::parse_conditions;
using lipcert::test::Outcome;
using lipcert::test::run;
using lipcert::test::sample_model;
using lipcert::test::stories_checkpoint;
using lipcert::test::TemporaryFolder;
using lipcert::test::write_file;
using nlohmann::json;

namespace {

json conditions(const json& minimum_rms) {
    return {{"schema", "lipcert-conditions-1"}, {"data", "made up"}, {"minimum_rms", minimum_rms}};
}

void check_refused(const json& document, const std::string& part) {
    CHECK_THROWS_WITH_AS((void)parse_conditions(document.dump(), "file"),
                         doctest::Contains(part.c_str()),
                         lipcert::Error);
}

}  // namespace

TEST_CASE("a file of conditions is read with both the decimal and the double covered") {
    const Conditions read = parse_conditions(conditions(json::object({{"a", 0.1}})).dump(), "file");
    CHECK(read.data == "made up");
    REQUIRE(read.minimum_rms.count("a") == 1);
    CHECK(read.minimum_rms.at("a").stated == 0.1);
    CHECK(lipcert::proves_at_most(lipcert::Upper::of(read.minimum_rms.at("a").value.value()),
                                  lipcert::Lower::parse("0.1")));
}

TEST_CASE("a file of conditions that is not fully understood is refused") {
    check_refused({{"data", "x"}, {"minimum_rms", json::object({{"a", 1.0}})}}, "schema");
    check_refused({{"schema", "lipcert-conditions-2"}, {"data", "x"}}, "lipcert-conditions-2");
    check_refused({{"schema", "lipcert-conditions-1"}, {"minimum_rms", json::object({{"a", 1.0}})}},
                  "data");
    check_refused({{"schema", "lipcert-conditions-1"}, {"data", "x"}}, "assumes nothing");
    json unknown = conditions(json::object({{"a", 1.0}}));
    unknown["maximum_rms"] = json::object({{"a", 1.0}});
    check_refused(unknown, "maximum_rms");
    check_refused(conditions(json::object({{"a", 0.0}})), "positive");
    check_refused(conditions(json::object({{"a", -1.0}})), "positive");
    check_refused(conditions(json::object({{"a", "1"}})), "positive");
    check_refused(conditions(json::array()), "object");
}

TEST_CASE("a conditional bound stands beside the unconditional one, with its conditions") {
    const TemporaryFolder folder;
    const std::string model = sample_model("tiny_llama.h5").string();
    const auto file = folder / "conditions.json";
    write_file(file, conditions(json::object({{"model.norm.weight", 0.5}})).dump());

    const json alone = json::parse(run({"certify", model, "--json", "-"}).out);
    const Outcome outcome = run({"certify", model, "--assume", file.string(), "--json", "-"});
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 0);
    json both = json::parse(outcome.out);
    const json conditional = both.at("conditional");
    both.erase("conditional");
    CHECK(both == alone);
    CHECK(conditional.at("domain").at("kind") == "conditional");
    CHECK(conditional.at("domain").at("conditions") ==
          json::parse(R"([{"at": "model.norm.weight", "minimum_rms": 0.5}])"));
    CHECK(conditional.at("data") == "made up");
    // 1/sqrt(epsilon) = 16 becomes 1/sqrt(1/4 + 1/256).
    const auto upper = [](const json& object) {
        return std::stod(object.at("bounds").at("max_token_l2").at("upper").get<std::string>());
    };
    CHECK(upper(alone) >= 160.0 * (1.0 - 1e-9));
    CHECK(upper(conditional) ==
          doctest::Approx(10.0 / std::sqrt(0.25 + 1.0 / 256.0)).epsilon(1e-4));

    const Outcome text = run({"certify", model, "--assume", file.string()});
    CHECK(text.out.find("model.norm.weight: every token that enters has RMS >= 0.5") !=
          std::string::npos);
    CHECK(text.out.find("made up") != std::string::npos);
    CHECK(text.out.find(run({"certify", model, "-q"}).out) != std::string::npos);
}

TEST_CASE("a condition on a place that the model does not have is refused with the places it has") {
    const TemporaryFolder folder;
    const auto file = folder / "conditions.json";
    write_file(file, conditions(json::object({{"model.nrm.weight", 0.5}})).dump());
    const Outcome outcome =
        run({"certify", sample_model("tiny_llama.h5").string(), "--assume", file.string()});
    CHECK(outcome.exit_code == 2);
    CHECK(outcome.err.find("'model.nrm.weight'") != std::string::npos);
    CHECK(outcome.err.find("model.norm.weight") != std::string::npos);
    CHECK(outcome.out.empty());
}

TEST_CASE("the trained Llama is below 10^50, and below 10^31 where its normalisations see tokens") {
    const auto model = stories_checkpoint();
    if (model.empty()) {
        MESSAGE("skipped: shared/models/stories260K.h5 is not beside the project");
        return;
    }
    // Half of the smallest RMS at each normalisation over 200 greedily generated tokens.
    const std::vector<double> smallest = {
        0.181, 0.237, 0.297, 0.382, 0.454, 0.484, 0.665, 0.757, 0.906, 0.952};
    json minimum_rms;
    for (std::size_t k = 0; k < smallest.size(); ++k) {
        minimum_rms["model.layers." + std::to_string(k / 2) +
                    (k % 2 == 0 ? ".input_layernorm.weight" : ".post_attention_layernorm.weight")] =
            0.5 * smallest[k];
    }
    const TemporaryFolder folder;
    const auto file = folder / "conditions.json";
    write_file(file, conditions(minimum_rms).dump());
    const Outcome outcome =
        run({"certify", model.string(), "--assume", file.string(), "--json", "-"});
    REQUIRE(outcome.exit_code == 0);
    const json report = json::parse(outcome.out);
    const auto log10_of = [](const json& object) {
        return object.at("bounds").at("blocks_l2").at("log10_upper").get<double>();
    };
    CHECK(log10_of(report) < 47.0);
    CHECK(log10_of(report.at("conditional")) < 30.5);
    // Rotations of 64 tokens are a part of all.
    const Outcome shorter =
        run({"certify", model.string(), "--longest-stream", "64", "--json", "-"});
    REQUIRE(shorter.exit_code == 0);
    CHECK(log10_of(json::parse(shorter.out)) < 45.0);
}
