#include "files/confined.hpp"

#include "lipcert/error.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <new>
#include <optional>
#include <string_view>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

#include "files/system_call_filter.hpp"
#include <fmt/format.h>

namespace lipcert {

namespace {

constexpr rlim_t kSeconds = 300;
constexpr std::uint64_t kMemory = std::uint64_t{4} << 30U;
constexpr std::size_t kLongestAnswer = 64U << 10U;

/// Lowers a limit; one that is lower already stays.
void limit(int resource, rlim_t most) {
    rlimit now{};
    if (::getrlimit(static_cast<__rlimit_resource_t>(resource), &now) == 0) {
        now.rlim_max = std::min(now.rlim_max, most);
        now.rlim_cur = std::min(now.rlim_cur, most);
        ::setrlimit(static_cast<__rlimit_resource_t>(resource), &now);
    }
}

/// Sanitizers reserve more address space than there is memory.
void limit_memory() {
#if !defined(__SANITIZE_ADDRESS__)
    std::uint64_t pages = 0;
    if (std::ifstream("/proc/self/statm") >> pages) {
        limit(RLIMIT_AS, pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGE_SIZE)) + kMemory);
    }
#endif
}

/// Memory that both processes see.
class Shared {
public:
    Shared()
        : memory_(::mmap(
              nullptr, sizeof(Answer), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
        if (memory_ == MAP_FAILED) {
            throw std::bad_alloc();
        }
    }

    Shared(const Shared&) = delete;
    Shared& operator=(const Shared&) = delete;
    Shared(Shared&&) = delete;
    Shared& operator=(Shared&&) = delete;

    ~Shared() { ::munmap(memory_, sizeof(Answer)); }

    void put(std::string_view text) {
        answer().length = std::min(text.size(), kLongestAnswer);
        std::copy_n(text.begin(), answer().length, answer().text.begin());
        answer().is_complete = true;
    }

    /// The child may have written anything.
    [[nodiscard]] std::optional<std::string> get() const {
        const std::size_t length = answer().length;
        if (!answer().is_complete || length > kLongestAnswer) {
            return std::nullopt;
        }
        return std::string(answer().text.data(), length);
    }

private:
    /// All zero, as the system hands it out, is no answer.
    struct Answer {
        bool is_complete;
        std::size_t length;
        std::array<char, kLongestAnswer> text;
    };

    [[nodiscard]] Answer& answer() const { return *static_cast<Answer*>(memory_); }

    void* memory_;
};

[[noreturn]] void be_child(const std::function<std::string()>& action,
                           Shared& shared,
                           pid_t parent) noexcept {
    // The handlers of the parent remove its temporary files.
    for (int signal = 1; signal < NSIG; ++signal) {
        std::signal(signal, SIG_DFL);
    }
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) {
        ::_exit(1);
    }
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_FSIZE, 0);
    limit(RLIMIT_CPU, kSeconds);
    limit_memory();
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    (void)forbid_effects();
    shared.put(action());
    ::_exit(0);
}

std::string describe(int status) {
    if (!WIFSIGNALED(status)) {
        return "it ended by itself";
    }
    const int signal = WTERMSIG(status);
    if (signal == SIGXCPU || signal == SIGKILL) {
        return fmt::format("more than {} s of processor time, or killed", kSeconds);
    }
    if (signal == SIGSYS) {
        return "an attempt to do more than read files";
    }
    return ::strsignal(signal);
}

}  // namespace

ConfinedRun run_confined(const std::function<std::string()>& action) {
    Shared shared;
    const pid_t parent = ::getpid();
    const pid_t child = ::fork();
    if (child == 0) {
        be_child(action, shared, parent);
    }
    if (child < 0) {
        throw Error(ErrorKind::environment,
                    "",
                    std::string("no process can be started to look at the file safely: ") +
                        std::strerror(errno));
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    ConfinedRun run;
    if (std::optional<std::string> answer = shared.get()) {
        run.came_to_end = true;
        run.answer = std::move(*answer);
    } else {
        run.ending = describe(status);
    }
    return run;
}

}  // namespace lipcert
