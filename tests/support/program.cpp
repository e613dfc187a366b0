#include "support/program.hpp"

#include "lipcert/commands/program.hpp"

#include <cstdio>
#include <memory>

namespace lipcert::test {

namespace {

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

std::string contents(std::FILE* file) {
    std::fflush(file);
    std::rewind(file);
    std::string text;
    char buffer[4096];
    for (std::size_t count = 1; count > 0;) {
        count = std::fread(buffer, 1, sizeof buffer, file);
        text.append(buffer, count);
    }
    return text;
}

}  // namespace

Outcome run(const std::vector<std::string>& arguments) {
    return run(arguments, Console());
}

Outcome run(const std::vector<std::string>& arguments, Console console) {
    const File out(std::tmpfile(), std::fclose);
    const File err(std::tmpfile(), std::fclose);
    console.out = out.get();
    console.err = err.get();
    Outcome outcome;
    outcome.exit_code = static_cast<int>(run_program(arguments, console));
    outcome.out = contents(out.get());
    outcome.err = contents(err.get());
    return outcome;
}

std::filesystem::path source_folder() {
    return LIPCERT_SOURCE_DIR;
}

std::filesystem::path sample_model(const std::string& name) {
    return source_folder() / "sample_models" / name;
}

std::filesystem::path stories_checkpoint() {
    const auto path = source_folder().parent_path() / "shared" / "models" / "stories260K.h5";
    return std::filesystem::exists(path) ? path : std::filesystem::path();
}

}  // namespace lipcert::test
