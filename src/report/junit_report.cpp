#include "lipcert/report/run_report.hpp"

#include <algorithm>

#include "report/escape.hpp"
#include "report/phrases.hpp"
#include <fmt/format.h>

namespace lipcert {

namespace {

struct Case {
    std::string group;  ///< "limits", "matrices", "model"
    std::string name;
    std::string failure;  ///< empty: it passed
    bool is_error = false;
};

std::vector<Case> cases_of(const ModelResult& model) {
    if (!model.certificate) {
        return {{"model", "can be certified", model.error, true}};
    }
    const Domain& domain = model.certificate->bounds.domain;
    std::vector<Case> cases = {{"model", "can be certified", "", false}};
    for (const Check& check : model.checks) {
        if (check.rule != "max-spectral-norm") {
            cases.push_back({"limits",
                             check.rule + " " + check.place + restriction_of(check, domain),
                             check.is_finding() ? finding_phrase(check, domain) : "",
                             false});
        }
    }
    for (const MatrixBound& matrix : model.certificate->matrices) {
        const auto check =
            std::find_if(model.checks.begin(), model.checks.end(), [&matrix](const Check& other) {
                return other.rule == "max-spectral-norm" && other.place == matrix.name;
            });
        const bool fails = check != model.checks.end() && check->is_finding();
        cases.push_back(
            {"matrices", matrix.name, fails ? finding_phrase(*check, domain) : "", false});
    }
    return cases;
}

std::string case_element(const std::string& model, const Case& entry) {
    const std::string start =
        fmt::format("    <testcase classname=\"lipcert.{}.{}\" name=\"{}\" time=\"0\"",
                    markup_text(model),
                    entry.group,
                    markup_text(entry.name));
    if (entry.failure.empty()) {
        return start + "/>\n";
    }
    return start + fmt::format(
                       ">\n      <{0} message=\"{1}\" type=\"{2}\">{1}</{0}>\n"
                       "    </testcase>\n",
                       entry.is_error ? "error" : "failure",
                       markup_text(entry.failure),
                       entry.is_error ? "not-certified" : "limit-exceeded");
}

/// Of which inputs the bounds of a suite are.
std::string domain_property(const ModelResult& model) {
    return model.certificate
               ? fmt::format(
                     "    <properties>\n      <property name=\"domain\" value=\"{}\"/>\n"
                     "    </properties>\n",
                     markup_text(domain_phrase(model.certificate->bounds.domain)))
               : "";
}

}  // namespace

std::string junit_report(const RunResult& run) {
    std::string suites;
    std::size_t all = 0, failures = 0, errors = 0;
    for (const ModelResult& model : run.models) {
        const std::vector<Case> cases = cases_of(model);
        std::size_t own_failures = 0, own_errors = 0;
        std::string elements = domain_property(model);
        for (const Case& entry : cases) {
            own_errors += entry.is_error ? 1U : 0U;
            own_failures += !entry.is_error && !entry.failure.empty() ? 1U : 0U;
            elements += case_element(file_name_of(model.path), entry);
        }
        suites += fmt::format(
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" "
            "errors=\"{}\" skipped=\"0\" time=\"0\">\n{}  </testsuite>\n",
            markup_text(model.path),
            cases.size(),
            own_failures,
            own_errors,
            elements);
        all += cases.size();
        failures += own_failures;
        errors += own_errors;
    }
    return fmt::format(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<testsuites name=\"lipcert\" tests=\"{}\" failures=\"{}\" errors=\"{}\" "
        "time=\"0\">\n{}</testsuites>\n",
        all,
        failures,
        errors,
        suites);
}

}  // namespace lipcert
