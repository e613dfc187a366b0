#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <sys/wait.h>
#include <vector>

#include "support/program.hpp"
#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>

using lipcert::test::read_file;
using lipcert::test::sample_model;
using lipcert::test::source_folder;
using lipcert::test::TemporaryFolder;
using lipcert::test::write_file;

namespace fs = std::filesystem;

namespace {

/// A fenced block of a page, and the comment before it: `<!-- run: 1 -->`, `<!-- yaml -->`.
struct Block {
    std::string mark;
    std::vector<std::string> lines;
};

std::vector<Block> blocks_of(const fs::path& page) {
    std::vector<Block> blocks;
    std::istringstream lines(read_file(page));
    std::string mark;
    bool inside = false;
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("```")) {
            inside = !inside;
            if (inside) {
                blocks.push_back({mark, {}});
                mark.clear();
            }
        } else if (inside) {
            blocks.back().lines.push_back(line);
        } else if (line.starts_with("<!-- ") && line.ends_with(" -->")) {
            mark = line.substr(5, line.size() - 9);
        }
    }
    return blocks;
}

std::vector<fs::path> pages() {
    std::vector<fs::path> found = {source_folder() / "README.md",
                                   source_folder() / "CONTRIBUTING.md",
                                   source_folder() / "sample_models/README.md"};
    for (const auto& entry : fs::directory_iterator(source_folder() / "docs")) {
        if (entry.path().extension() == ".md") {
            found.push_back(entry.path());
        }
    }
    std::sort(found.begin(), found.end());
    return found;
}

bool is_command(const std::string& line) {
    static const std::regex pattern(
        "lipcert (certify|verify|norms|inspect|cap|probe|diff|baseline|"
        "explain|init|--[a-z]).*");
    return std::regex_match(line, pattern);
}

int shell(const fs::path& folder, const std::string& command) {
    const std::string script = "cd '" + folder.string() + "' && PATH='" +
                               (folder / "bin").string() + "':\"$PATH\" && { " + command +
                               "\n} >>log 2>&1 </dev/null";
    return WEXITSTATUS(std::system(script.c_str()));
}

/// What the commands of the pages name.
void add_files(const TemporaryFolder& folder) {
    fs::create_directories(folder / "bin");
    fs::create_directories(folder / "models");
    fs::create_symlink(LIPCERT_PROGRAM, folder / "bin/lipcert");
    for (const char* name : {"MODEL.h5", "OTHER.h5", "NEW", "OLD", "models/a.h5"}) {
        fs::copy_file(sample_model("tiny_gpt2.h5"), folder / name);
    }
    fs::copy_file(sample_model("tiny_llama.h5"), folder / "models/b.h5");
    write_file(folder / "FILE",
               "call me ishmael. some years ago, never mind how long precisely, having little or "
               "no money in my purse, and nothing particular to interest me on shore, i thought i "
               "would sail about a little and see the watery part of the world.\n");
    // 16-bit tokens of tiny_gpt2.h5.
    write_file(folder / "tokens.bin", std::string("\0\0\1\0\2\0\1\0\0\0\2\0\1\0", 14));
}

/// As GitHub makes the anchor of a heading.
std::string anchor_of(const std::string& heading) {
    std::string anchor;
    for (const char c : heading) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == ' ') {
            anchor += '-';
        } else if (std::isalnum(byte) != 0 || c == '-' || c == '_' || byte >= 0x80) {
            anchor += static_cast<char>(std::tolower(byte));
        }
    }
    return anchor;
}

std::set<std::string> anchors_in(const fs::path& page) {
    std::set<std::string> anchors;
    std::istringstream lines(read_file(page));
    for (std::string line; std::getline(lines, line);) {
        const std::size_t text = line.find_first_not_of('#');
        if (text != 0 && text != std::string::npos && line[text] == ' ') {
            anchors.insert(anchor_of(line.substr(text + 1)));
        }
    }
    return anchors;
}

bool leads_somewhere(const fs::path& page, const std::string& link) {
    const std::size_t mark = link.find('#');
    const fs::path target = mark == 0 ? page : page.parent_path() / link.substr(0, mark);
    return fs::exists(target) &&
           (mark == std::string::npos || anchors_in(target).contains(link.substr(mark + 1)));
}

}  // namespace

TEST_CASE("every command that a page shows runs and exits as the page says") {
    std::size_t count = 0;
    for (const fs::path& page : pages()) {
        const TemporaryFolder folder;
        add_files(folder);
        for (const Block& block : blocks_of(page)) {
            for (const std::string& line : block.lines) {
                if (!is_command(line)) {
                    continue;
                }
                CAPTURE(page.string());
                CAPTURE(line);
                const bool is_marked = block.mark.starts_with("run: ");
                CHECK(is_marked);
                if (is_marked) {
                    ++count;
                    if (line.find("--text") != std::string::npos) {  // needs a vocabulary
                        fs::copy_file(sample_model("moby_dick.h5"),
                                      folder / "MODEL.h5",
                                      fs::copy_options::overwrite_existing);
                    }
                    const int code = shell(folder.path(), line);
                    CHECK_MESSAGE(code == std::stoi(block.mark.substr(5)),
                                  read_file(folder / "log"));
                }
            }
        }
    }
    CHECK(count > 30);
}

TEST_CASE("every link between pages leads to a file, and to a heading where it names one") {
    const std::regex pattern(R"(\]\(([^)\s]+)\))");
    std::size_t count = 0;
    for (const fs::path& page : pages()) {
        const std::string text = read_file(page);
        for (std::sregex_iterator found(text.begin(), text.end(), pattern), end; found != end;
             ++found) {
            const std::string link = (*found)[1];
            if (!link.starts_with("http")) {
                CAPTURE(page.string());
                CAPTURE(link);
                CHECK(leads_somewhere(page, link));
                ++count;
            }
        }
    }
    CHECK(count > 20);
    CHECK_FALSE(leads_somewhere(source_folder() / "README.md", "docs/nowhere.md"));
    CHECK_FALSE(leads_somewhere(source_folder() / "README.md", "docs/using.md#nowhere"));
}

TEST_CASE("the YAML of docs/ci.md, the action and the hook parses") {
    const TemporaryFolder folder;
    if (shell(folder.path(), "python3 -c 'import yaml'") != 0) {
        MESSAGE("skipped: python3-yaml is not installed");
        return;
    }
    std::vector<std::string> texts = {read_file(source_folder() / "action.yml"),
                                      read_file(source_folder() / ".pre-commit-hooks.yaml")};
    for (const Block& block : blocks_of(source_folder() / "docs/ci.md")) {
        if (block.mark == "yaml") {
            texts.emplace_back();
            for (const std::string& line : block.lines) {
                texts.back() += line + "\n";
            }
        }
    }
    CHECK(texts.size() == 5);
    const std::string parse = "python3 -c 'import yaml; assert yaml.safe_load(open(\"text.yml\"))'";
    for (const std::string& text : texts) {
        CAPTURE(text);
        write_file(folder / "text.yml", text);
        CHECK(shell(folder.path(), parse) == 0);
    }
    write_file(folder / "text.yml", "a: [1\n");
    CHECK(shell(folder.path(), parse) != 0);
}

TEST_CASE("what the action and the hook run is a command of lipcert that does what it says") {
    const TemporaryFolder folder;
    add_files(folder);
    if (shell(folder.path(), "python3 -c 'import yaml'") != 0) {
        MESSAGE("skipped: python3-yaml is not installed");
        return;
    }
    // The last step of the action, with the program where it would have built it.
    fs::create_directories(folder / "build/release");
    fs::create_symlink(LIPCERT_PROGRAM, folder / "build/release/lipcert");
    fs::copy_file(source_folder() / "action.yml", folder / "action.yml");
    REQUIRE(shell(folder.path(),
                  "python3 -c 'import yaml; print(yaml.safe_load(open(\"action.yml\"))[\"runs\"]"
                  "[\"steps\"][-1][\"run\"])' > step.sh") == 0);
    const std::string names =
        "ACTION_PATH=. ACTION_SARIF=x.sarif ACTION_MODELS='MODEL.h5 models/' ";
    CHECK(shell(folder.path(), names + "ACTION_ARGUMENTS='' bash -e step.sh") == 0);
    CHECK(read_file(folder / "x.sarif").find("2.1.0") != std::string::npos);
    CHECK(shell(folder.path(), names + "ACTION_ARGUMENTS='--max-lipschitz 1' bash -e step.sh") ==
          1);
    // An input is text, not code.
    CHECK(shell(folder.path(),
                "ACTION_PATH=. ACTION_SARIF=x.sarif ACTION_MODELS='MODEL.h5;touch${IFS}owned' "
                "ACTION_ARGUMENTS='' bash -e step.sh") != 0);
    CHECK_FALSE(fs::exists(folder / "owned"));

    fs::copy_file(source_folder() / ".pre-commit-hooks.yaml", folder / "hooks.yaml");
    REQUIRE(shell(folder.path(),
                  "python3 -c 'import yaml; print(yaml.safe_load(open(\"hooks.yaml\"))[0]"
                  "[\"entry\"])' > entry") == 0);
    CHECK(shell(folder.path(), "$(cat entry) --max-spectral-norm 1e9 MODEL.h5 OTHER.h5") == 0);
    CHECK(shell(folder.path(), "$(cat entry) --max-spectral-norm 1 MODEL.h5 OTHER.h5") == 1);
}
