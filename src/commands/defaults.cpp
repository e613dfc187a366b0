#include "commands/defaults.hpp"

#include "lipcert/error.hpp"
#include "lipcert/printable.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <string_view>
#include <unistd.h>

#include "commands/option_names.hpp"
#include "files/regular_file.hpp"
#include <fmt/format.h>

// Only in this file: the parser is a header of 17,000 lines.
#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

namespace lipcert {

namespace {

constexpr std::uint64_t kLargestFile = 1U << 20U;

/// A value as the command line would have it, and where it stands.
struct Setting {
    std::string key;
    std::vector<std::string> values;
    bool is_boolean = false;
    std::string where;  ///< "lipcert.toml:12", "LIPCERT_TOP"
};

[[noreturn]] void refuse(const std::string& where, const std::string& message) {
    throw Error(ErrorKind::usage, where, message);
}

/// A number as it is written, for a limit of 2.9999999999999999999 is not one of 3, which is the
/// nearest double: the parser keeps only that, and the place (line, column in code points).
std::string digits_at(const toml::node& node, const std::string& text, const std::string& where) {
    std::size_t at = 0;
    for (std::uint32_t line = 1; line < node.source().begin.line && at < text.size(); ++line) {
        at = std::min(text.find('\n', at), text.size() - 1) + 1;
    }
    const auto begins = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; };
    for (std::uint32_t column = 1; column < node.source().begin.column && at < text.size();) {
        ++at;
        column += at < text.size() && begins(text[at]) ? 1U : 0U;
    }
    std::string digits = text.substr(std::min(at, text.size()));
    digits = digits.substr(0, digits.find_first_not_of("+-0123456789_.eE"));
    std::erase(digits, '_');
    // From its first digit on, as a double, it must be the number that the parser found.
    char* end = nullptr;
    const double number = std::strtod(digits.c_str(), &end);
    if (digits.empty() || *end != '\0' || number != node.value_or(std::nan(""))) {
        refuse(where, "is no plain decimal number; write it in quotes");
    }
    return digits;
}

/// What a file of defaults holds, with the text that it was read from.
struct DefaultsFile {
    std::string path;
    std::string text;
    toml::table tables;
};

std::string scalar_text(const toml::node& node,
                        const DefaultsFile& file,
                        const std::string& where) {
    if (const auto* text = node.as_string()) {
        return text->get();
    }
    if (const auto* integer = node.as_integer()) {
        return std::to_string(integer->get());
    }
    if (const auto* number = node.as_floating_point()) {
        if (!std::isfinite(number->get())) {
            refuse(where, "is no finite number; write numbers beyond 1e308 in quotes");
        }
        return digits_at(node, file.text, where);
    }
    if (const auto* boolean = node.as_boolean()) {
        return boolean->get() ? "true" : "false";
    }
    refuse(where, "is neither text, number, true or false nor a list of them");
}

Setting setting_of(const toml::key& key, const toml::node& node, const DefaultsFile& file) {
    const std::string name(key.str());
    const std::string where =
        fmt::format("{}:{}: {}", file.path, key.source().begin.line, printable_quote(name));
    Setting setting{name, {}, node.is_boolean(), where};
    if (const toml::array* list = node.as_array()) {
        for (const toml::node& item : *list) {
            setting.values.push_back(scalar_text(item, file, where));
        }
    } else {
        setting.values.push_back(scalar_text(node, file, where));
    }
    return setting;
}

/// The option that `setting` is for, checked: known, open to defaults, of the right kind.
CLI::Option& option_for(CLI::App& command, const Setting& setting) {
    CLI::Option* option = configurable_option(command, setting.key);
    if (option == nullptr) {
        const bool exists = command.get_option_no_throw("--" + setting.key) != nullptr;
        refuse(setting.where,
               exists ? "belongs on the command line of `" + command.get_name() + "`"
                      : "is no key of [" + command.get_name() +
                            "]; the keys are the long flags in `lipcert " + command.get_name() +
                            " --help`");
    }
    if (is_flag(*option) != setting.is_boolean) {
        refuse(setting.where,
               is_flag(*option) ? "must be true or false" : "must be text or a number");
    }
    if (setting.values.size() != 1 && option->get_items_expected_max() <= 1) {
        refuse(setting.where, "must be one value, not a list");
    }
    return *option;
}

/// Sets what the command line left open.
void apply(CLI::App& command, const Setting& setting) {
    CLI::Option& option = option_for(command, setting);
    if (option.count() > 0 || setting.values.empty() ||
        (setting.is_boolean && setting.values.front() == "false")) {
        return;
    }
    try {
        option.add_result(setting.values);
        option.run_callback();
    } catch (const CLI::ParseError& error) {
        refuse(setting.where, error.what());
    }
}

DefaultsFile read_defaults(const std::filesystem::path& path) {
    RegularFile file(path);
    if (file.size() > kLargestFile) {
        refuse(path.string(), "is too large for a file of defaults");
    }
    DefaultsFile result{path.string(), file.read(0, file.size()), {}};
    try {
        result.tables = toml::parse(result.text, result.path);
        return result;
    } catch (const toml::parse_error& error) {
        refuse(fmt::format("{}:{}", path.string(), error.source().begin.line),
               printable_quote(error.description()));
    }
}

/// nullptr where the program has no such command.
CLI::App* command_named(CLI::App& program, const std::string& name) {
    for (CLI::App* command : program.get_subcommands({})) {
        if (command->get_name() == name) {
            return command;
        }
    }
    return nullptr;
}

/// LIPCERT_MAX_LIPSCHITZ for max-lipschitz.
std::string variable_of(const std::string& key) {
    std::string name = "LIPCERT_" + key;
    std::transform(name.begin(), name.end(), name.begin(), [](char character) {
        return character == '-'                       ? '_'
               : character >= 'a' && character <= 'z' ? static_cast<char>(character - 'a' + 'A')
                                                      : character;
    });
    return name;
}

/// A limit in a misspelled variable would not be held. The tests have variables of their own.
void require_known_variables(CLI::App& program) {
    std::vector<std::string> known;
    for (CLI::App* command : program.get_subcommands({})) {
        for (const std::string& key : configurable_keys(*command)) {
            known.push_back(variable_of(key));
        }
    }
    for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
        const std::string_view text = *variable;
        const std::string name(text.substr(0, text.find('=')));
        if (name.starts_with("LIPCERT_") && !name.starts_with("LIPCERT_TEST_") &&
            std::find(known.begin(), known.end(), name) == known.end()) {
            refuse(printable_quote(name),
                   "is no variable of lipcert: they are named for long flags, such as "
                   "LIPCERT_MAX_LIPSCHITZ for --max-lipschitz");
        }
    }
}

std::string example_of(const CLI::Option& option) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kExamples = {
        {{"FILE", "\"FILE\""},
         {"X", "\"1e6\""},
         {"C", "\"4\""},
         {"N", "8"},
         {"R", "1e-5"},
         {"WHEN", "\"auto\""}}};
    if (is_flag(option)) {
        return "true";
    }
    const std::string type = option.get_type_name();
    const auto* const found =
        std::find_if(kExamples.begin(), kExamples.end(), [&type](const auto& example) {
            return example.first == type;
        });
    const std::string one =
        found == kExamples.end() ? "\"" + type + "\"" : std::string(found->second);
    return option.get_items_expected_max() > 1 ? "[" + one + "]" : one;
}

}  // namespace

void apply_variables(CLI::App& program, CLI::App& command) {
    require_known_variables(program);
    for (const std::string& key : configurable_keys(command)) {
        const std::string name = variable_of(key);
        const char* value = std::getenv(name.c_str());
        if (value != nullptr && *value == '\0') {
            refuse(name, "is empty: unset it, or give it a value");  // a limit would not be held
        }
        if (value != nullptr) {
            const std::string text = value;
            const bool is_boolean =
                is_flag(*configurable_option(command, key)) && (text == "true" || text == "false");
            apply(command, {key, {text}, is_boolean, name});
        }
    }
}

void apply_defaults(CLI::App& program,
                    CLI::App& command,
                    const std::optional<std::filesystem::path>& path) {
    // A link that leads nowhere, or a folder that may not be searched, is no absent file.
    std::error_code ignored;
    if (!path && std::filesystem::symlink_status(kDefaultsFile, ignored).type() ==
                     std::filesystem::file_type::not_found) {
        return;
    }
    const DefaultsFile file = read_defaults(path.value_or(kDefaultsFile));
    for (const auto& [name, node] : file.tables) {
        CLI::App* of = command_named(program, std::string(name.str()));
        if (of == nullptr || !node.is_table() || configurable_keys(*of).empty()) {
            refuse(fmt::format("{}:{}", file.path, name.source().begin.line),
                   "'" + printable_quote(name.str()) +
                       "' is no table of a command, such as [certify] or [cap]");
        }
        for (const auto& [key, value] : *node.as_table()) {
            const Setting setting = setting_of(key, value, file);
            (void)option_for(*of, setting);
            if (of == &command) {
                apply(command, setting);
            }
        }
    }
}

std::string defaults_template(CLI::App& program) {
    std::string text =
        "# Defaults of lipcert, read from the folder it is run in. A flag beats a variable\n"
        "# (LIPCERT_MAX_LIPSCHITZ=...), which beats this file; --no-config leaves it out.\n"
        "# Numbers beyond 1e308 are written in quotes. An unknown key is an error.\n";
    for (CLI::App* command : program.get_subcommands({})) {
        const std::vector<std::string> keys = configurable_keys(*command);
        text += keys.empty() ? "" : "\n[" + command->get_name() + "]\n";
        for (const std::string& key : keys) {
            const CLI::Option& option = *configurable_option(*command, key);
            text +=
                "# " + option.get_description() + "\n# " + key + " = " + example_of(option) + "\n";
        }
    }
    return text;
}

}  // namespace lipcert
