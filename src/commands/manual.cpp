#include "commands/manual.hpp"

#include "lipcert/version.hpp"

#include <sstream>

#include "commands/option_names.hpp"
#include <fmt/format.h>

namespace lipcert {

namespace {

/// Text of a line of troff: backslashes, dashes and what would begin a request.
std::string troff(const std::string& text) {
    std::string result;
    for (const char character : text) {
        if (character == '\\') {
            result += "\\e";
        } else if (character == '-') {
            result += "\\-";
        } else {
            result += character;
        }
    }
    const bool begins_request =
        !result.empty() && (result.front() == '.' || result.front() == '\'');
    return begins_request ? "\\&" + result : result;
}

std::string option_entry(const CLI::Option& option) {
    std::string names;
    for (const std::string& name : spellings(option)) {
        names += (names.empty() ? "" : ", ") + ("\\fB" + troff(name) + "\\fR");
    }
    if (!is_flag(option)) {
        names += " \\fI" + troff(option.get_type_name()) + "\\fR";
    }
    return ".TP\n" + names + "\n" + troff(option.get_description()) + "\n";
}

/// Lines that stay as they are: examples, exit codes.
std::string verbatim(const std::string& text) {
    std::string result = ".nf\n";
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        result += troff(line) + "\n";
    }
    return result + ".fi\n";
}

std::string command_section(const CLI::App& command) {
    std::string synopsis = "\\fBlipcert " + troff(command.get_name()) + "\\fR [options]";
    for (const CLI::Option* positional : positionals_of(command)) {
        synopsis += " \\fI" + troff(positional->get_name(true)) + "\\fR";
        synopsis += positional->get_items_expected_max() > 1 ? "..." : "";
    }
    std::string text = ".SS " + troff(command.get_name()) + "\n" + synopsis + "\n.PP\n" +
                       troff(command.get_description()) + ".\n";
    for (const CLI::Option* positional : positionals_of(command)) {
        text += ".TP\n\\fI" + troff(positional->get_name(true)) + "\\fR\n" +
                troff(positional->get_description()) + "\n";
    }
    for (const CLI::Option* option : flags_of(command)) {
        text += option_entry(*option);
    }
    if (!command.get_footer().empty()) {
        text += ".PP\n" + verbatim(command.get_footer());
    }
    return text;
}

}  // namespace

std::string manual_page(const CLI::App& program) {
    std::string text =
        fmt::format(".TH LIPCERT 1 \"\" \"lipcert {}\" \"User Commands\"\n", kVersion) +
        ".SH NAME\nlipcert \\- certified Lipschitz bounds for stored transformer checkpoints\n"
        ".SH SYNOPSIS\n.B lipcert\n.I command\n[options] ...\n"
        ".SH DESCRIPTION\n"
        "Reads a stored transformer checkpoint and proves an upper bound on its Lipschitz "
        "constant:\nhow much the logits can move, at the most, when the embeddings move. The bound "
        "holds in exact\narithmetic for the stored weights, with every rounding of lipcert\\(aqs "
        "own computation accounted for.\n.SH COMMANDS\n";
    for (const CLI::App* command : program.get_subcommands({})) {
        text += command_section(*command);
    }
    text += ".SH OPTIONS OF THE PROGRAM\n";
    for (const CLI::Option* option : flags_of(program)) {
        text += option_entry(*option);
    }
    text += ".SH EXIT STATUS\n" + verbatim(program.get_footer()) +
            ".SH ENVIRONMENT\n"
            ".TP\n\\fBLIPCERT_\\fIFLAG\\fR\n"
            "The value of a flag that the command line leaves open: LIPCERT_MAX_LIPSCHITZ for\n"
            "\\-\\-max\\-lipschitz.\n"
            ".TP\n\\fBNO_COLOR\\fR, \\fBTERM\\fR=dumb\nNo colour.\n"
            ".TP\n\\fBCOLUMNS\\fR\nThe width of tables.\n"
            ".TP\n\\fBGITHUB_STEP_SUMMARY\\fR\nWhere \\-\\-format github adds its summary.\n"
            ".TP\n\\fBSOURCE_DATE_EPOCH\\fR\nThe day on which waivers are judged.\n"
            ".SH FILES\n.TP\nlipcert.toml\nDefaults of flags, read from the working folder; "
            "lipcert init writes one.\n";
    return text;
}

}  // namespace lipcert
