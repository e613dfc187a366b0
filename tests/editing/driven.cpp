#include "editing/driven.hpp"

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <sstream>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

#include "support/temporary_folder.hpp"
#include <fmt/format.h>

namespace lipcert::test {

namespace {

/// Between fork and exec only what is safe there: everything is prepared before.
struct Command {
    std::vector<std::string> arguments;
    std::vector<std::string> environment;

    static std::vector<char*> pointers(std::vector<std::string>& texts) {
        std::vector<char*> result;
        for (std::string& text : texts) {
            result.push_back(text.data());
        }
        result.push_back(nullptr);
        return result;
    }
};

Command driver_command(const std::vector<std::string>& arguments, const Fault& fault) {
    Command command;
    command.arguments = {LIPCERT_EDIT_DRIVER};
    command.arguments.insert(command.arguments.end(), arguments.begin(), arguments.end());
    // A sanitizer would look for leaks in processes that end in the middle.
    command.environment = {"OPENBLAS_NUM_THREADS=1",
                           "ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0"};
    if (!fault.kind.empty()) {
        command.environment.emplace_back("LD_PRELOAD=" LIPCERT_EDIT_FAULTS);
        command.environment.push_back("LIPCERT_FAULT=" + fault.kind);
        command.environment.push_back(fmt::format("LIPCERT_FAULT_AT={}", fault.at_call));
        command.environment.emplace_back("LIPCERT_FAULT_LOG=1");
        if (fault.old_system) {
            command.environment.emplace_back("LIPCERT_OLD_SYSTEM=1");
            command.environment.emplace_back("HDF5_USE_FILE_LOCKING=FALSE");
        }
    }
    return command;
}

pid_t start(Command command, const std::filesystem::path& out, const std::filesystem::path& err) {
    const std::vector<char*> arguments = Command::pointers(command.arguments);
    const std::vector<char*> environment = Command::pointers(command.environment);
    // Until it is the driver, the child must not handle signals as this process does.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    const pid_t process = ::fork();
    if (process == 0) {
        for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
            std::signal(signal, SIG_DFL);
        }
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
        constexpr int kFlags = O_WRONLY | O_CREAT | O_TRUNC;
        ::dup2(::open(out.c_str(), kFlags, 0600), STDOUT_FILENO);
        ::dup2(::open(err.c_str(), kFlags, 0600), STDERR_FILENO);
        ::execve(arguments[0], arguments.data(), environment.data());
        ::_exit(127);
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (process < 0) {
        throw std::runtime_error("cannot start a process");
    }
    return process;
}

}  // namespace

Ending run_driver(const std::vector<std::string>& arguments, const Fault& fault) {
    const TemporaryFolder logs;
    Ending ending = wait_for(start(driver_command(arguments, fault), logs / "out", logs / "err"));
    std::istringstream out(read_file(logs / "out"));
    for (std::string line; std::getline(out, line);) {
        if (line.starts_with("calls ")) {
            ending.calls = std::stol(line.substr(6));
        } else if (line.starts_with("call ")) {
            ending.trace.push_back(line.substr(5));
        } else {
            ending.call = line;
        }
    }
    ending.errors = read_file(logs / "err");
    return ending;
}

pid_t start_driver(const std::vector<std::string>& arguments) {
    return start(driver_command(arguments, {}), "/dev/null", "/dev/null");
}

pid_t start_program(std::vector<std::string> arguments, const std::string& program) {
    arguments.insert(arguments.begin(), program.empty() ? LIPCERT_PROGRAM : program);
    return start({std::move(arguments), {"ASAN_OPTIONS=detect_leaks=0"}}, "/dev/null", "/dev/null");
}

Ending wait_for(pid_t process) {
    int status = 0;
    if (::waitpid(process, &status, 0) != process) {
        throw std::runtime_error("cannot wait for a process");
    }
    Ending ending;
    ending.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    ending.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    return ending;
}

std::map<std::string, std::string> contents_of(const std::filesystem::path& folder) {
    std::map<std::string, std::string> contents;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        contents[entry.path().filename().string()] = read_file(entry.path());
    }
    return contents;
}

}  // namespace lipcert::test
