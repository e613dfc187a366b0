#include "lipcert/report/text.hpp"

#include "lipcert/printable.hpp"

#include <cmath>
#include <cstdlib>

#include "support/random.hpp"
#include <doctest/doctest.h>

using lipcert::Lower;
using lipcert::printable;
using lipcert::readable;
using lipcert::shortened;
using lipcert::Upper;
using lipcert::wrapped;

TEST_CASE("names from files cannot move the cursor, hide text or break a line") {
    CHECK(printable("blocks.0.weight") == "blocks.0.weight");
    CHECK(printable("a\x1b[2Jb") == "a\\x1b[2Jb");
    CHECK(printable("a\nb\r\t") == "a\\x0ab\\x0d\\x09");
    CHECK(printable("\x7f") == "\\x7f");
    CHECK(printable("gr\xc3\xb6\xc3\x9f"
                    "e") ==
          "gr\xc3\xb6\xc3\x9f"
          "e");
    CHECK(printable("\xff\xfe") == "\\xff\\xfe");
    CHECK(printable("\xc3") == "\\xc3");
    CHECK(printable("\xc0\xaf") == "\\xc0\\xaf");
    CHECK(printable("\xc2\x9b"
                    "31m") ==
          "\\xc2\\x9b"
          "31m");
    CHECK(printable("\xe2\x80\xae") == "\\xe2\\x80\\xae");
    CHECK(printable("\xed\xa0\x80") == "\\xed\\xa0\\x80");
    CHECK(printable("\xf0\x9f\x98\x80") == "\xf0\x9f\x98\x80");
    CHECK(lipcert::is_printable("\xe4\xb8\xad\xd7\x90\xe2\x82\xac"));
    // What shows as nothing: a soft hyphen, an Arabic mark, Mongolian and Hangul fillers, variation
    // selectors, an interlinear anchor, a tag.
    for (const char* hidden : {"\xc2\xad",
                               "\xd8\x9c",
                               "\xe1\xa0\x8e",
                               "\xe1\x85\x9f",
                               "\xe1\x85\xa0",
                               "\xe3\x85\xa4",
                               "\xef\xb8\x80",
                               "\xef\xb8\x8f",
                               "\xef\xbf\xb9",
                               "\xef\xbf\xbb",
                               "\xf3\xa0\x80\x81",
                               "\xf3\xa0\x84\x80"}) {
        CAPTURE(printable(hidden));
        CHECK_FALSE(lipcert::is_printable(hidden));
    }
}

TEST_CASE("long names keep both ends") {
    CHECK(shortened("abcdefghij", 10) == "abcdefghij");
    CHECK(shortened("abcdefghijk", 9) == "abc...ijk");
    CHECK(lipcert::width_of(shortened(
              "\xc3\xb6\xc3\xb6\xc3\xb6\xc3\xb6\xc3\xb6\xc3\xb6\xc3\xb6\xc3\xb6", 6)) == 6);
}

TEST_CASE("short numbers print plainly, long ones scientifically") {
    CHECK(readable(Upper::exact(1.0), 3) == "1.00");
    CHECK(readable(Upper::exact(77.25), 3) == "77.3");
    CHECK(readable(Upper::exact(424.0), 3) == "424");
    CHECK(readable(Upper::exact(12345.0), 3) == "12400");
    CHECK(readable(Upper::exact(123456.0), 3) == "1.24e+05");
    CHECK(readable(Upper::exact(0.03125), 3) == "0.0313");
    CHECK(readable(Upper::exact(0.0001), 3) == "1.01e-04");
    CHECK(readable(Upper(), 3) == "0");
    CHECK(readable(Upper::infinity(), 3) == "inf");
    CHECK(readable(Upper::parse("1e10264"), 2) == "1.1e+10264");
    CHECK(readable(Lower::exact(77.25), 3) == "77.2");
}

TEST_CASE("a readable bound is never below the bound, a readable lower end never above") {
    lipcert::test::Random random(31);
    for (std::size_t i = 0; i < lipcert::test::repetitions(2000); ++i) {
        const double value = std::pow(10.0, random.uniform(-6.0, 9.0));
        const int digits = static_cast<int>(random.integer(2, 9));
        const std::string above = readable(Upper::exact(value), digits);
        const std::string below = readable(Lower::exact(value), digits);
        CHECK(Upper::parse(above) >= Upper::exact(value));
        CHECK(Lower::parse(below) <= Lower::exact(value));
        // Not by more than one unit of the last digit shown.
        CHECK(std::strtod(above.c_str(), nullptr) <=
              value * (1.0 + std::pow(10.0, 1 - digits)) * 1.000001);
        CHECK(std::strtod(below.c_str(), nullptr) >=
              value * (1.0 - std::pow(10.0, 1 - digits)) * 0.999999);
    }
}

TEST_CASE("a scientific decimal keeps its digits when it is written plainly") {
    CHECK(lipcert::readable_decimal("1.26492e+01") == "12.6492");
    CHECK(lipcert::readable_decimal("1.26492e+12") == "1.26492e+12");
    CHECK(lipcert::readable_decimal("inf") == "inf");
    CHECK(lipcert::counted(1, "matrix") == "1 matrix");
    CHECK(lipcert::counted(3, "matrix") == "3 matrices");
    CHECK(lipcert::counted(2, "layer") == "2 layers");
}

TEST_CASE("counts are written for people") {
    CHECK(lipcert::readable_count(999) == "999");
    CHECK(lipcert::readable_count(260032) == "260,032");
    CHECK(lipcert::readable_count(2392576) == "2.39 M");
    CHECK(lipcert::readable_count(124439808) == "124 M");
}

TEST_CASE("running text is broken at spaces, colours take no column, and no word is lost") {
    const std::string line = "For all streams X and Y of any length";
    CHECK(wrapped(line + "\n", 100) == line + "\n");
    CHECK(wrapped(line, 20) == "For all streams X\n    and Y of any\n    length");
    CHECK(wrapped("  ab cd", 5) == "  ab\n      cd");
    CHECK(wrapped("a   b", 5) == "a   b");
    CHECK(wrapped("unbreakable tensor", 5) == "unbreakable\n    tensor");
    CHECK(wrapped("\x1b[1mab\x1b[0m cd", 5) == "\x1b[1mab\x1b[0m cd");
    CHECK(wrapped("\x1b[1mab\x1b[0m cd", 4) == "\x1b[1mab\x1b[0m\n    cd");
    CHECK(wrapped("\x1b[", 1) == "\x1b[");
    CHECK(wrapped("", 1).empty());
    CHECK(wrapped("\n\n", 1) == "\n\n");
}
