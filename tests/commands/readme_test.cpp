#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "support/program.hpp"
#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>

using lipcert::test::read_file;
using lipcert::test::run;
using lipcert::test::source_folder;

namespace {

std::vector<std::string> words_of(const std::string& text) {
    std::istringstream stream(text);
    std::vector<std::string> words;
    for (std::string word; stream >> word;) {
        words.push_back(word);
    }
    return words;
}

/// Words must be equal; numbers may differ in the last digits, because another processor's BLAS
/// rounds elsewhere. Widths of enclosures are noise: only their order of magnitude counts.
bool agree(const std::string& written, const std::string& printed) {
    if (written == printed) {
        return true;
    }
    char* end_written = nullptr;
    char* end_printed = nullptr;
    const double a = std::strtod(written.c_str(), &end_written);
    const double b = std::strtod(printed.c_str(), &end_printed);
    if (end_written == written.c_str() || *end_written != '\0' || *end_printed != '\0') {
        return false;
    }
    const bool is_width = std::max(a, b) < 1e-7;
    return is_width || std::abs(a - b) <= 2e-3 * std::abs(a);
}

}  // namespace

TEST_CASE("the example in the README is what the program prints") {
    const std::string readme = read_file(source_folder() / "README.md");
    const std::string marker = "<!-- golden: certify sample_models/moby_dick.h5 -->\n```\n";
    const std::size_t begin = readme.find(marker);
    REQUIRE(begin != std::string::npos);
    const std::size_t start = begin + marker.size();
    const std::vector<std::string> written =
        words_of(readme.substr(start, readme.find("```", start) - start));
    const std::vector<std::string> printed = words_of(
        run({"certify", (source_folder() / "sample_models" / "moby_dick.h5").string()}).out);
    REQUIRE(written.size() == printed.size());
    CHECK(written.size() > 100);
    for (std::size_t i = 0; i < written.size(); ++i) {
        CAPTURE(i);
        CHECK_MESSAGE(
            agree(written[i], printed[i]), written[i], " in the README, ", printed[i], " printed");
    }
}
