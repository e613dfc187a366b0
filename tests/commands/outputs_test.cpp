#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <tinyxml2.h>
#include <unistd.h>
#include <vector>

#include "support/json_schema.hpp"
#include "support/program.hpp"
#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>

using lipcert::test::Outcome;
using lipcert::test::read_file;
using lipcert::test::run;
using lipcert::test::sample_model;
using lipcert::test::schema_violations;
using lipcert::test::source_folder;
using lipcert::test::TemporaryFolder;
using lipcert::test::write_file;
using nlohmann::json;

namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

json schema(const std::string& name) {
    return json::parse(read_file(source_folder() / "docs/schemas" / (name + ".schema.json")));
}

const std::vector<std::string> kFlags = {
    "--json", "--markdown", "--html", "--junit", "--sarif", "--csv"};

const std::vector<std::string> kSamples = {
    "tiny_gpt2.h5", "tiny_llama.h5", "tiny_nanogpt.h5", "tiny_lipschitz_transformer.h5"};

/// An environment variable for the life of a test.
class Variable {
public:
    Variable(const char* name, const std::string& value) : name_(name) {
        ::setenv(name, value.c_str(), 1);
    }

    Variable(const Variable&) = delete;
    Variable& operator=(const Variable&) = delete;
    Variable(Variable&&) = delete;
    Variable& operator=(Variable&&) = delete;

    ~Variable() { ::unsetenv(name_); }

private:
    const char* name_;
};

}  // namespace

TEST_CASE("one run writes every report, within and beyond its limits, with the same bytes twice") {
    const TemporaryFolder folder;
    const std::string model = sample_model("tiny_llama.h5").string();
    for (const char* limit : {"1e300", "1e-3"}) {
        std::vector<std::string> first = {"certify", model, "--max-lipschitz", limit};
        std::vector<std::string> second = first;
        for (const std::string& flag : kFlags) {
            first.insert(first.end(), {flag, (folder / ("a" + flag)).string()});
            second.insert(second.end(), {flag, (folder / ("b" + flag)).string()});
        }
        const int expected = std::string(limit) == "1e300" ? 0 : 1;
        const Outcome outcome = run(first);
        CHECK(outcome.exit_code == expected);
        CHECK(contains(outcome.out, "max_token_rms"));
        CHECK(run(second).exit_code == expected);
        for (const std::string& flag : kFlags) {
            CAPTURE(flag);
            const std::string bytes = read_file(folder / ("a" + flag));
            CHECK_FALSE(bytes.empty());
            CHECK(bytes == read_file(folder / ("b" + flag)));
            CHECK(bytes.back() == '\n');
        }
        const std::string junit = read_file(folder / "a--junit");
        tinyxml2::XMLDocument document;
        CHECK(document.Parse(junit.c_str(), junit.size()) == tinyxml2::XML_SUCCESS);
        const json sarif = json::parse(read_file(folder / "a--sarif"));
        CHECK(sarif["runs"][0]["results"].size() == static_cast<std::size_t>(expected));
    }
}

TEST_CASE("each report goes to standard output for -, and then only its text is there") {
    const std::string model = sample_model("tiny_llama.h5").string();
    for (const std::string& flag : kFlags) {
        CAPTURE(flag);
        const TemporaryFolder folder;
        const std::string file = (folder / "report").string();
        CHECK(run({"certify", model, flag, file}).exit_code == 0);
        const Outcome outcome = run({"certify", model, flag, "-"});
        CHECK(outcome.exit_code == 0);
        CHECK(outcome.out == read_file(file));
        CHECK(contains(outcome.err, "certified 9 matrices"));
        CHECK(run({"certify", model, flag, "-", "--quiet"}).err.empty());
        CHECK(contains(run({"certify", model, flag, "-", "--verbose"}).err, "hyper-parameters"));
    }
}

TEST_CASE("two reports never go to one place, and nothing is done before that is said") {
    const std::string model = sample_model("tiny_llama.h5").string();
    const Outcome twice = run({"certify", model, "--json", "-", "--csv", "-"});
    CHECK(twice.exit_code == 4);
    CHECK(twice.out.empty());
    CHECK(contains(twice.err, "only one report"));
    CHECK(run({"certify", model, "--json", "x.json", "--csv", "x.json"}).exit_code == 4);
}

TEST_CASE("no report of any command takes the place of an input or of another report") {
    const TemporaryFolder folder;
    const std::string model = sample_model("tiny_llama.h5").string();
    const std::string input = write_file(folder / "input", "{}").string();
    const std::string same = (folder / "./input").string();
    const std::string new_file = (folder / "new").string();
    const std::string new_again = (folder / "./new").string();
    const std::vector<std::vector<std::string>> wrong = {
        {"verify", input, model, "--json", same},
        {"diff", model, input, "--json", same},
        {"inspect", model, "--config", input, "--json", same},
        {"inspect", model, "--architecture", input, "--json", same},
        {"probe", model, "--tokens", input, "--json", same},
        {"probe", model, "--tokens", input + ":/x", "--markdown", same},
        {"probe", model, "--witness", "--witness-out", new_file, "--json", new_again},
        {"baseline", "create", model, model},
        {"certify", model, "--assume", input, "--html", same},
        {"certify", model, "--baseline", input, "--csv", same},
        {"certify", model, "--config", input, "--certificate", same},
        {"certify", model, "--witness", "--witness-out", new_file, "--json", new_again},
        {"certify", model, "--json", new_file, "--html", new_again}};
    for (const std::vector<std::string>& arguments : wrong) {
        CAPTURE(arguments.front());
        CAPTURE(arguments.back());
        const Outcome outcome = run(arguments);
        CHECK(outcome.exit_code == 4);
        CHECK(contains(outcome.err, "must not replace it"));
        CHECK(read_file(input) == "{}");
        CHECK_FALSE(std::filesystem::exists(new_file));
    }
    const std::string beside = write_file(folder / "config.json", "{}").string();
    const std::string copy =
        write_file(folder / "model.h5", read_file(sample_model("tiny_llama.h5"))).string();
    CHECK(run({"certify", copy, "--json", beside}).exit_code == 4);
    CHECK(run({"norms", copy, "--json", beside}).exit_code == 4);
    CHECK(read_file(beside) == "{}");
    const Outcome nowhere =
        run({"certify", model, "--json", "/dev/null", "--html", "/dev/null", "--quiet"});
    CHECK(nowhere.exit_code == 0);
}

TEST_CASE("a report goes where a symbolic link leads, which stays a link") {
    const TemporaryFolder folder;
    const std::string model = sample_model("tiny_llama.h5").string();
    std::filesystem::create_directory(folder / "real");
    for (const char* name : {"there.json", "not-yet.json"}) {
        CAPTURE(name);
        const std::filesystem::path link = folder / ("link-" + std::string(name));
        std::filesystem::create_symlink(std::filesystem::path("real") / name, link);
        if (std::string(name) == "there.json") {
            write_file(folder / "real" / name, "old");
        }
        CHECK(run({"certify", model, "--json", link.string()}).exit_code == 0);
        CHECK(std::filesystem::is_symlink(link));
        CHECK(json::parse(read_file(folder / "real" / name)).contains("bounds"));
    }
    const std::filesystem::path loop = folder / "loop";
    std::filesystem::create_symlink("loop", loop);
    CHECK(run({"certify", model, "--json", loop.string()}).exit_code == 2);
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path())) {
        files += !entry.is_symlink() && entry.is_regular_file() ? 1U : 0U;
    }
    CHECK(files == 2);  // nothing unfinished is left
}

TEST_CASE("a report that replaces a file keeps who may read it") {
    const TemporaryFolder folder;
    const std::string model = sample_model("tiny_llama.h5").string();
    const std::filesystem::path report = write_file(folder / "private.json", "old");
    const auto mine = std::filesystem::perms::owner_read | std::filesystem::perms::owner_write;
    std::filesystem::permissions(report, mine);
    CHECK(run({"certify", model, "--json", report.string()}).exit_code == 0);
    CHECK(std::filesystem::status(report).permissions() == mine);
    CHECK(json::parse(read_file(report)).contains("bounds"));
}

TEST_CASE(
    "a name that somebody put in the way of an unfinished report is neither followed nor taken") {
    const TemporaryFolder folder;
    const std::string victim = write_file(folder / "victim", "mine").string();
    const std::string trap = ".r.json." + std::to_string(::getpid()) + ".0.part";
    std::filesystem::create_symlink(victim, folder / trap);
    CHECK(run({"certify",
               sample_model("tiny_llama.h5").string(),
               "--json",
               (folder / "r.json").string()})
              .exit_code == 0);
    CHECK(read_file(victim) == "mine");
    CHECK(std::filesystem::is_symlink(folder / trap));
    CHECK(contains(read_file(folder / "r.json"), "bounds"));
}

TEST_CASE("a run that is interrupted does not exit 0 and leaves no report") {
    const TemporaryFolder folder;
    for (const char* signal : {"INT", "TERM", "KILL"}) {
        CAPTURE(signal);
        // Ten times the same model takes seconds.
        std::string models;
        for (int copy = 0; copy < 10; ++copy) {
            const std::string name = "model" + std::to_string(copy) + ".h5";
            std::filesystem::copy_file(sample_model("moby_dick.h5"),
                                       folder / name,
                                       std::filesystem::copy_options::overwrite_existing);
            models += " " + name;
        }
        const int status =
            std::system(("cd '" + folder.path().string() + "' && timeout --preserve-status -s " +
                         signal + " 0.3 '" LIPCERT_PROGRAM "' certify" + models +
                         " --quiet --json report.json >/dev/null 2>&1")
                            .c_str());
        CHECK(status != 0);
        CHECK_FALSE(std::filesystem::exists(folder / "report.json"));
    }
}

TEST_CASE("a report that cannot be written ends in exit 2 and does not keep back the others") {
    const TemporaryFolder folder;
    const std::string csv = (folder / "report.csv").string();
    const Outcome outcome = run({"certify",
                                 sample_model("tiny_llama.h5").string(),
                                 "--max-lipschitz",
                                 "1e-3",
                                 "--json",
                                 (folder / "missing/report.json").string(),
                                 "--csv",
                                 csv});
    CHECK(outcome.exit_code == 2);
    CHECK(contains(read_file(csv), "exceeded"));
}

TEST_CASE("certificates and norms fit their published schemas") {
    const json certificate_schema = schema("lipcert-certificate-1");
    const json norms_schema = schema("lipcert-norms-1");
    for (const std::string& name : kSamples) {
        CAPTURE(name);
        const std::string model = sample_model(name).string();
        const json certificate = json::parse(run({"certify",
                                                  model,
                                                  "--json",
                                                  "-",
                                                  "--sequence-length",
                                                  "7",
                                                  "--max-lipschitz",
                                                  "1",
                                                  "--max-spectral-norm",
                                                  "1e3",
                                                  "--max-activation",
                                                  "1e3"})
                                                 .out);
        CHECK(schema_violations(certificate_schema, certificate) == std::vector<std::string>());
        const json norms = json::parse(run({"norms", model, "--json", "-"}).out);
        CHECK(schema_violations(norms_schema, norms) == std::vector<std::string>());

        // The schema does reject: each required field in turn.
        for (const json& key : certificate_schema.at("required")) {
            json broken = certificate;
            broken.erase(key.get<std::string>());
            CHECK(schema_violations(certificate_schema, broken).size() == 1);
        }
        json broken = certificate;
        broken["bounds"]["logit"]["upper"] = 3.5;
        broken["matrices"][0]["rows"] = -1;
        CHECK(schema_violations(certificate_schema, broken).size() >= 2);
    }
}

TEST_CASE("--format github annotates, guards the report, and writes a step summary") {
    const TemporaryFolder folder;
    const std::string summary = write_file(folder / "summary.md", "earlier\n").string();
    const Variable variable("GITHUB_STEP_SUMMARY", summary);
    const Outcome outcome = run({"certify",
                                 sample_model("moby_dick.h5").string(),
                                 "--format",
                                 "github",
                                 "--max-spectral-norm",
                                 "1e-3",
                                 "--max-lipschitz",
                                 "1"});
    CHECK(outcome.exit_code == 1);
    CHECK(outcome.out.rfind("::stop-commands::", 0) == 0);
    std::size_t count = 0;
    for (std::size_t at = outcome.out.find("::error title="); at != std::string::npos;
         at = outcome.out.find("::error title=", at + 1)) {
        ++count;
    }
    CHECK(count == 10);
    const std::string text = read_file(summary);
    CHECK(text.rfind("earlier\n# lipcert certificate", 0) == 0);
    CHECK(contains(text, "limit exceeded"));
    CHECK(run({"certify", "x.h5", "--format", "gitlab"}).exit_code == 4);
}

TEST_CASE("many models: one summary, every report, and the worst exit code") {
    const TemporaryFolder folder;
    for (const char* name : {"tiny_llama", "tiny_gpt2"}) {
        for (const char* ending : {".h5", ".config.json"}) {
            const auto source = sample_model(std::string(name) + ending);
            if (std::filesystem::exists(source)) {
                std::filesystem::copy_file(source, folder / (std::string(name) + ending));
            }
        }
    }
    const std::string all = folder.path().string();
    const Outcome certified = run({"certify", all});
    INFO(certified.err);
    CHECK(certified.exit_code == 0);
    CHECK(contains(certified.out, "2 models: 2 certified"));
    // In the order of the command line, each once.
    const std::string reordered = run({"certify", (folder / "tiny_llama.h5").string(), all}).out;
    CHECK(contains(reordered, "2 models:"));
    CHECK(reordered.find("tiny_llama") < reordered.find("tiny_gpt2"));

    const Outcome beyond = run({"certify", all, "--max-spectral-norm", "1.5"});
    CHECK(beyond.exit_code == 1);
    CHECK(contains(beyond.out, "max-spectral-norm"));
    CHECK(run({"certify", all, "--max-spectral-norm", "1.5", "--exit-zero"}).exit_code == 0);

    write_file(folder / "broken.h5", "");
    const std::string report = (folder / "report.json").string();
    const std::string junit = (folder / "report.xml").string();
    const Outcome failed =
        run({"certify", all, "--max-spectral-norm", "1.5", "--json", report, "--junit", junit});
    CHECK(failed.exit_code == 2);
    CHECK(contains(failed.err, "broken.h5: is empty"));
    CHECK(
        contains(failed.out, "3 models: 0 certified within every limit, 2 beyond a limit, 1 not"));
    CHECK(run({"certify", all, "--exit-zero"}).exit_code == 2);
    const json run_report = json::parse(read_file(report));
    CHECK(run_report.at("schema") == "lipcert-certificates-1");
    REQUIRE(run_report.at("models").size() == 3);
    CHECK(run_report["models"][0].at("verdict") == "error");
    CHECK(schema_violations(schema("lipcert-certificate-1"),
                            run_report["models"][1].at("certificate"))
              .empty());
    CHECK(contains(read_file(junit), "errors=\"1\""));
}

TEST_CASE("a model that cannot be certified still has a JUnit report, with an error") {
    const TemporaryFolder folder;
    const std::string junit = (folder / "report.xml").string();
    write_file(folder / "broken.h5", "");
    const Outcome outcome =
        run({"certify", (folder / "broken.h5").string(), "--junit", junit, "--json", "-"});
    CHECK(outcome.exit_code == 2);
    CHECK(outcome.out.empty());
    CHECK(contains(read_file(junit), "errors=\"1\""));
}

TEST_CASE("--top and --sort choose what a table shows") {
    const std::string model = sample_model("tiny_llama.h5").string();
    CHECK(contains(run({"certify", model, "--top", "2"}).out, "[7 others"));
    CHECK_FALSE(contains(run({"certify", model, "--top", "0"}).out, "others"));
    CHECK(contains(run({"norms", model, "--top", "3", "--sort", "width"}).out, "[6 others"));
    const std::string by_name = run({"norms", model, "--sort", "name"}).out;
    CHECK(by_name.find("lm_head.weight") < by_name.find("model.embed_tokens.weight"));
    CHECK(run({"norms", model, "--sort", "speed"}).exit_code == 4);
}
