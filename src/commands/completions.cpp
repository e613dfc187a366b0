#include "commands/completions.hpp"

#include "commands/option_names.hpp"
#include <fmt/format.h>

namespace lipcert {

namespace {

std::vector<const CLI::App*> commands_of(const CLI::App& program) {
    return program.get_subcommands({});
}

/// Between single quotes of a shell.
std::string quoted(const std::string& text) {
    std::string result = "'";
    for (const char character : text) {
        result += character == '\'' ? "'\\''" : std::string(1, character);
    }
    return result + "'";
}

std::string words(const CLI::App& command) {
    std::string text;
    for (const CLI::Option* option : flags_of(command)) {
        for (const std::string& name : spellings(*option)) {
            text += (text.empty() ? "" : " ") + name;
        }
    }
    return text;
}

std::string command_names(const CLI::App& program) {
    std::string text;
    for (const CLI::App* command : commands_of(program)) {
        text += (text.empty() ? "" : " ") + command->get_name();
    }
    return text;
}

std::string bash(const CLI::App& program) {
    std::string cases;
    for (const CLI::App* command : commands_of(program)) {
        cases +=
            fmt::format("        {}) flags={} ;;\n", command->get_name(), quoted(words(*command)));
    }
    return "# bash completion of lipcert; made by `lipcert --completions bash`\n"
           "_lipcert() {\n"
           "    local current=${COMP_WORDS[COMP_CWORD]} flags command=${COMP_WORDS[1]}\n"
           "    COMPREPLY=()\n"
           "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
           "        mapfile -t COMPREPLY < <(compgen -W " +
           quoted(command_names(program) + " " + words(program)) +
           " -- \"$current\")\n"
           "        return\n"
           "    fi\n"
           "    case $command in\n" +
           cases +
           "    esac\n"
           "    if [[ $current == -* ]]; then\n"
           "        mapfile -t COMPREPLY < <(compgen -W \"$flags\" -- \"$current\")\n"
           "    else\n"
           "        mapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
           "    fi\n"
           "}\n"
           "complete -o filenames -F _lipcert lipcert\n";
}

/// In a description of zsh's _arguments, brackets and colons mean something.
std::string zsh_text(const std::string& text) {
    std::string result;
    for (const char character : text) {
        result += character == '[' || character == ']' || character == ':' || character == '\\'
                      ? std::string("\\") + character
                      : std::string(1, character);
    }
    return result;
}

std::string zsh(const CLI::App& program) {
    std::string names;
    std::string cases;
    for (const CLI::App* command : commands_of(program)) {
        names += "        " +
                 quoted(zsh_text(command->get_name()) + ":" + command->get_description()) + "\n";
        std::string arguments;
        for (const CLI::Option* option : flags_of(*command)) {
            for (const std::string& name : spellings(*option)) {
                const std::string value =
                    is_flag(*option) ? "" : ":" + zsh_text(option->get_type_name()) + ":_files";
                arguments += fmt::format(
                    " \\\n            {}",
                    quoted(fmt::format(
                        "*{}[{}]{}", name, zsh_text(option->get_description()), value)));
            }
        }
        cases += fmt::format("        {}) _arguments{} \\\n            '*:file:_files' ;;\n",
                             command->get_name(),
                             arguments);
    }
    return "#compdef lipcert\n# made by `lipcert --completions zsh`\n"
           "_lipcert() {\n"
           "    local -a commands=(\n" +
           names +
           "    )\n"
           "    if (( CURRENT == 2 )); then\n"
           "        _describe command commands\n"
           "        return\n"
           "    fi\n"
           "    local command=$words[2]\n"
           "    shift words\n"
           "    (( CURRENT-- ))\n"
           "    case $command in\n" +
           cases +
           "    esac\n"
           "}\n"
           // As a file of $fpath it is the body of the function, else it is sourced.
           "if [[ ${funcstack[1]} == _lipcert ]]; then\n"
           "    _lipcert \"$@\"\n"
           "else\n"
           "    compdef _lipcert lipcert\n"
           "fi\n";
}

std::string fish(const CLI::App& program) {
    std::string text = "# fish completion of lipcert; made by `lipcert --completions fish`\n";
    for (const CLI::App* command : commands_of(program)) {
        text += fmt::format("complete -c lipcert -n __fish_use_subcommand -f -a {} -d {}\n",
                            command->get_name(),
                            quoted(command->get_description()));
        for (const CLI::Option* option : flags_of(*command)) {
            text += fmt::format("complete -c lipcert -n '__fish_seen_subcommand_from {}'",
                                command->get_name());
            for (const std::string& name : option->get_snames()) {
                text += " -s " + name;
            }
            for (const std::string& name : option->get_lnames()) {
                text += " -l " + name;
            }
            text += (is_flag(*option) ? "" : " -r") + (" -d " + quoted(option->get_description())) +
                    "\n";
        }
    }
    return text;
}

}  // namespace

std::string completions(const CLI::App& program, const std::string& shell) {
    return shell == "bash" ? bash(program) : shell == "zsh" ? zsh(program) : fish(program);
}

}  // namespace lipcert
