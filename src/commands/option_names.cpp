#include "commands/option_names.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace lipcert {

namespace {

constexpr const char* kModels = "models";

/// A file of defaults that could make `cap` overwrite something, or let a check pass that the
/// command line alone would fail, would surprise.
bool is_configurable(const CLI::Option& option) {
    constexpr std::array<std::string_view, 11> kCommandLineOnly = {"help",
                                                                   "no-config",
                                                                   "defaults",
                                                                   "output",
                                                                   "in-place",
                                                                   "force",
                                                                   "backup",
                                                                   "break-hardlinks",
                                                                   "dry-run",
                                                                   "exit-zero",
                                                                   "tolerance"};
    const std::vector<std::string>& names = option.get_lnames();
    return !names.empty() &&
           std::find(kCommandLineOnly.begin(), kCommandLineOnly.end(), names.front()) ==
               kCommandLineOnly.end();
}

}  // namespace

bool is_flag(const CLI::Option& option) {
    return option.get_items_expected_max() == 0;
}

std::vector<std::string> configurable_keys(const CLI::App& command) {
    if (command.get_name() == "init" || command.get_name() == "explain") {
        return {};  // no flag of their own
    }
    std::vector<std::string> keys;
    if (command.get_name() == "certify") {
        keys.emplace_back(kModels);
    }
    for (const CLI::Option* option : command.get_options()) {
        if (is_configurable(*option)) {
            keys.push_back(option->get_lnames().front());
        }
    }
    return keys;
}

CLI::Option* configurable_option(CLI::App& command, const std::string& key) {
    const std::vector<std::string> keys = configurable_keys(command);
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
        return nullptr;
    }
    return command.get_option_no_throw(key == kModels ? "MODEL" : "--" + key);
}

std::vector<const CLI::Option*> flags_of(const CLI::App& command) {
    std::vector<const CLI::Option*> flags;
    for (const CLI::Option* option : command.get_options()) {
        if (option->nonpositional() && !option->get_group().empty()) {
            flags.push_back(option);
        }
    }
    return flags;
}

std::vector<const CLI::Option*> positionals_of(const CLI::App& command) {
    std::vector<const CLI::Option*> positionals;
    for (const CLI::Option* option : command.get_options()) {
        if (option->get_positional() && !option->get_group().empty()) {
            positionals.push_back(option);
        }
    }
    return positionals;
}

std::vector<std::string> spellings(const CLI::Option& option) {
    std::vector<std::string> names;
    for (const std::string& name : option.get_snames()) {
        names.push_back("-" + name);
    }
    for (const std::string& name : option.get_lnames()) {
        names.push_back("--" + name);
    }
    return names;
}

}  // namespace lipcert
