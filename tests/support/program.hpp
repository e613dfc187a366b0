#pragma once

#include "lipcert/commands/console.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace lipcert::test {

/// What a run of the program left behind.
struct Outcome {
    int exit_code = -1;
    std::string out;
    std::string err;
};

/// Runs the program in this process, with its two streams in temporary files.
[[nodiscard]] Outcome run(const std::vector<std::string>& arguments);
/// The same on a console that says these things of itself; its streams are replaced.
[[nodiscard]] Outcome run(const std::vector<std::string>& arguments, Console console);

[[nodiscard]] std::filesystem::path source_folder();
[[nodiscard]] std::filesystem::path sample_model(const std::string& name);
/// The real trained checkpoint that lies beside the project on some machines; empty where it does
/// not.
[[nodiscard]] std::filesystem::path stories_checkpoint();

}  // namespace lipcert::test
