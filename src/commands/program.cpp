#include "lipcert/commands/program.hpp"

#include "lipcert/printable.hpp"
#include "lipcert/report/text.hpp"
#include "lipcert/version.hpp"

#include <new>

#include "commands/command_line.hpp"
#include "commands/commands.hpp"
#include "commands/explain.hpp"
#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace lipcert {

namespace {

/// One line on stderr. The place can be a file's or tensor's name, so it is made printable.
ExitCode report(const Console& console, const Error& error) {
    const std::string where = error.where().empty() ? "" : printable(error.where()) + ": ";
    std::fputs(fmt::format("lipcert: error: {}{}\n", where, printable(error.what())).c_str(),
               console.err);
    return exit_code(error.kind());
}

ExitCode dispatch(const std::vector<std::string>& arguments, Console& console) {
    CLI::App program("Certified Lipschitz bounds for stored transformer checkpoints.", "lipcert");
    program.set_version_flag("--version", std::string("lipcert ") + kVersion);
    program.require_subcommand(1);
    program.footer(
        "Exit codes: 0 certified and within every limit, 1 a limit is exceeded, 2 unreadable or\n"
        "refused input, 3 nothing could be certified, 4 wrong usage.");
    CertifyArguments certify;
    NormsArguments norms;
    add_certify(program, certify);
    add_norms(program, norms);
    InspectArguments inspect;
    add_inspect(program, inspect);
    CapArguments cap;
    add_cap(program, cap);
    ExplainArguments explain;
    add_explain(program, explain);
    try {
        // CLI11 takes the arguments from the back.
        std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
        program.parse(reversed);
    } catch (const CLI::Success& request) {
        if (dynamic_cast<const CLI::CallForVersion*>(&request) != nullptr) {
            write_text(console.out, std::string(request.what()) + "\n");
        } else {
            write_text(console.out, program.help());
        }
        return ExitCode::certified;
    } catch (const CLI::ParseError& error) {
        throw Error(ErrorKind::usage, "", std::string(error.what()) + "; see lipcert --help");
    }
    if (program.got_subcommand("certify")) {
        return run_certify(certify, console);
    }
    if (program.got_subcommand("inspect")) {
        return run_inspect(inspect, console);
    }
    if (program.got_subcommand("explain")) {
        return run_explain(explain, console);
    }
    return program.got_subcommand("cap") ? run_cap(cap, console) : run_norms(norms, console);
}

}  // namespace

ExitCode run_program(const std::vector<std::string>& arguments, Console& console) {
    try {
        return dispatch(arguments, console);
    } catch (const Error& error) {
        if (console.err_is_terminal) {
            std::fputs("\r\x1b[K", console.err);
        }
        return report(console, error);
    } catch (const std::bad_alloc&) {
        return report(
            console,
            Error(ErrorKind::input, "", "out of memory: the model needs more than there is"));
    } catch (const std::exception& error) {
        return report(console, Error(ErrorKind::internal, "", error.what()));
    }
}

}  // namespace lipcert
