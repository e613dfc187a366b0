#include <string>

#include "support/program.hpp"
#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>

using lipcert::test::Outcome;
using lipcert::test::read_file;
using lipcert::test::run;
using lipcert::test::source_folder;

namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("explain prints a rule as the theorem page states it, to the end and no further") {
    const Outcome outcome = run({"explain", "r20"});
    CHECK(outcome.exit_code == 0);
    CHECK(outcome.out.rfind("R20  Several heads: weighted head sum\n", 0) == 0);
    CHECK(contains(outcome.out, "*Fails*"));
    CHECK(!contains(outcome.out, "## "));
    // Word for word: the same text stands in the page.
    const std::string page = read_file(source_folder() / "docs" / "theorems.md");
    CHECK(contains(page, outcome.out.substr(outcome.out.find('\n') + 1)));
}

TEST_CASE("every rule that the theorem pages state can be explained and is listed") {
    const Outcome list = run({"explain"});
    CHECK(list.exit_code == 0);
    std::size_t count = 0;
    std::size_t begin = 0;
    while (begin < list.out.size()) {
        const std::string id = list.out.substr(begin, list.out.find(' ', begin) - begin);
        CAPTURE(id);
        CHECK(run({"explain", id}).exit_code == 0);
        begin = list.out.find('\n', begin) + 1;
        ++count;
    }
    CHECK(count > 30);
    for (const std::string id : {"R1'", "R10'", "S2"}) {
        CHECK(contains(list.out, id + " "));
    }
}

TEST_CASE("a rule that is not stated is a usage error") {
    const Outcome outcome = run({"explain", "R999"});
    CHECK(outcome.exit_code == 4);
    CHECK(contains(outcome.err, "R999"));
}

TEST_CASE("certify --explain shows every rule's value for a block and marks the least") {
    const std::string model = (source_folder() / "sample_models" / "moby_dick.h5").string();
    const Outcome outcome =
        run({"certify", model, "--effort", "fast", "--explain", "layer 1 attention"});
    CHECK(outcome.exit_code == 0);
    const std::size_t begin = outcome.out.find("layer 1 attention: Lipschitz constant ");
    REQUIRE(begin != std::string::npos);
    const std::string shown = outcome.out.substr(begin);
    for (const std::string part : {"values and keys", "query", "attention", "R23 R20", "R23 R21"}) {
        CAPTURE(part);
        CHECK(contains(shown, part));
    }
    std::size_t marks = 0;
    for (std::size_t at = shown.find("<- least"); at != std::string::npos;
         at = shown.find("<- least", at + 1)) {
        ++marks;
    }
    CHECK(marks >= 3);
    CHECK(!contains(run({"certify", model, "--effort", "fast"}).out, "<- least"));
}

TEST_CASE("a block that the model does not have is a usage error that lists those it has") {
    const std::string model = (source_folder() / "sample_models" / "tiny_llama.h5").string();
    const Outcome outcome = run({"certify", model, "--explain", "layer 9"});
    CHECK(outcome.exit_code == 4);
    CHECK(contains(outcome.err, "layer 0 attention"));
    CHECK(run({"certify", model, "--effort", "most"}).exit_code == 4);
}
