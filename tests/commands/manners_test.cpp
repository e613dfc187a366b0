#include "lipcert/commands/console.hpp"
#include "lipcert/error.hpp"

#include <array>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <sstream>
#include <unistd.h>

#include "support/hdf5_writer.hpp"
#include "support/program.hpp"
#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>

using lipcert::test::Hdf5Id;
using lipcert::test::Hdf5Writer;
using lipcert::test::Outcome;
using lipcert::test::run;
using lipcert::test::sample_model;
using lipcert::test::TemporaryFolder;
using lipcert::test::write_file;
using nlohmann::json;

namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

/// One float matrix, and one of `type`.
std::string with_another(const TemporaryFolder& folder, hid_t type) {
    const auto path = folder / "x.h5";
    const std::vector<char> zeros(64, 0);
    Hdf5Writer(path)
        .add("w", {2, 2}, {1, 0, 0, 1})
        .add_raw("other", {2, 2}, zeros.data(), type)
        .integer_attribute("/", "config");
    return path.string();
}

}  // namespace

TEST_CASE("a mistake in what is named beside the model is one of usage") {
    const TemporaryFolder folder;
    const std::string model = sample_model("tiny_llama.h5").string();
    const std::string missing = (folder / "missing.json").string();
    const std::string broken = write_file(folder / "broken.json", "{").string();
    for (const std::string flag : {"--config", "--architecture"}) {
        for (const std::string& file : {missing, broken}) {
            CAPTURE(flag);
            CAPTURE(file);
            const Outcome outcome = run({"certify", model, flag, file});
            CHECK(outcome.exit_code == 4);
            CHECK(contains(outcome.err, file));
        }
    }
    CHECK(run({"certify", model, "--set", "model_type=\xff"}).exit_code == 4);
}

TEST_CASE("limits are looked at before the model is") {
    for (const char* flag : {"--max-lipschitz", "--max-spectral-norm", "--max-activation"}) {
        CHECK(run({"certify", "missing.h5", flag, "large"}).exit_code == 4);
    }
    CHECK(
        run({"certify", "missing.h5", "--max-lipschitz", "1", "--bound", "frobenius"}).exit_code ==
        4);
    // A bound that limits nothing would be passed over silently.
    const Outcome alone = run({"certify", "missing.h5", "--bound", "logit"});
    CHECK(alone.exit_code == 4);
    CHECK(contains(alone.err, "--max-lipschitz"));
}

TEST_CASE("norms lists what holds no floats, and refuses what may be quantised") {
    const TemporaryFolder folder;
    for (const hid_t type : {H5T_STD_I64LE, H5T_STD_I32LE}) {
        const Outcome outcome = run({"norms", with_another(folder, type)});
        CHECK(outcome.exit_code == 0);
        CHECK(contains(outcome.out, "not read, for they hold no floats: 1 tensor (int"));
        CHECK(contains(outcome.out, "such as other"));
    }
    const Hdf5Id truth(H5Tenum_create(H5T_STD_I8LE));
    const std::int8_t one = 1;
    REQUIRE(H5Tenum_insert(truth, "TRUE", &one) >= 0);
    const std::string path = with_another(folder, truth);
    CHECK(contains(run({"norms", path, "--quiet"}).out, "not read"));
    const json result = json::parse(run({"norms", path, "--json", "-"}).out);
    CHECK(result.at("matrices").size() == 1);
    CHECK(result.at("not_read") ==
          json::parse(R"([{"name": "other", "shape": [2, 2], "dtype": "enumeration"}])"));
    for (const hid_t type : {H5T_STD_I8LE, H5T_STD_U8LE, H5T_STD_I16LE}) {
        const Outcome outcome = run({"norms", with_another(folder, type)});
        CHECK(outcome.exit_code == 2);
        CHECK(contains(outcome.err, "other"));
        CHECK(run({"norms", with_another(folder, type), "--exclude", "other"}).exit_code == 0);
    }
}

TEST_CASE("a type that was assumed is warned about") {
    const TemporaryFolder folder;
    const auto path = (folder / "x.h5").string();
    const std::array<std::uint16_t, 4> values{0x3F80, 0, 0, 0x3F80};
    Hdf5Writer(path).add_raw("w", {2, 2}, values.data(), lipcert::test::opaque_type(2));
    const Outcome assumed = run({"norms", path, "--quiet"});
    CHECK(assumed.exit_code == 0);
    CHECK(contains(assumed.err, "lipcert: warning: "));
    CHECK(contains(assumed.err, "read as bfloat16"));
    Hdf5Writer(path)
        .add_raw("w", {2, 2}, values.data(), lipcert::test::opaque_type(2))
        .text_attribute("w", "dtype", "bfloat16");
    CHECK(run({"norms", path, "--quiet"}).err.empty());
}

TEST_CASE("--max-memory refuses what needs more, on this run and on no other") {
    const std::string model = sample_model("moby_dick.h5").string();
    const Outcome outcome = run({"norms", model, "--max-memory", "10K"});
    CHECK(outcome.exit_code == 2);
    CHECK(contains(outcome.err, "10240 are allowed"));
    CHECK(run({"norms", model, "--max-memory", "1M", "--tensor", "*attn*", "--quiet"}).exit_code ==
          0);
    CHECK(run({"norms", model, "--max-memory", "lots"}).exit_code == 4);
    CHECK(run({"norms", sample_model("tiny_gpt2.h5").string()}).exit_code == 0);
}

TEST_CASE("a reader that goes away ends nothing, a full disk does") {
    const auto handler = std::signal(SIGPIPE, SIG_IGN);
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    ::close(ends[0]);
    std::FILE* closed = ::fdopen(ends[1], "w");
    CHECK_NOTHROW(lipcert::write_text(closed, std::string(100'000, 'x')));
    std::fclose(closed);
    std::signal(SIGPIPE, handler);
    std::FILE* full = std::fopen("/dev/full", "w");
    REQUIRE(full != nullptr);
    CHECK_THROWS_AS(lipcert::write_text(full, "x"), lipcert::Error);
    std::fclose(full);
}

TEST_CASE(
    "--color always colours, never does not, auto asks the terminal and what the user allows") {
    const std::vector<std::string> arguments = {
        "certify", sample_model("tiny_llama.h5").string(), "--max-lipschitz", "1e9"};
    const auto is_colored = [&](const char* when, bool is_terminal, bool is_allowed) {
        lipcert::Console console;
        console.out_is_terminal = is_terminal;
        console.color_allowed = is_allowed;
        std::vector<std::string> all = arguments;
        all.insert(all.end(), {"--color", when});
        return contains(run(all, console).out, "\x1b[");
    };
    for (const bool is_terminal : {false, true}) {
        for (const bool is_allowed : {false, true}) {
            CHECK(is_colored("always", is_terminal, is_allowed));
            CHECK_FALSE(is_colored("never", is_terminal, is_allowed));
            CHECK(is_colored("auto", is_terminal, is_allowed) == (is_terminal && is_allowed));
        }
    }
    lipcert::Console terminal;
    terminal.out_is_terminal = true;
    CHECK(contains(run(arguments, terminal).out, "\x1b["));
    CHECK_FALSE(contains(run(arguments).out, "\x1b["));
    std::vector<std::string> wrong = arguments;
    wrong.insert(wrong.end(), {"--color", "sometimes"});
    CHECK(run(wrong).exit_code == 4);
}

TEST_CASE("NO_COLOR and TERM=dumb forbid colour, an empty NO_COLOR does not") {
    const char* no_color = std::getenv("NO_COLOR");
    const char* term = std::getenv("TERM");
    const std::string old_color = no_color == nullptr ? "" : no_color;
    const std::string old_term = term == nullptr ? "" : term;
    const auto allowed = [](const char* color, const char* terminal) {
        ::setenv("NO_COLOR", color, 1);
        ::setenv("TERM", terminal, 1);
        return lipcert::process_console().color_allowed;
    };
    CHECK(allowed("", "xterm"));
    CHECK_FALSE(allowed("1", "xterm"));
    CHECK_FALSE(allowed("", "dumb"));
    ::setenv("NO_COLOR", old_color.c_str(), 1);
    ::setenv("TERM", old_term.c_str(), 1);
}

TEST_CASE("running text and tables fit a narrow terminal") {
    lipcert::Console console;
    console.width = 60;
    for (const char* name : {"tiny_llama.h5", "tiny_lipschitz_transformer.h5", "moby_dick.h5"}) {
        CAPTURE(name);
        std::istringstream lines(run({"certify", sample_model(name).string()}, console).out);
        for (std::string line; std::getline(lines, line);) {
            CAPTURE(line);
            CHECK(line.size() <= 60);
        }
    }
}
