#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> inputs(const fs::path& argument) {
    if (!fs::is_directory(argument)) {
        return {argument};
    }
    std::vector<fs::path> found;
    for (const fs::directory_entry& entry : fs::directory_iterator(argument)) {
        found.push_back(entry.path());
    }
    std::sort(found.begin(), found.end());
    return found;
}

}  // namespace

/// Runs a fuzz target over files and folders of files, without a fuzzer: so that the targets are
/// always built, and every input that once was trouble stays tested.
int main(int argument_count, char** arguments) {
    std::size_t count = 0;
    for (int i = 1; i < argument_count; ++i) {
        for (const fs::path& path : inputs(arguments[i])) {
            std::ifstream stream(path, std::ios::binary);
            if (!stream) {
                std::fprintf(stderr, "%s: cannot be read\n", path.c_str());
                return 1;
            }
            const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
            std::fprintf(stderr, "%s\n", path.c_str());  // the last line names what crashes
            (void)LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                         bytes.size());
            ++count;
        }
    }
    std::printf("%zu inputs\n", count);
    return count == 0 ? 1 : 0;
}
