#include <cstdlib>
#include <nlohmann/json.hpp>
#include <sstream>
#include <sys/wait.h>

#include "support/program.hpp"
#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>

using lipcert::test::Outcome;
using lipcert::test::read_file;
using lipcert::test::run;
using lipcert::test::TemporaryFolder;
using lipcert::test::write_file;

namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

int shell(const std::string& command) {
    return WEXITSTATUS(std::system((command + " >/dev/null 2>&1").c_str()));
}

/// Runs `command` if `program` is installed.
bool passes_or_is_missing(const std::string& program, const std::string& command) {
    if (shell("command -v " + program) != 0) {
        MESSAGE("skipped: ", program, " is not installed");
        return true;
    }
    return shell(command) == 0;
}

}  // namespace

TEST_CASE("the manual page names every command and flag and is clean troff") {
    const Outcome outcome = run({"--man"});
    REQUIRE(outcome.exit_code == 0);
    for (const char* word : {".TH LIPCERT 1",
                             ".SS certify",
                             ".SS diff",
                             "\\-\\-max\\-lipschitz",
                             "\\-\\-in\\-place",
                             ".SH EXIT STATUS"}) {
        CAPTURE(word);
        CHECK(contains(outcome.out, word));
    }
    const TemporaryFolder folder;
    const std::string page = write_file(folder / "lipcert.1", outcome.out).string();
    CHECK(passes_or_is_missing("mandoc", "mandoc -T lint -W error " + page));
}

TEST_CASE("completions parse in their shells and know every command") {
    const TemporaryFolder folder;
    for (const std::string name : {"bash", "zsh", "fish"}) {
        CAPTURE(name);
        const Outcome outcome = run({"--completions", name});
        CHECK(outcome.exit_code == 0);
        for (const char* word : {"certify", "norms", "cap", "diff", "baseline", "init"}) {
            CHECK(contains(outcome.out, word));
        }
        CHECK(contains(outcome.out, "max-lipschitz"));
        const std::string file = write_file(folder / name, outcome.out).string();
        CHECK(passes_or_is_missing(name, name + " -n " + file));
    }
    CHECK(run({"--completions", "tcsh"}).exit_code == 4);
}

TEST_CASE("bash completes commands, flags and files") {
    if (shell("command -v bash") != 0) {
        MESSAGE("skipped: bash is not installed");
        return;
    }
    const TemporaryFolder folder;
    const std::string script =
        write_file(folder / "c", run({"--completions", "bash"}).out).string();
    const auto completed = [&](const std::string& words, const std::string& expected) {
        return shell("bash -c 'source " + script + "; COMP_WORDS=(" + words +
                     "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _lipcert; [[ \" "
                     "${COMPREPLY[*]} \" == *\" " +
                     expected + " \"* ]]'") == 0;
    };
    CHECK(completed("lipcert cer", "certify"));
    CHECK(completed("lipcert certify --max-l", "--max-lipschitz"));
    CHECK(completed("lipcert cap --in", "--in-place"));
    CHECK(completed("lipcert certify /etc/passw", "/etc/passwd"));
    CHECK_FALSE(completed("lipcert norms --max-l", "--max-lipschitz"));
}

TEST_CASE("help of every command has examples, and the program alone says what is missing") {
    for (const char* command : {"certify", "norms", "cap", "diff", "baseline"}) {
        CAPTURE(command);
        CHECK(contains(run({command, "--help"}).out, "Examples:"));
    }
    const Outcome alone = run({});
    CHECK(alone.exit_code == 4);
    CHECK(contains(alone.err, "--help"));
}
