// `lipcert cap` itself, ended and hindered from outside: signals at random moments, and strace in
// its system calls. The file is the old one or the new one, whatever happens.
#include "support/program.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "editing/driven.hpp"
#include "support/random.hpp"
#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>
#include <fmt/format.h>

namespace fs = std::filesystem;

using lipcert::test::contents_of;
using lipcert::test::Ending;
using lipcert::test::Random;
using lipcert::test::read_file;
using lipcert::test::repetitions;
using lipcert::test::start_program;
using lipcert::test::TemporaryFolder;
using lipcert::test::wait_for;
using lipcert::test::write_file;

namespace {

using Clock = std::chrono::steady_clock;
using Contents = std::map<std::string, std::string>;

constexpr const char* kCopy = ".m.h5.lipcert-new";
constexpr const char* kLock = ".m.h5.lipcert-lock";
constexpr const char* kStrace = "/usr/bin/strace";

/// A copy of a sample model that is capped in place, with the old file kept.
class Scene {
public:
    explicit Scene(const std::string& model) {
        before_["m.h5"] = read_file(lipcert::test::sample_model(model));
        before_["neighbour"] = "must not change";
        reset();
        const auto start = Clock::now();
        REQUIRE(wait_for(start_program(arguments())).exit_code == 0);
        whole_ = std::chrono::duration<double>(Clock::now() - start).count();
        after_ = contents_of(folder_.path());
        REQUIRE(after_.size() == 3);
        REQUIRE(after_.at("m.h5") != before_.at("m.h5"));
        REQUIRE(after_.at("m.h5.orig") == before_.at("m.h5"));
    }

    [[nodiscard]] std::vector<std::string> arguments() const {
        return {"cap", (folder_ / "m.h5").string(), "--in-place", "--backup", "--limit", "0.5"};
    }

    [[nodiscard]] double whole_seconds() const { return whole_; }

    void reset() const {
        for (const auto& entry : fs::directory_iterator(folder_.path())) {
            fs::remove(entry.path());
        }
        for (const auto& [name, bytes] : before_) {
            write_file(folder_ / name, bytes);
        }
    }

    [[nodiscard]] bool has_copy() const { return fs::exists(folder_ / kCopy); }

    /// What is wrong, in words. `was_killed`: no handler could run.
    [[nodiscard]] std::string fault_found(bool was_killed, bool must_be_new) const {
        Contents found = contents_of(folder_.path());
        if (was_killed) {
            found.erase(kCopy);
            found.erase(kLock);
        }
        Contents with_backup = before_;
        with_backup["m.h5.orig"] = before_.at("m.h5");
        if (found == after_ || (!must_be_new && found == before_) ||
            (was_killed && found == with_backup)) {
            return "";
        }
        std::string names = must_be_new ? "said to be done:" : "neither old nor new:";
        for (const auto& [name, bytes] : found) {
            names += fmt::format(" {} ({} bytes)", name, bytes.size());
        }
        return names;
    }

    [[nodiscard]] bool is_new() const { return read_file(folder_ / "m.h5") == after_.at("m.h5"); }

private:
    TemporaryFolder folder_;
    Contents before_, after_;
    double whole_ = 0.0;
};

void sleep_for(double seconds) {
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}

/// Sends the signal at a random moment: of the whole run, or of the time from the copy on.
Ending end_at_random(const Scene& scene, int signal, bool from_copy_on, Random& random) {
    const pid_t process = start_program(scene.arguments());
    const auto start = Clock::now();
    const auto seconds = [&start] {
        return std::chrono::duration<double>(Clock::now() - start).count();
    };
    while (from_copy_on && !scene.has_copy() && seconds() < 2.0 * scene.whole_seconds()) {
        sleep_for(1e-4);
    }
    sleep_for(random.uniform(0.0, (from_copy_on ? 0.4 : 1.1) * scene.whole_seconds()));
    ::kill(process, signal);
    return wait_for(process);
}

/// Until `count` runs were ended by the signal; many come to their end before it.
void end_many(const Scene& scene, int signal, std::size_t count) {
    Random random(940 + static_cast<std::uint64_t>(signal));
    std::size_t ended = 0;
    std::size_t replaced = 0;
    std::size_t faults = 0;
    std::size_t runs = 0;
    for (; ended < count && runs < 10 * count; ++runs) {
        scene.reset();
        const Ending ending = end_at_random(scene, signal, runs % 2 == 0, random);
        const bool was_ended = ending.signal == signal;
        std::string fault = was_ended || ending.exit_code == 0
                                ? scene.fault_found(was_ended && signal == SIGKILL, !was_ended)
                                : fmt::format("{}, {}", ending.exit_code, ending.signal);
        ended += was_ended ? 1U : 0U;
        replaced += was_ended && scene.is_new() ? 1U : 0U;
        faults += fault.empty() ? 0U : 1U;
        if (!fault.empty()) {
            FAIL_CHECK(fault);
        }
    }
    MESSAGE(
        fmt::format("signal {}: {} runs, {} ended by it ({} after the new file was in place), "
                    "{} neither old nor new",
                    signal,
                    runs,
                    ended,
                    replaced,
                    faults));
    CHECK(faults == 0);
    CHECK(ended == count);
}

/// One run under strace with an injection such as "fsync:error=EIO:when=2".
Ending run_injected(const Scene& scene, const std::string& injection, const std::string& log) {
    std::vector<std::string> arguments = {"-f",
                                          "-qq",
                                          "-o",
                                          log,
                                          "-E",
                                          "OPENBLAS_NUM_THREADS=1",
                                          "-e",
                                          "trace=" + injection.substr(0, injection.find(':')),
                                          "-e",
                                          "inject=" + injection,
                                          LIPCERT_PROGRAM};
    const std::vector<std::string> command = scene.arguments();
    arguments.insert(arguments.end(), command.begin(), command.end());
    return wait_for(start_program(arguments, kStrace));
}

bool can_trace() {
    if (!fs::exists(kStrace)) {
        return false;
    }
    return wait_for(start_program({"-qq", "-o", "/dev/null", "/bin/true"}, kStrace)).exit_code == 0;
}

}  // namespace

TEST_CASE("lipcert cap, killed at any moment, leaves the old file or the new one") {
    end_many(Scene("tiny_gpt2.h5"), SIGKILL, repetitions(10));
}

TEST_CASE(
    "lipcert cap, ended by SIGTERM at any moment with all its threads, leaves nothing behind") {
    end_many(Scene("tiny_gpt2.h5"), SIGTERM, repetitions(10));
}

TEST_CASE("lipcert cap, hit in its system calls, leaves the old file or the new one") {
    if (!can_trace()) {
        MESSAGE("skipped: strace is not installed (Debian package strace) or may not trace");
        return;
    }
    const Scene scene("tiny_gpt2.h5");
    const TemporaryFolder logs;
    const std::string log = (logs / "log").string();
    for (const std::string call :
         {"pwrite64", "fsync", "linkat", "renameat,renameat2", "unlinkat", "copy_file_range"}) {
        for (const std::string what : {"signal=KILL", "error=EIO", "error=ENOSPC"}) {
            if (what == "error=ENOSPC" && call != "pwrite64") {
                continue;
            }
            std::size_t hits = 0;
            for (int when = 1; when <= 40; ++when) {
                scene.reset();
                const Ending ending =
                    run_injected(scene, fmt::format("{}:{}:when={}", call, what, when), log);
                const std::string text = read_file(log);
                const bool was_hit = text.find("(INJECTED)") != std::string::npos ||
                                     text.find("killed by SIGKILL") != std::string::npos;
                if (!was_hit) {
                    break;
                }
                ++hits;
                const bool is_kill = what == "signal=KILL";
                // A name that the system refuses to remove stays.
                const bool may_leave = is_kill || call == "unlinkat";
                const std::string fault =
                    scene.fault_found(may_leave, !is_kill && ending.exit_code == 0);
                CAPTURE(call);
                CAPTURE(what);
                CAPTURE(when);
                CHECK(fault == "");
                CHECK((is_kill || ending.exit_code == 0 || ending.exit_code == 2));
            }
            CHECK((hits > 0 || call == "copy_file_range"));
        }
    }
}
