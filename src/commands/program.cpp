#include "lipcert/commands/program.hpp"

#include "lipcert/version.hpp"

#include <filesystem>
#include <functional>
#include <map>
#include <optional>

#include "commands/command_line.hpp"
#include "commands/commands.hpp"
#include "commands/completions.hpp"
#include "commands/defaults.hpp"
#include "commands/explain.hpp"
#include "commands/failures.hpp"
#include "commands/manual.hpp"
#include "commands/probe.hpp"
#include "commands/report_file.hpp"
#include <CLI/CLI.hpp>

namespace lipcert {

namespace {

/// Every command with its arguments, and the flags of the program itself.
struct CommandLine {
    CLI::App program{"Certified Lipschitz bounds for stored transformer checkpoints.", "lipcert"};
    CertifyArguments certify;
    VerifyArguments verify;
    NormsArguments norms;
    CapArguments cap;
    DiffArguments diff;
    BaselineArguments baseline;
    InspectArguments inspect;
    ExplainArguments explain;
    ProbeArguments probe;
    std::filesystem::path init_file = kDefaultsFile;
    std::optional<std::filesystem::path> defaults;
    bool no_defaults = false;
    bool manual = false;
    std::string shell;

    CommandLine() {
        add_certify(program, certify);
        add_verify(program, verify);
        add_norms(program, norms);
        add_cap(program, cap);
        add_diff(program, diff);
        add_baseline(program, baseline);
        add_inspect(program, inspect);
        add_probe(program, probe);
        for (CLI::App* command : program.get_subcommands({})) {
            add_defaults_options(*command);
        }
        add_explain(program, explain);
        program.add_subcommand("init", "Write a lipcert.toml in which every key is commented out")
            ->add_option("FILE", init_file, "Where (default: lipcert.toml)");
        add_program_options();
    }

private:
    void add_defaults_options(CLI::App& command) {
        command
            .add_option("--defaults",
                        defaults,
                        "Values of flags (default: lipcert.toml in the working folder)")
            ->type_name("FILE");
        command.add_flag("--no-config", no_defaults, "Read no lipcert.toml");
    }

    void add_program_options() {
        program.set_version_flag("--version", std::string("lipcert ") + kVersion);
        program.add_flag("--man", manual, "Print the manual page");
        program.add_option("--completions", shell, "Print completions for bash, zsh or fish")
            ->check(CLI::IsMember({"bash", "zsh", "fish"}).description(""))
            ->type_name("SHELL");
        program.require_subcommand(0, 1);
        program.footer(
            "Exit codes: 0 certified and within every limit, 1 a limit is exceeded, 2 unreadable "
            "or\nrefused input, 3 nothing could be certified, 4 wrong usage.");
    }
};

ExitCode write_defaults(const std::filesystem::path& file, CLI::App& program) {
    std::error_code ignored;
    if (std::filesystem::exists(std::filesystem::symlink_status(file, ignored))) {
        throw Error(ErrorKind::usage,
                    file.string(),
                    "exists and stays as it is: remove it first, or name another file");
    }
    write_report_file(file, defaults_template(program), {});
    return ExitCode::certified;
}

/// What the parser cannot check, because a file or a variable may still say it.
void require_complete(CLI::App& command, const CertifyArguments& arguments) {
    if (arguments.models.empty()) {
        throw Error(ErrorKind::usage, "", "MODEL is required; see lipcert certify --help");
    }
    if (command.get_option("--bound")->count() > 0 && !arguments.limits.max_lipschitz) {
        // It would be passed over silently.
        throw Error(ErrorKind::usage, "--bound", "needs --max-lipschitz, the limit on that bound");
    }
}

/// The commands that take files and defaults.
ExitCode run_on_files(const CommandLine& line, const std::string& name, Console& console) {
    const std::map<std::string, std::function<ExitCode()>> commands = {
        {"certify", [&] { return run_certify(line.certify, console); }},
        {"diff", [&] { return run_diff(line.diff, console); }},
        {"verify", [&] { return run_verify(line.verify, console); }},
        {"baseline", [&] { return run_baseline(line.baseline, console); }},
        {"inspect", [&] { return run_inspect(line.inspect, console); }},
        {"cap", [&] { return run_cap(line.cap, console); }},
        {"probe", [&] { return run_probe(line.probe, console); }},
        {"norms", [&] { return run_norms(line.norms, console); }}};
    return commands.at(name)();
}

ExitCode run_command(CommandLine& line, CLI::App& command, Console& console) {
    const std::string name = command.get_name();
    if (name == "init") {
        return write_defaults(line.init_file, line.program);
    }
    if (name == "explain") {
        return run_explain(line.explain, console);
    }
    apply_variables(line.program, command);
    if (!line.no_defaults) {
        apply_defaults(line.program, command, line.defaults);
    }
    if (name == "certify") {
        require_complete(command, line.certify);
    }
    return run_on_files(line, name, console);
}

/// False where the command line only asked for help or the version, which is printed.
bool parse(CommandLine& line, const std::vector<std::string>& arguments, Console& console) {
    try {
        // CLI11 takes the arguments from the back.
        std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
        line.program.parse(reversed);
        return true;
    } catch (const CLI::Success& request) {
        const bool is_version = dynamic_cast<const CLI::CallForVersion*>(&request) != nullptr;
        write_text(console.out,
                   is_version ? std::string(request.what()) + "\n" : line.program.help());
        return false;
    } catch (const CLI::ParseError& error) {
        throw Error(ErrorKind::usage, "", std::string(error.what()) + "; see lipcert --help");
    }
}

ExitCode dispatch(const std::vector<std::string>& arguments, Console& console) {
    CommandLine line;
    if (!parse(line, arguments, console)) {
        return ExitCode::certified;
    }
    if (line.manual || !line.shell.empty()) {
        write_text(console.out,
                   line.manual ? manual_page(line.program) : completions(line.program, line.shell));
        return ExitCode::certified;
    }
    const std::vector<CLI::App*> commands = line.program.get_subcommands();
    if (commands.empty()) {
        throw Error(ErrorKind::usage, "", "A subcommand is required; see lipcert --help");
    }
    return run_command(line, *commands.front(), console);
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
