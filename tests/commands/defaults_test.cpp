#include <filesystem>
#include <sstream>
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

namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

const std::string kModel = sample_model("tiny_llama.h5").string();

/// `certify` with a file of defaults that holds `text`.
struct WithFile {
    TemporaryFolder folder;
    std::string file;

    explicit WithFile(const std::string& text)
        : file(write_file(folder / "lipcert.toml", text).string()) {}

    [[nodiscard]] Outcome certify(std::vector<std::string> arguments = {}) const {
        arguments.insert(arguments.begin(), {"certify", kModel, "--defaults", file});
        return run(arguments);
    }
};

}  // namespace

TEST_CASE("a flag beats a variable, a variable beats the file, the file beats the default") {
    const WithFile strict("[certify]\nmax-lipschitz = 1e-3\n");
    CHECK(run({"certify", kModel}).exit_code == 0);
    CHECK(strict.certify().exit_code == 1);
    CHECK(strict.certify({"--max-lipschitz", "1e9"}).exit_code == 0);
    ::setenv("LIPCERT_MAX_LIPSCHITZ", "1e8", 1);
    CHECK(strict.certify().exit_code == 0);
    CHECK(contains(strict.certify().out, "1e8"));
    CHECK(strict.certify({"--max-lipschitz", "1e-4"}).exit_code == 1);
    ::setenv("LIPCERT_MAX_LIPSCHITZ", "1e-8", 1);
    CHECK(run({"certify", kModel}).exit_code == 1);
    CHECK(run({"certify", kModel, "--no-config"}).exit_code == 1);
    ::unsetenv("LIPCERT_MAX_LIPSCHITZ");
}

TEST_CASE("the file in the working folder is read, and --no-config leaves it out") {
    const TemporaryFolder folder;
    write_file(folder / "lipcert.toml", "[certify]\nmax-lipschitz = \"1e-3\"\n");
    const std::filesystem::path before = std::filesystem::current_path();
    std::filesystem::current_path(folder.path());
    const int with = run({"certify", kModel}).exit_code;
    const int without = run({"certify", kModel, "--no-config"}).exit_code;
    const int other = run({"norms", kModel}).exit_code;
    std::filesystem::current_path(before);
    CHECK(with == 1);
    CHECK(without == 0);
    CHECK(other == 0);
}

TEST_CASE("values of every kind are taken: numbers, text, lists, flags, models") {
    const WithFile all(
        "[certify]\nquiet = true\nverbose = false\ntop = 2\n"
        "max-lipschitz = 1e-3\nbound = \"logit\"\n"
        "set = [\"num_attention_heads=2\"]\n[norms]\ntensor = [\"*q_proj*\"]\n");
    const Outcome outcome = all.certify();
    CHECK(outcome.exit_code == 1);
    CHECK(contains(outcome.out, "1 of 1 exceeded"));
    CHECK(contains(run({"norms", kModel, "--defaults", all.file}).out, "certified 1 matrix"));

    const WithFile models("[certify]\nmodels = [\"" + kModel + "\"]\n");
    CHECK(run({"certify", "--defaults", models.file}).exit_code == 0);
    CHECK(run({"certify", "--no-config"}).exit_code == 4);
}

TEST_CASE("what the file must not say ends in exit 4 with its line") {
    for (const char* text : {"[certify]\n\nmax-lipshitz = 1\n",
                             "\n\nmax-lipschitz = 1\n",
                             "\n\n[certfy]\n",
                             "[certify]\n\ntop = true\n",
                             "[certify]\n\ntop = \"many\"\n",
                             "[certify]\n\ntop = [1, 2]\n",
                             "[certify]\n\nquiet = 1\n",
                             "[certify]\n\nmax-lipschitz = inf\n",
                             "[certify]\n\nmax-lipschitz = {x = 1}\n",
                             "[certify]\n\nmax-lipschitz = 1 1\n",
                             "[certify]\n\ndefaults = \"x.toml\"\n",
                             "[cap]\n\nin-place = true\n",
                             "[cap]\n\noutput = \"x.h5\"\n",
                             "[certify]\n\nexit-zero = true\n",
                             "[certify]\n\ntolerance = 1\n",
                             "[diff]\n\ntolerance = 1\n",
                             "[norms]\n\nno-such = 1\n"}) {
        CAPTURE(text);
        const Outcome outcome = WithFile(text).certify();
        CHECK(outcome.exit_code == 4);
        CHECK(outcome.out.empty());
        CHECK(contains(outcome.err, "lipcert.toml:3"));
    }
    CHECK(run({"certify", kModel, "--defaults", "/missing.toml"}).exit_code == 2);
}

TEST_CASE("a number in the file is the decimal that is written, not the nearest double") {
    // As a double it is 3, which limits what 2.999... does not.
    for (const char* text : {"2.9999999999999999999", "2.999_999_999_999_999_999_9", "1e400"}) {
        CAPTURE(text);
        const bool fits = std::string(text) != "1e400";
        const Outcome outcome =
            WithFile("[certify]\nset = [\"x=\\u00e9\"]\nmax-lipschitz = " + std::string(text) +
                     " # \u00e9\n")
                .certify();
        CHECK(outcome.exit_code == (fits ? 1 : 4));
        if (fits) {
            CHECK(contains(outcome.out, "2.9999999999999999999"));
        }
    }
    CHECK(contains(WithFile("[certify]\nmax-lipschitz = \"1e400\"\n").certify().out, "1e400"));
    CHECK(contains(WithFile("[certify]\nmax-lipschitz = 1000000\n").certify().out, "1000000"));
}

TEST_CASE("a LIPCERT_ variable that no command has is refused, one of another command is not") {
    ::setenv("LIPCERT_MAX_LIPSHITZ", "1", 1);
    const Outcome outcome = run({"certify", kModel});
    CHECK(outcome.exit_code == 4);
    CHECK(contains(outcome.err, "LIPCERT_MAX_LIPSHITZ"));
    ::unsetenv("LIPCERT_MAX_LIPSHITZ");
    ::setenv("LIPCERT_MAX_LIPSCHITZ", "1e-9", 1);
    CHECK(run({"norms", kModel}).exit_code == 0);
    ::unsetenv("LIPCERT_MAX_LIPSCHITZ");
    ::setenv("LIPCERT_TOP", "many", 1);
    const Outcome wrong = run({"certify", kModel});
    CHECK(wrong.exit_code == 4);
    CHECK(contains(wrong.err, "LIPCERT_TOP"));
    ::unsetenv("LIPCERT_TOP");
    for (const auto& variable : {std::pair("LIPCERT_MAX_LIPSCHITZ", ""),
                                 std::pair("LIPCERT_EXIT_ZERO", "true"),
                                 std::pair("LIPCERT_TOLERANCE", "1")}) {
        const char* const name = variable.first;
        const char* const value = variable.second;
        CAPTURE(name);
        ::setenv(name, value, 1);
        const Outcome refused = run({"certify", kModel});
        ::unsetenv(name);
        CHECK(refused.exit_code == 4);
        CHECK(contains(refused.err, name));
    }
}

TEST_CASE("a lipcert.toml that is a link to nowhere is an error, not an absent file") {
    const TemporaryFolder folder;
    std::filesystem::create_symlink("missing.toml", folder / "lipcert.toml");
    const std::filesystem::path before = std::filesystem::current_path();
    std::filesystem::current_path(folder.path());
    const int with = run({"certify", kModel}).exit_code;
    const int without = run({"certify", kModel, "--no-config"}).exit_code;
    std::filesystem::current_path(before);
    CHECK(with == 2);
    CHECK(without == 0);
}

TEST_CASE("init writes a file whose every key is known once it is no comment, and never over one") {
    const TemporaryFolder folder;
    const std::string file = (folder / "lipcert.toml").string();
    REQUIRE(run({"init", file}).exit_code == 0);
    CHECK(run({"init", file}).exit_code == 4);
    CHECK(run({"certify", kModel, "--defaults", file}).exit_code == 0);

    std::istringstream lines(read_file(file));
    std::string command;
    std::size_t keys = 0;
    for (std::string line; std::getline(lines, line);) {
        if (line.rfind("[", 0) == 0) {
            command = line;
        } else if (contains(line, " = ") && line.rfind("# ", 0) == 0 && !command.empty()) {
            ++keys;
            CAPTURE(line);
            const WithFile one(command + "\n" + line.substr(2) + "\n");
            // Known: an error, if any, is about the example value.
            CHECK_FALSE(contains(run({"norms", kModel, "--defaults", one.file}).err, "is no key"));
        }
    }
    CHECK(keys > 40);
}
