#include <algorithm>
#include <chrono>
#include <csignal>
#include <functional>
#include <thread>

#include "editing/driven.hpp"
#include "support/hdf5_writer.hpp"
#include "support/random.hpp"
#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>
#include <fmt/format.h>

// Whatever ends the process that edits, and whatever the disk answers, the target holds the old
// bytes or the new ones, and nothing else in the folder has changed.

using lipcert::test::contents_of;
using lipcert::test::Ending;
using lipcert::test::Fault;
using lipcert::test::Hdf5Writer;
using lipcert::test::Random;
using lipcert::test::read_file;
using lipcert::test::repetitions;
using lipcert::test::run_driver;
using lipcert::test::Storage;
using lipcert::test::TemporaryFolder;
using lipcert::test::write_file;

namespace {

using Contents = std::map<std::string, std::string>;

std::string checkpoint_bytes(hsize_t rows) {
    const TemporaryFolder folder;
    Storage gzip = Storage::chunked({rows / 2, 8});
    gzip.gzip = gzip.shuffle = gzip.fletcher32 = true;
    const std::vector<double> values(rows * 16, 1.0);
    Hdf5Writer(folder / "x.h5")
        .add("contiguous", {rows, 16}, values)
        .add("gzip", {rows, 16}, values, lipcert::test::half_type(), gzip)
        .add("chunked", {rows, 16}, values, H5T_IEEE_F64BE, Storage::chunked({rows, 4}))
        .add("kept", {rows, 16}, values, H5T_IEEE_F32LE, gzip)
        .text_attribute("/", "config", "{}");
    return read_file(folder / "x.h5");
}

/// One way to edit, in a folder that holds the checkpoint "model.h5".
struct Mode {
    std::string name;
    std::vector<std::string> arguments;  ///< behind the source; "OUT" is the output in the folder
    std::string target;
    bool is_there = true;  ///< the target, before
    bool keeps_backup = false;
    bool old_system = false;
};

const std::vector<Mode> kModes{
    {"in place", {"in-place"}, "model.h5", true, false, false},
    {"in place with a backup", {"in-place", "backup"}, "model.h5", true, true, false},
    {"to a new file", {"OUT"}, "OUT", false, false, false},
    {"to a new file on an old system", {"OUT"}, "OUT", false, false, true},
    {"over another file", {"OUT", "force", "backup"}, "OUT", true, true, false}};

class Scene {
public:
    Scene(const Mode& mode, hsize_t rows) : mode_(mode) {
        before_["model.h5"] = checkpoint_bytes(rows);
        if (mode.target == "OUT" && mode.is_there) {
            before_["OUT"] = "what was here before";
        }
        before_["neighbour.h5"] = "must not change";
        reset();
        const Ending whole = run({"pass"});
        REQUIRE(whole.exit_code == 0);
        calls_ = whole.calls;
        after_ = contents_of(folder_.path());
        REQUIRE(after_.at(mode.target) != before_["model.h5"]);
        REQUIRE(after_.at("neighbour.h5") == before_["neighbour.h5"]);
        REQUIRE(after_.size() ==
                before_.size() + (mode.is_there ? 0U : 1U) + (mode.keeps_backup ? 1U : 0U));
    }

    [[nodiscard]] long calls() const { return calls_; }

    void reset() {
        for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
            std::filesystem::remove(entry.path());
        }
        for (const auto& [name, bytes] : before_) {
            write_file(folder_ / name, bytes);
        }
    }

    [[nodiscard]] std::vector<std::string> arguments() const {
        std::vector<std::string> result{(folder_ / "model.h5").string()};
        for (const std::string& argument : mode_.arguments) {
            result.push_back(argument == "OUT" ? (folder_ / argument).string() : argument);
        }
        return result;
    }

    [[nodiscard]] Ending run(Fault fault) const {
        fault.old_system = mode_.old_system;
        return run_driver(arguments(), fault);
    }

    /// What is wrong with the folder after an edit that ended somehow, in words; "" for nothing.
    /// `may_leave`: the lock and the copy, which SIGKILL leaves behind.
    [[nodiscard]] std::string fault_found(bool may_leave, bool must_be_new) const {
        Contents found = contents_of(folder_.path());
        if (may_leave) {
            found.erase("." + mode_.target + ".lipcert-lock");
            found.erase("." + mode_.target + ".lipcert-new");
        }
        const bool is_new = found == after_;
        if (must_be_new && !is_new) {
            return "said to be done, and is not: " + names(found);
        }
        if (is_new || found == before_) {
            return "";
        }
        // Killed between the second name of the old file and the new file taking the first.
        Contents with_backup = before_;
        with_backup[mode_.target + ".bak"] = before_.at(mode_.is_there ? mode_.target : "model.h5");
        if (may_leave && mode_.keeps_backup && found == with_backup) {
            return "";
        }
        return "neither old nor new: " + names(found);
    }

    /// Whether the same command, run again, brings the folder to the state after an edit.
    [[nodiscard]] std::string fault_after_retry() const {
        if (contents_of(folder_.path()).contains(mode_.target + ".bak") &&
            read_file(folder_ / mode_.target) == after_.at(mode_.target)) {
            std::filesystem::remove(folder_ / (mode_.target + ".bak"));
        }
        std::vector<std::string> again = arguments();
        again.emplace_back("force");
        const Ending ending = run_driver(again);
        if (ending.exit_code != 0) {
            return "cannot be repeated: " + ending.errors;
        }
        const Contents found = contents_of(folder_.path());
        if (found.at(mode_.target) != after_.at(mode_.target) || found.size() != after_.size()) {
            return "the repetition leaves " + names(found);
        }
        return "";
    }

private:
    static std::string names(const Contents& contents) {
        std::string text;
        for (const auto& [name, bytes] : contents) {
            text += fmt::format("{} ({} bytes) ", name, bytes.size());
        }
        return text;
    }

    const Mode& mode_;
    TemporaryFolder folder_;
    Contents before_;
    Contents after_;
    long calls_ = 0;
};

/// Runs the edit once for every call that it makes (every `stride`th of them), with the fault at
/// that call.
void hit_every_call(const std::string& fault,
                    const std::function<std::string(const Scene&, const Ending&)>& judge,
                    long stride = 1) {
    for (const Mode& mode : kModes) {
        Scene scene(mode, 16);
        REQUIRE(scene.calls() > 20);
        scene.reset();
        const long calls = scene.run({fault, 0, false}).calls;
        REQUIRE(calls > 3);
        for (long call = 1; call <= calls; call += stride) {
            scene.reset();
            const Ending ending = scene.run({fault, call, false});
            const std::string verdict = judge(scene, ending);
            if (!verdict.empty()) {
                FAIL_CHECK(fault << " at call " << call << " (" << ending.call << "), " << mode.name
                                 << ": " << verdict << " " << ending.errors);
            }
        }
    }
}

std::string killed(const Scene& scene, const Ending& ending) {
    if (ending.signal != SIGKILL) {
        return "was not killed";
    }
    const std::string fault = scene.fault_found(true, false);
    return fault.empty() ? scene.fault_after_retry() : fault;
}

std::string failed(const Scene& scene, const Ending& ending) {
    if (ending.exit_code != 0 && ending.exit_code != 2) {
        return fmt::format("ended with {} and signal {}", ending.exit_code, ending.signal);
    }
    // A name that the disk refuses to remove stays.
    return scene.fault_found(ending.call == "unlink", ending.exit_code == 0);
}

/// Ends it at a random moment of its life and says what is wrong then.
std::string end_at_random(Scene& scene, int signal, double longest_seconds, Random& random) {
    scene.reset();
    const pid_t process = lipcert::test::start_driver(scene.arguments());
    std::this_thread::sleep_for(
        std::chrono::duration<double>(random.uniform(0.0, longest_seconds)));
    ::kill(process, signal);
    const Ending ending = lipcert::test::wait_for(process);
    const bool was_ended = ending.signal == signal;
    if (!was_ended && ending.exit_code != 0) {
        return fmt::format("ended with {} and signal {}", ending.exit_code, ending.signal);
    }
    return scene.fault_found(was_ended && signal == SIGKILL, !was_ended);
}

void end_at_random_times(int signal, std::size_t count) {
    Random random(900 + static_cast<std::uint64_t>(signal));
    std::size_t faults = 0;
    for (const Mode& mode : kModes) {
        Scene scene(mode, 20'000);
        const auto start = std::chrono::steady_clock::now();
        REQUIRE(scene.run({"pass"}).exit_code != -1);
        const std::chrono::duration<double> whole = std::chrono::steady_clock::now() - start;
        for (std::size_t i = 0; i < count / kModes.size(); ++i) {
            const std::string verdict = end_at_random(scene, signal, 1.2 * whole.count(), random);
            faults += verdict.empty() ? 0U : 1U;
            if (!verdict.empty()) {
                FAIL_CHECK(mode.name << ": " << verdict);
            }
        }
    }
    CHECK(faults == 0);
}

}  // namespace

TEST_CASE("SIGKILL at any call that changes the disk leaves the old file or the new one") {
    hit_every_call("kill", killed);
}

TEST_CASE("SIGKILL in the middle of any write leaves the old file or the new one") {
    hit_every_call("torn", killed);
}

TEST_CASE("SIGTERM at any call leaves the old file or the new one, and nothing else") {
    hit_every_call("term", [](const Scene& scene, const Ending& ending) {
        return ending.signal == SIGTERM ? scene.fault_found(false, false)
                                        : std::string("was not ended by the signal");
    });
}

TEST_CASE("SIGTERM after any call, handled by another thread, leaves the old file or the new one") {
    hit_every_call("aside", [](const Scene& scene, const Ending& ending) {
        return ending.signal == SIGTERM ? scene.fault_found(false, false)
                                        : std::string("was not ended by the signal");
    });
}

TEST_CASE("A read that fails with EIO ends the edit with the old file, and a sentence") {
    const auto judge = [](const Scene& scene, const Ending& ending) {
        const std::string fault = failed(scene, ending);
        return fault.empty() && ending.exit_code == 2 && ending.errors.empty()
                   ? std::string("does not say why")
                   : fault;
    };
    constexpr long kStride = 9;  // there are hundreds
    hit_every_call("eio-read", judge, repetitions(2) > 2 ? 1 : kStride);
}

TEST_CASE("A file whose closing fails is still the old one or the new one") {
    hit_every_call("eio-close", failed);
}

TEST_CASE("The content is durable before it takes the name, and the name before the edit ends") {
    for (const Mode& mode : kModes) {
        if (mode.old_system) {
            continue;  // knows no durable folders
        }
        Scene scene(mode, 16);
        scene.reset();
        const std::vector<std::string> trace = scene.run({"trace", 0, false}).trace;
        const auto last_of = [&trace](const std::string& call) {
            const auto found = std::find(trace.rbegin(), trace.rend(), call);
            REQUIRE(found != trace.rend());
            return trace.rend() - found;
        };
        CHECK(last_of("pwrite") < last_of("fsync"));
        CHECK(last_of("fsync") < last_of("rename"));
        CHECK(last_of("rename") < last_of("fsync folder"));
        CHECK(last_of("fsync folder") < last_of("unlink"));
    }
}

TEST_CASE("A call that fails with ENOSPC or EIO ends the edit with the old file, and a sentence") {
    for (const char* fault : {"enospc", "eio"}) {
        hit_every_call(fault, failed);
    }
}

TEST_CASE("A disk that is full from some write on leaves the old file, and libhdf5 alive") {
    hit_every_call("full", [](const Scene& scene, const Ending& ending) {
        const std::string fault = failed(scene, ending);
        if (fault.empty() && ending.exit_code == 2 &&
            ending.errors.find("No space left on device") == std::string::npos) {
            return std::string("does not say why: ");
        }
        return fault;
    });
}

TEST_CASE("A write that takes only half of the bytes is continued") {
    hit_every_call("short", [](const Scene& scene, const Ending& ending) {
        return ending.exit_code == 0 ? scene.fault_found(false, true)
                                     : std::string("did not come to its end");
    });
}

TEST_CASE("SIGKILL at any moment leaves the old file or the new one") {
    end_at_random_times(SIGKILL, repetitions(100));
}

TEST_CASE("SIGTERM, SIGINT and SIGHUP at any moment leave the old file or the new one") {
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
        end_at_random_times(signal, repetitions(32));
    }
}
