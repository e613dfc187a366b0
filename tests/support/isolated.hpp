#pragma once

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace lipcert::test {

/// Runs `action` in a child process, for at most `seconds` of processor time (a busy machine is no
/// hang), so that a crash or hang in it fails one check instead of the whole run. Returns "" where
/// it came to its end, else what ended it.
template <typename Action>
[[nodiscard]] std::string isolated(unsigned seconds, const Action& action) {
    const pid_t child = ::fork();
    if (child == 0) {
        const rlimit limit{seconds, seconds};
        ::setrlimit(RLIMIT_CPU, &limit);
        std::signal(SIGXCPU, SIG_DFL);
        int status = 0;
        try {
            action();
        } catch (const std::exception& error) {
            std::fprintf(stderr, "in a child process: %s\n", error.what());
            status = 1;
        }
        std::_Exit(status);
    }
    int status = 0;
    if (child < 0 || ::waitpid(child, &status, 0) != child) {
        return "could not run";
    }
    if (WIFSIGNALED(status)) {
        const int signal = WTERMSIG(status);
        // At the hard limit, which is the same, the kernel sends SIGKILL.
        return signal == SIGXCPU || signal == SIGKILL ? "ran out of time"
                                                      : "signal " + std::to_string(signal);
    }
    return WEXITSTATUS(status) == 0 ? "" : "exit status " + std::to_string(WEXITSTATUS(status));
}

}  // namespace lipcert::test
