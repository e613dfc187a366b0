#include <nlohmann/json.hpp>
#include <stdlib.h>

#include "support/program.hpp"
#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>

using lipcert::test::Outcome;
using lipcert::test::read_file;
using lipcert::test::run;
using lipcert::test::sample_model;
using lipcert::test::TemporaryFolder;
using lipcert::test::write_file;
using nlohmann::json;

namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

/// A sample model, its capped copy and the certificates of both.
struct Pair {
    TemporaryFolder folder;
    std::string model = sample_model("moby_dick.h5").string();
    std::string capped = (folder / "capped.h5").string();
    std::string certificate = (folder / "model.json").string();
    std::string capped_certificate = (folder / "capped.json").string();

    Pair() {
        REQUIRE(run({"cap", model, "-o", capped, "--limit", "2", "-q"}).exit_code == 0);
        REQUIRE(run({"certify", model, "--json", certificate}).exit_code == 0);
        REQUIRE(run({"certify", capped, "--json", capped_certificate}).exit_code == 0);
    }
};

}  // namespace

TEST_CASE("diff fails on a regression alone, and takes certificates and checkpoints") {
    const Pair pair;
    const Outcome better = run({"diff", pair.capped_certificate, pair.certificate});
    CHECK(better.exit_code == 0);
    CHECK(contains(better.out, "no bound and no matrix got worse"));
    CHECK(contains(better.out, "better"));
    const Outcome worse = run({"diff", pair.certificate, pair.capped_certificate});
    CHECK(worse.exit_code == 1);
    CHECK(contains(worse.out, "worse"));
    CHECK(run({"diff", pair.certificate, pair.capped_certificate, "--exit-zero"}).exit_code == 0);
    CHECK(run({"diff", pair.certificate, pair.certificate}).exit_code == 0);

    const Outcome mixed = run({"diff", pair.model, pair.capped_certificate, "--json", "-"});
    CHECK(mixed.exit_code == 1);
    const json difference = json::parse(mixed.out);
    CHECK(difference.at("schema") == "lipcert-diff-1");
    CHECK(difference.at("verdict") == "regression");
    CHECK(difference.at("changes").size() > 20);
    CHECK(run({"diff", pair.model, pair.model, "-q"}).exit_code == 0);
}

TEST_CASE("what is no certificate is refused with a reason") {
    const TemporaryFolder folder;
    const std::string model = sample_model("tiny_llama.h5").string();
    const std::string norms = (folder / "norms.json").string();
    REQUIRE(run({"norms", model, "--json", norms}).exit_code == 0);
    const Outcome other = run({"diff", norms, model});
    CHECK(other.exit_code == 2);
    CHECK(contains(other.err, "lipcert-norms-1"));

    const std::string certificate = (folder / "certificate.json").string();
    REQUIRE(run({"certify", model, "--json", certificate}).exit_code == 0);
    const json whole = json::parse(read_file(certificate));
    for (const std::string field :
         {"/bounds/logit/upper", "/matrices/0/spectral_norm/upper", "/limits"}) {
        CAPTURE(field);
        json broken = whole;
        broken[json::json_pointer(field)] = json::object();
        write_file(certificate, broken.dump());
        CHECK(run({"diff", certificate, model}).exit_code == 2);
    }
    write_file(certificate, read_file(norms).substr(0, 100));
    CHECK(run({"diff", certificate, model}).exit_code == 2);
    CHECK(run({"diff", (folder / "missing").string(), model}).exit_code == 2);
    CHECK(run({"diff", model}).exit_code == 4);
}

TEST_CASE("a baseline accepts a model as it is, fails on a worse one, and only shrinks") {
    const Pair pair;
    const std::string file = (pair.folder / "baseline.json").string();
    const std::vector<std::string> limits = {
        "--max-lipschitz", "10", "--max-spectral-norm", "1", "--baseline", file};
    const auto certify = [&limits](const std::string& model) {
        std::vector<std::string> arguments = {"certify", model};
        arguments.insert(arguments.end(), limits.begin(), limits.end());
        return run(arguments);
    };
    CHECK(certify(pair.capped).exit_code == 2);  // there is no baseline yet
    REQUIRE(run({"baseline", "create", file, pair.capped}).exit_code == 0);
    CHECK(run({"baseline", "create", file, pair.capped}).exit_code == 4);

    const Outcome known = certify(pair.capped);
    CHECK(known.exit_code == 0);
    CHECK(contains(known.out, "known"));
    const Outcome worse = certify(pair.model);
    CHECK(worse.exit_code == 1);
    CHECK(contains(worse.out, "worse"));

    const std::string before = read_file(file);
    const Outcome kept = run({"baseline", "update", file, pair.model});
    CHECK(kept.exit_code == 0);
    CHECK(read_file(file) == before);
    CHECK(contains(kept.out, "0 lowered"));

    std::filesystem::remove(file);
    REQUIRE(run({"baseline", "create", file, pair.certificate}).exit_code == 0);
    CHECK(certify(pair.capped).exit_code == 0);
    CHECK(certify(pair.model).exit_code == 0);
    REQUIRE(run({"baseline", "update", file, pair.capped_certificate}).exit_code == 0);
    CHECK(certify(pair.capped).exit_code == 0);
    CHECK(certify(pair.model).exit_code == 1);
    CHECK(run({"certify", pair.model, pair.capped, "--baseline", file}).exit_code == 4);
}

TEST_CASE("waivers keep a regression from failing, in every report, until they expire") {
    const Pair pair;
    const std::string file = (pair.folder / "baseline.json").string();
    REQUIRE(run({"baseline", "create", file, pair.capped}).exit_code == 0);
    json stored = json::parse(read_file(file));
    stored["waivers"] = json::parse(R"([
        {"rule": "*", "place": "*", "reason": "the old model is back", "expires": "2026-11-25"},
        {"rule": "max-lipschitz", "place": "nowhere", "reason": "gone", "expires": "2099-01-01"}])");
    write_file(file, stored.dump());
    const std::vector<std::string> arguments = {
        "certify", pair.model, "--baseline", file, "--sarif", (pair.folder / "s.sarif").string()};

    ::setenv("SOURCE_DATE_EPOCH", "1795564800", 1);  // 2026-11-25
    const Outcome waived = run(arguments);
    CHECK(waived.exit_code == 0);
    CHECK(contains(waived.out, "not used, remove it: max-lipschitz nowhere (gone)"));
    const json sarif = json::parse(read_file(pair.folder / "s.sarif"));
    REQUIRE_FALSE(sarif["runs"][0]["results"].empty());
    for (const json& result : sarif["runs"][0]["results"]) {
        CHECK(result.at("suppressions")[0].at("justification") == "the old model is back");
    }
    ::setenv("SOURCE_DATE_EPOCH", "1795651200", 1);  // the day after
    const Outcome expired = run(arguments);
    CHECK(expired.exit_code == 1);
    CHECK(contains(expired.out, "waiver expired on 2026-11-25"));
    ::unsetenv("SOURCE_DATE_EPOCH");
}
