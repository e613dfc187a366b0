#include "lipcert/checkpoint/checkpoint.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <functional>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include "files/confined.hpp"
#include "support/hdf5_writer.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown.hpp"
#include <doctest/doctest.h>

using lipcert::ConfinedRun;
using lipcert::run_confined;
using lipcert::test::Hdf5Writer;
using lipcert::test::TemporaryFolder;

namespace {

std::string ending(const std::function<void()>& action) {
    const ConfinedRun run = run_confined([&action] {
        action();
        return std::string("survived");
    });
    return run.came_to_end ? run.answer : run.ending;
}

}  // namespace

TEST_CASE("a confined action gives its answer back, whatever it holds") {
    const ConfinedRun run = run_confined([] { return std::string("a\n\0b", 4); });
    CHECK(run.came_to_end);
    CHECK(run.answer == std::string("a\n\0b", 4));
    CHECK(run_confined([] { return std::string(); }).came_to_end);
    CHECK(run_confined([] { return std::string(1U << 20U, 'x'); }).answer.size() == 64U << 10U);
}

TEST_CASE("a crash, an exit or a loop of a confined action ends its process alone") {
    CHECK(ending([] { std::raise(SIGSEGV); }) == "Segmentation fault");
    CHECK(ending([] { ::_exit(0); }) == "it ended by itself");
    CHECK(ending([] { std::raise(SIGXCPU); }).find("processor time") != std::string::npos);
}

TEST_CASE("a confined action reads files, and changes, sends and starts nothing") {
    const TemporaryFolder folder;
    const std::string path = lipcert::test::write_file(folder / "x", "content").string();
    CHECK(ending([&path] {
              char byte = 0;
              const int file = ::open(path.c_str(), O_RDONLY);
              if (::read(file, &byte, 1) != 1) {
                  ::_exit(1);
              }
          }) == "survived");
    constexpr const char* kEnded = "an attempt to do more than read files";
    const std::vector<std::function<void()>> effects = {
        [&path] { (void)::open(path.c_str(), O_WRONLY); },
        [&path] { (void)::open((path + "new").c_str(), O_RDONLY | O_CREAT, 0600); },
        [&path] { (void)::unlink(path.c_str()); },
        [&path] { (void)::rename(path.c_str(), (path + "new").c_str()); },
        [] { (void)::socket(AF_INET, SOCK_STREAM, 0); },
        [] { (void)::execl("/bin/true", "true", nullptr); },
        [] { (void)::fork(); },
        [] { (void)::kill(::getppid(), SIGTERM); }};
    for (std::size_t i = 0; i < effects.size(); ++i) {
        CAPTURE(i);
        CHECK(ending(effects[i]) == kEnded);
    }
    CHECK(lipcert::test::read_file(path) == "content");
}

TEST_CASE("a file that is open for writing elsewhere in the program is out of reach as well") {
    const TemporaryFolder folder;
    const int file = ::open((folder / "x").c_str(), O_WRONLY | O_CREAT, 0600);
    REQUIRE(file >= 0);
    CHECK(ending([file] {
              if (::write(file, "harm", 4) == 4) {
                  ::_exit(1);
              }
          }) != "it ended by itself");
    CHECK(lipcert::test::read_file(folder / "x").empty());
    ::close(file);
}

TEST_CASE("what the child refuses a file for is what the user reads") {
    const TemporaryFolder folder;
    Hdf5Writer(folder / "x.h5").add("g/w", {1}, {1.0}).soft_link("/g/w", "g/v");
    const lipcert::Error error =
        lipcert::test::error_of([&] { (void)lipcert::open_checkpoint(folder / "x.h5"); });
    CHECK(error.kind() == lipcert::ErrorKind::input);
    CHECK(error.where() == (folder / "x.h5").string() + ": g.v");
    CHECK(lipcert::test::says(error, "is a soft link"));
}
