#include "checkpoint/model_folder.hpp"

#include "lipcert/error.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "checkpoint/shard_index.hpp"
#include <fmt/format.h>

namespace lipcert {

namespace fs = std::filesystem;

namespace {

constexpr std::array<std::string_view, 4> kEndings = {".safetensors", ".h5", ".hdf5", ".keras"};
constexpr std::string_view kIndexEnding = ".index.json";
constexpr std::string_view kKerasIndexEnding = ".weights.json";
constexpr std::size_t kMostEntries = 100'000;

std::vector<std::string> names_in(const fs::path& folder) {
    std::vector<std::string> names;
    std::error_code error;
    fs::directory_iterator entry(folder, error);
    for (const fs::directory_iterator end; !error && entry != end; entry.increment(error)) {
        std::string name = entry->path().filename().string();
        if (is_checkpoint_name(name) || is_index_name(name)) {
            names.push_back(std::move(name));
        }
        if (names.size() > kMostEntries) {
            throw Error(ErrorKind::input, folder.string(), "holds too many checkpoints: name one");
        }
    }
    if (error) {
        throw Error(ErrorKind::input,
                    folder.string(),
                    "is a folder that cannot be listed (" + error.message() + ")");
    }
    std::sort(names.begin(), names.end());
    return names;
}

[[noreturn]] void refuse_choice(const fs::path& folder, const std::vector<std::string>& names) {
    constexpr std::size_t kShown = 5;
    const std::vector<std::string> shown(
        names.begin(), names.begin() + static_cast<std::ptrdiff_t>(std::min(kShown, names.size())));
    throw Error(ErrorKind::input,
                folder.string(),
                fmt::format("is a folder with several checkpoints ({}{}): name the one that is "
                            "meant",
                            fmt::join(shown, ", "),
                            names.size() > kShown ? ", ..." : ""));
}

}  // namespace

bool is_checkpoint_name(std::string_view name) {
    return std::any_of(kEndings.begin(), kEndings.end(), [name](std::string_view ending) {
        return name.ends_with(ending);
    });
}

bool is_index_name(std::string_view name) {
    return name.ends_with(kKerasIndexEnding) ||
           (name.ends_with(kIndexEnding) &&
            is_checkpoint_name(name.substr(0, name.size() - kIndexEnding.size())));
}

fs::path model_file(const fs::path& model) {
    std::error_code ignored;
    if (!fs::is_directory(model, ignored)) {
        return model;
    }
    const std::vector<std::string> names = names_in(model);
    std::vector<std::string> indices;
    std::copy_if(names.begin(), names.end(), std::back_inserter(indices), is_index_name);
    if (indices.size() > 1) {
        refuse_choice(model, indices);
    }
    std::set<std::string> shards;
    if (!indices.empty()) {
        shards = read_shard_index(model / indices.front()).files();
    }
    std::vector<std::string> choices = indices;
    for (const std::string& name : names) {
        if (!is_index_name(name) && !shards.contains(name)) {
            choices.push_back(name);
        }
    }
    if (choices.empty()) {
        throw Error(ErrorKind::input,
                    model.string(),
                    "is a folder without a checkpoint (.safetensors, .h5, .hdf5, .keras, or an "
                    "index of such): name the file");
    }
    if (choices.size() > 1) {
        refuse_choice(model, choices);
    }
    return model / choices.front();
}

}  // namespace lipcert
