#include "lipcert/report/run_report.hpp"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>
#include <tinyxml2.h>

#include "report/escape.hpp"
#include "support/hostile_run.hpp"
#include <doctest/doctest.h>

using lipcert::Check;
using lipcert::CheckState;
using lipcert::ExitCode;
using lipcert::RunResult;
using lipcert::Upper;
using lipcert::test::hostile_run;
using lipcert::test::kHostileName;
using nlohmann::json;

namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

/// `count` matrices of growing norm above a limit of 1.
RunResult many_findings(std::size_t count) {
    lipcert::Certificate certificate = lipcert::test::hostile_certificate();
    certificate.matrices.resize(1);
    certificate.limits = {{"max-spectral-norm", "x", "1", Upper::exact(1.0), false}};
    for (std::size_t i = 1; i < count; ++i) {
        lipcert::MatrixBound matrix = certificate.matrices.front();
        matrix.name = "matrix." + std::to_string(i);
        matrix.norm.spectral = lipcert::Enclosure::exact(2.0 + static_cast<double>(i));
        certificate.matrices.push_back(matrix);
    }
    RunResult run;
    run.models.push_back(lipcert::test::result_of(certificate));
    return run;
}

}  // namespace

TEST_CASE("a limit on spectral norms is one check for each matrix") {
    const std::vector<Check> checks = lipcert::checks_of(lipcert::test::hostile_certificate());
    REQUIRE(checks.size() == 4);
    CHECK(checks[0].rule == "max-lipschitz");
    CHECK(checks[0].is_finding());
    CHECK(checks[1].place == kHostileName);
    CHECK(checks[1].is_finding());
    CHECK(checks[2].place == "plain.weight");
    CHECK_FALSE(checks[2].is_finding());
    CHECK_FALSE(checks[3].is_finding());
    CHECK(lipcert::excess(checks[1]) >= Upper::exact(1.25));
}

TEST_CASE("an error beats a finding, a finding beats a certificate") {
    RunResult run = hostile_run();
    CHECK(run.exit_code() == ExitCode::rejected);
    run.models.pop_back();
    CHECK(run.exit_code() == ExitCode::limit_exceeded);
    run.models.front().checks.clear();
    CHECK(run.exit_code() == ExitCode::certified);
}

TEST_CASE("JUnit is well-formed, counts right, and keeps hostile names as text") {
    tinyxml2::XMLDocument document;
    const std::string text = lipcert::junit_report(hostile_run());
    REQUIRE(document.Parse(text.c_str(), text.size()) == tinyxml2::XML_SUCCESS);
    const tinyxml2::XMLElement* root = document.RootElement();
    REQUIRE(std::string(root->Name()) == "testsuites");
    CHECK(root->IntAttribute("failures") == 2);
    CHECK(root->IntAttribute("errors") == 1);
    int cases = 0, failures = 0, errors = 0;
    for (const auto* suite = root->FirstChildElement("testsuite"); suite != nullptr;
         suite = suite->NextSiblingElement("testsuite")) {
        CHECK(suite->Attribute("name") != nullptr);
        int own = 0;
        std::set<std::string> names;
        for (const auto* entry = suite->FirstChildElement("testcase"); entry != nullptr;
             entry = entry->NextSiblingElement("testcase")) {
            ++own;
            REQUIRE(entry->Attribute("name") != nullptr);
            CHECK(
                names.insert(std::string(entry->Attribute("classname")) + entry->Attribute("name"))
                    .second);
            failures += entry->FirstChildElement("failure") != nullptr ? 1 : 0;
            errors += entry->FirstChildElement("error") != nullptr ? 1 : 0;
        }
        CHECK(suite->IntAttribute("tests") == own);
        cases += own;
    }
    CHECK(root->IntAttribute("tests") == cases);
    CHECK(failures == 2);
    CHECK(errors == 1);
    CHECK(contains(text, "&lt;script&gt;"));
    CHECK_FALSE(contains(text, "<script"));
}

TEST_CASE("SARIF has what 2.1.0 requires and fingerprints that depend on the place alone") {
    const RunResult run = hostile_run();
    const json sarif = json::parse(lipcert::sarif_report(run));
    CHECK(sarif.at("version") == "2.1.0");
    REQUIRE(sarif.at("runs").size() == 1);
    const json& entry = sarif["runs"][0];
    const json& rules = entry.at("tool").at("driver").at("rules");
    CHECK(entry["tool"]["driver"].at("name") == "lipcert");
    REQUIRE(entry.at("results").size() == 2);
    for (const json& result : entry["results"]) {
        CHECK_FALSE(result.at("message").at("text").get<std::string>().empty());
        CHECK(rules.at(result.at("ruleIndex").get<std::size_t>()).at("id") == result.at("ruleId"));
        const json& physical = result.at("locations").at(0).at("physicalLocation");
        // A URI reference: nothing but RFC 3986's characters.
        CHECK(std::regex_match(physical.at("artifactLocation").at("uri").get<std::string>(),
                               std::regex("[A-Za-z0-9._~/%:-]+")));
        CHECK(result.at("partialFingerprints").size() == 1);
    }
    const json& invocation = entry.at("invocations").at(0);
    CHECK(invocation.at("executionSuccessful") == false);
    CHECK(invocation.at("toolExecutionNotifications").size() == 1);

    RunResult moved = run;
    for (Check& check : moved.models.front().checks) {
        check.actual = check.actual * Upper::exact(3.0);
    }
    std::reverse(moved.models.front().checks.begin(), moved.models.front().checks.end());
    const json again = json::parse(lipcert::sarif_report(moved));
    CHECK(again["runs"][0]["results"][1]["partialFingerprints"] ==
          entry["results"][0]["partialFingerprints"]);
    CHECK(entry["results"][1]["partialFingerprints"] != entry["results"][0]["partialFingerprints"]);
}

TEST_CASE("every line of the CSV has the same number of fields, whatever a name holds") {
    std::istringstream lines(lipcert::csv_report(hostile_run()));
    std::size_t count = 0;
    for (std::string line; std::getline(lines, line); ++count) {
        REQUIRE(line.back() == '\r');
        std::size_t fields = 1;
        bool quoted = false;
        for (const char character : line) {
            quoted = quoted != (character == '"');
            fields += character == ',' && !quoted ? 1U : 0U;
        }
        CHECK(fields == 14);
        CHECK_FALSE(quoted);
    }
    CHECK(count == 1 + 6 + 1 + 2 + 4 + 1);
    CHECK(lipcert::csv_field("=1+1") == "'=1+1");
    CHECK(lipcert::csv_field("a,\"b\"") == "\"a,\"\"b\"\"\"");
}

namespace {

/// Bounds of streams of at most 3 tokens that are mixtures of embeddings, one limit exceeded, and
/// bounds under a condition on a place with a hostile name.
RunResult restricted_run(bool finds) {
    lipcert::Certificate certificate = lipcert::test::hostile_certificate();
    certificate.bounds.domain.embeddings = true;
    certificate.bounds.domain.longest_stream = 3;
    lipcert::Conditions conditions;
    conditions.minimum_rms[kHostileName] = {0.5, lipcert::Lower::exact(0.5)};
    conditions.data = kHostileName;
    certificate.conditional = lipcert::ConditionalBounds{conditions, certificate.bounds};
    certificate.limits.resize(finds ? 1 : 0);
    RunResult run;
    run.models.push_back(lipcert::test::result_of(certificate));
    return run;
}

const std::string kRestriction = "on mixtures of embeddings, on at most 3 tokens";

}  // namespace

TEST_CASE("a reader of one file alone sees of which inputs its bounds are") {
    const RunResult finding = restricted_run(true);
    const RunResult certified = restricted_run(false);

    const std::string csv = lipcert::csv_report(certified);
    std::istringstream lines(csv);
    for (std::string line; std::getline(lines, line);) {
        CAPTURE(line);
        const bool is_bound = contains(line, ",bound,") || contains(line, ",block,");
        CHECK(contains(line, kRestriction) == is_bound);
        const bool is_conditional = contains(line, ",conditional-b");
        CHECK(contains(line, "on pairs that meet: ") == is_conditional);
    }
    CHECK(contains(csv, ",conditional-bound,"));
    CHECK(contains(lipcert::csv_report(finding), "1e264,exceeded,\"" + kRestriction));

    const std::string passed = lipcert::junit_report(certified);
    CHECK(contains(passed,
                   "<property name=\"domain\" value=\"For all embedding streams X, Y of at "
                   "most 3 tokens, every token a mixture"));
    const std::string failed = lipcert::junit_report(finding);
    CHECK(contains(failed, "name=\"max-lipschitz max_token_rms " + kRestriction + "\""));
    CHECK(contains(failed, "max_token_rms " + kRestriction + " is proved to be at most"));

    const json quiet = json::parse(lipcert::sarif_report(certified)).at("runs").at(0);
    CHECK(quiet.at("results").empty());
    CHECK(contains(quiet.at("properties").at("domains").at(0).at("domain").get<std::string>(),
                   "at most 3 tokens, every token a mixture"));
    const json result =
        json::parse(lipcert::sarif_report(finding)).at("runs").at(0).at("results").at(0);
    CHECK(contains(result.at("message").at("text").get<std::string>(), kRestriction));
    CHECK(contains(result.at("properties").at("domain").get<std::string>(), "a mixture"));

    CHECK(contains(lipcert::github_annotations(finding), "max_token_rms " + kRestriction));
    for (const std::string& page :
         {lipcert::markdown_report(certified, 100), lipcert::html_report(certified)}) {
        CHECK(contains(page, "at most 3 tokens"));
        CHECK(contains(page, "meet these conditions"));
        CHECK(contains(page, "every token that enters has RMS"));
        CHECK_FALSE(contains(page, "<script"));
    }
}

TEST_CASE("a limit on matrices, and bounds of all inputs, name no restriction") {
    CHECK_FALSE(contains(lipcert::junit_report(hostile_run()), "at most 3 tokens"));
    RunResult run = restricted_run(true);
    lipcert::Certificate certificate = *run.models.front().certificate;
    certificate.limits = {{"max-spectral-norm", kHostileName, "4", Upper::exact(5.0), false}};
    run.models = {lipcert::test::result_of(certificate)};
    CHECK_FALSE(contains(lipcert::github_annotations(run), kRestriction));
    CHECK_FALSE(
        contains(json::parse(lipcert::sarif_report(run))["runs"][0]["results"].dump(), "mixture"));
}

TEST_CASE("no name becomes markup in Markdown or HTML") {
    const std::string markdown =
        lipcert::markdown_report(hostile_run(), std::numeric_limits<std::size_t>::max());
    CHECK_FALSE(contains(markdown, "<script"));
    CHECK_FALSE(contains(markdown, "`c`"));
    CHECK_FALSE(contains(markdown, "@user"));
    CHECK_FALSE(contains(markdown, "](http"));
    CHECK_FALSE(contains(markdown, "\x1b"));
    CHECK_FALSE(contains(markdown, "\n::"));
    // A cell's bar would add a column.
    std::istringstream lines(markdown);
    for (std::string line; std::getline(lines, line);) {
        if (contains(line, "plain.weight") && contains(line, "max-spectral-norm")) {
            CHECK(std::count(line.begin(), line.end(), '|') == 6);
        }
        if (contains(line, "&lt;script&gt;") && contains(line, "max-spectral-norm")) {
            CHECK(std::count(line.begin(), line.end(), '|') == 6);
        }
    }
    const std::string html = lipcert::html_report(hostile_run());
    CHECK_FALSE(contains(html, "<script"));
    CHECK_FALSE(contains(html, "\x1b"));
    CHECK(contains(html, "&lt;script&gt;"));
}

TEST_CASE("the HTML page is well-formed, needs nothing from elsewhere and no script") {
    std::string html = lipcert::html_report(hostile_run());
    CHECK(html.rfind("<!DOCTYPE html>", 0) == 0);
    for (const char* loader :
         {"<script", "src=", "href=\"http", "url(", "@import", "<link", "onload"}) {
        CAPTURE(loader);
        CHECK_FALSE(contains(html, loader));
    }
    CHECK(contains(html, "lang=\"en\""));
    CHECK(contains(html, "prefers-color-scheme: dark"));
    CHECK(contains(html, "name=\"viewport\""));
    // As XML: void elements closed, the named entities that XML lacks replaced.
    html = std::regex_replace(html, std::regex("<(meta[^>]*)>"), "<$1/>");
    html = std::regex_replace(html, std::regex("&(minus|le|times|rsquo);"), "-");
    html.erase(0, html.find('\n') + 1);
    tinyxml2::XMLDocument document;
    CHECK(document.Parse(html.c_str(), html.size()) == tinyxml2::XML_SUCCESS);
    INFO(document.ErrorStr());
}

TEST_CASE("GitHub gets at most ten annotations, errors first, then the worst") {
    RunResult run = many_findings(30);
    lipcert::ModelResult failed;
    failed.path = "broken,file:1.h5";
    failed.error = "first line\nsecond 100%";
    run.models.push_back(failed);
    std::istringstream lines(lipcert::github_annotations(run));
    std::vector<std::string> annotations;
    for (std::string line; std::getline(lines, line);) {
        annotations.push_back(line);
    }
    REQUIRE(annotations.size() == 10);
    CHECK(annotations[0] ==
          "::error title=lipcert%3A not certified,file=broken%2Cfile%3A1.h5::first "
          "line\\x0asecond 100%25");
    CHECK(contains(annotations[1], "matrix.29: "));
    CHECK(contains(annotations[9], "matrix.21: "));
    const std::string hostile = lipcert::github_annotations(hostile_run());
    CHECK(std::count(hostile.begin(), hostile.end(), '\n') == 3);
}

TEST_CASE("a step summary stays under its limit and keeps findings in sight") {
    const RunResult run = many_findings(20000);
    constexpr std::size_t kMost = 1024 * 1024;
    CHECK(lipcert::markdown_report(run, std::numeric_limits<std::size_t>::max()).size() > kMost);
    const std::string summary = lipcert::github_summary(run, kMost);
    CHECK(summary.size() <= kMost);
    CHECK(contains(summary, "limit exceeded"));
    CHECK(contains(summary, "further lines not shown here"));
    RunResult crowd;
    for (std::size_t i = 0; i < 2000; ++i) {
        lipcert::ModelResult empty;
        empty.path = "model" + std::to_string(i);
        empty.error = "is empty";
        crowd.models.push_back(empty);
    }
    CHECK(lipcert::github_summary(crowd, 1000).size() <= 1000);
    CHECK(contains(lipcert::github_summary(crowd, 1000), "2000 models"));
}

TEST_CASE("what is printed inside GitHub Actions cannot issue commands") {
    const std::string text = "::error::x\nplain\n";
    const std::string guarded = lipcert::without_workflow_commands(text);
    const std::string start = "::stop-commands::";
    REQUIRE(guarded.rfind(start, 0) == 0);
    const std::string token = guarded.substr(start.size(), guarded.find('\n') - start.size());
    CHECK(token.size() == 64);
    CHECK(guarded == start + token + "\n" + text + "::" + token + "::\n");
}

TEST_CASE("paths become URI references") {
    CHECK(lipcert::uri_of_path("models/a b#1.h5") == "models/a%20b%231.h5");
    CHECK(lipcert::uri_of_path("/tmp/m\xc3\xb6.h5") == "file:///tmp/m%C3%B6.h5");
}
