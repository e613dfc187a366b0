#include "lipcert/commands/program.hpp"

#include "lipcert/version.hpp"

#include "commands/command_line.hpp"
#include "commands/commands.hpp"
#include "commands/explain.hpp"
#include "commands/failures.hpp"
#include <CLI/CLI.hpp>

namespace lipcert {

namespace {

ExitCode dispatch(const std::vector<std::string>& arguments, Console& console) {
    CLI::App program("Certified Lipschitz bounds for stored transformer checkpoints.", "lipcert");
    program.set_version_flag("--version", std::string("lipcert ") + kVersion);
    program.require_subcommand(1);
    program.footer(
        "Exit codes: 0 certified and within every limit, 1 a limit is exceeded, 2 unreadable or\n"
        "refused input, 3 nothing could be certified, 4 wrong usage.");
    CertifyArguments certify;
    NormsArguments norms;
    CapArguments cap;
    DiffArguments diff;
    BaselineArguments baseline;
    add_certify(program, certify);
    add_norms(program, norms);
    add_cap(program, cap);
    add_diff(program, diff);
    add_baseline(program, baseline);
    InspectArguments inspect;
    add_inspect(program, inspect);
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
    if (program.got_subcommand("diff")) {
        return run_diff(diff, console);
    }
    if (program.got_subcommand("baseline")) {
        return run_baseline(baseline, console);
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
    } catch (...) {
        return report_error(console, current_error());
    }
}

}  // namespace lipcert
