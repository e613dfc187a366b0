#include "commands/explain.hpp"

#include <algorithm>
#include <cctype>
#include <vector>

#include "commands/theorem_pages.hpp"

namespace lipcert {

namespace {

/// "## R21 Several heads ..." and what follows up to the next heading of that level.
struct Section {
    std::string id;     ///< "R21"
    std::string title;  ///< "Several heads that see the same token"
    std::string text;   ///< without the heading
};

/// Whether a heading begins with the name of a rule: R or S, digits, perhaps a prime.
bool is_rule(const std::string& word) {
    const auto digit = [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; };
    if (word.size() < 2 || (word[0] != 'R' && word[0] != 'S') || !digit(word[1])) {
        return false;
    }
    return std::all_of(word.begin() + 1, word.end(), [&](char c) { return digit(c) || c == '\''; });
}

std::vector<Section> sections() {
    std::vector<Section> found;
    for (const std::string& page : theorem_pages()) {
        bool inside = false;
        std::size_t begin = 0;
        while (begin < page.size()) {
            const std::size_t end = std::min(page.find('\n', begin), page.size());
            const std::string line = page.substr(begin, end - begin);
            begin = end + 1;
            if (line.rfind("## ", 0) != 0) {
                if (inside) {
                    found.back().text += line + "\n";
                }
                continue;
            }
            const std::size_t space = std::min(line.find(' ', 3), line.size());
            const std::string id = line.substr(3, space - 3);
            inside = is_rule(id);
            if (inside) {
                found.push_back({id, line.substr(std::min(space + 1, line.size())), ""});
            }
        }
    }
    return found;
}

std::string upper_case(std::string text) {
    for (char& c : text) {
        c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
    return text;
}

std::string list_of(const std::vector<Section>& all) {
    std::string text;
    for (const Section& section : all) {
        text += section.id + std::string(section.id.size() < 5 ? 5 - section.id.size() : 1, ' ') +
                section.title + "\n";
    }
    return text;
}

}  // namespace

void add_explain(CLI::App& program, ExplainArguments& arguments) {
    CLI::App& command = *program.add_subcommand(
        "explain", "The statement, proof and source of a rule that a report names");
    command.add_option("RULE", arguments.rule, "R21, for example; without it: the list of rules");
    command.footer("Examples:\n  lipcert explain\n  lipcert explain R21");
}

ExitCode run_explain(const ExplainArguments& arguments, Console& console) {
    const std::vector<Section> all = sections();
    if (!arguments.rule) {
        write_text(console.out, list_of(all));
        return ExitCode::certified;
    }
    const std::string wanted = upper_case(*arguments.rule);
    const auto found = std::find_if(
        all.begin(), all.end(), [&](const Section& section) { return section.id == wanted; });
    if (found == all.end()) {
        throw Error(ErrorKind::usage,
                    "explain",
                    "there is no rule '" + *arguments.rule +
                        "'; lipcert explain without a rule lists those there are");
    }
    std::string text = found->text;
    while (!text.empty() && text.back() == '\n') {
        text.pop_back();
    }
    write_text(console.out, found->id + "  " + found->title + "\n" + text + "\n");
    return ExitCode::certified;
}

}  // namespace lipcert
