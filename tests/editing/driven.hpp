#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <sys/types.h>
#include <vector>

namespace lipcert::test {

/// What happens to the process that edits: see faults.c.
struct Fault {
    std::string kind;
    long at_call = 0;  ///< 0: never
    bool old_system = false;
};

/// How it ended.
struct Ending {
    int exit_code = -1;  ///< -1: by a signal
    int signal = 0;
    std::string call;                ///< the call that was hit, if one was
    long calls = 0;                  ///< how many there were, where the process came to its end
    std::string errors;              ///< on stderr
    std::vector<std::string> trace;  ///< of the fault "trace": the calls in their order
};

/// Runs edit_driver with `arguments` to its end.
[[nodiscard]] Ending run_driver(const std::vector<std::string>& arguments, const Fault& fault = {});

/// Starts it without faults, for a test that sends signals.
[[nodiscard]] pid_t start_driver(const std::vector<std::string>& arguments);
[[nodiscard]] Ending wait_for(pid_t process);

/// Starts a program by its path, or lipcert where there is none, with as many threads as it likes.
[[nodiscard]] pid_t start_program(std::vector<std::string> arguments,
                                  const std::string& program = "");

/// The names in a folder and what the files hold.
[[nodiscard]] std::map<std::string, std::string> contents_of(const std::filesystem::path& folder);

}  // namespace lipcert::test
