#include "commands/model_files.hpp"

#include <algorithm>
#include <string>

#include "checkpoint/model_folder.hpp"

namespace lipcert {

namespace fs = std::filesystem;

namespace {

std::vector<fs::path> files_in(const fs::path& folder) {
    std::vector<fs::path> found;
    std::error_code failure;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder, failure)) {
        const std::string name = entry.path().filename().string();
        if (is_index_name(name)) {
            return {folder};
        }
        std::error_code ignored;
        if (is_checkpoint_name(name) && entry.is_regular_file(ignored)) {
            found.push_back(entry.path());
        }
    }
    std::sort(found.begin(), found.end());
    return found.empty() ? std::vector<fs::path>{folder} : found;
}

}  // namespace

std::vector<fs::path> model_files(const std::vector<fs::path>& named) {
    std::vector<fs::path> files;
    for (const fs::path& path : named) {
        std::error_code ignored;
        const bool is_folder = fs::is_directory(path, ignored);
        for (const fs::path& file : is_folder ? files_in(path) : std::vector<fs::path>{path}) {
            if (std::find(files.begin(), files.end(), file) == files.end()) {
                files.push_back(file);
            }
        }
    }
    return files;
}

}  // namespace lipcert
