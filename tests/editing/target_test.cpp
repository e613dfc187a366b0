#include "lipcert/checkpoint/checkpoint_edit.hpp"
#include "lipcert/checkpoint/memory_checkpoint.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "editing/driven.hpp"
#include "support/hdf5_writer.hpp"
#include "support/new_values.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown.hpp"
#include "support/unprivileged.hpp"
#include <doctest/doctest.h>

namespace fs = std::filesystem;

using lipcert::Checkpoint;
using lipcert::CheckpointEdit;
using lipcert::EditResult;
using lipcert::EditTarget;
using lipcert::Error;
using lipcert::ErrorKind;
using lipcert::open_checkpoint;
using lipcert::test::contents_of;
using lipcert::test::edit_with_new_values;
using lipcert::test::error_of;
using lipcert::test::Hdf5Writer;
using lipcert::test::read_file;
using lipcert::test::require;
using lipcert::test::says;
using lipcert::test::TemporaryFolder;
using lipcert::test::unprivileged;
using lipcert::test::write_file;

namespace {

fs::path write_model(const fs::path& path) {
    Hdf5Writer(path).add("w", {8, 8}, std::vector<double>(64, 3.0)).add("kept", {4}, {1, 2, 3, 4});
    return path;
}

EditTarget to(const fs::path& output, bool force = false) {
    EditTarget target;
    target.output = output;
    target.force = force;
    return target;
}

EditTarget in_place(std::optional<std::string> backup = std::nullopt) {
    EditTarget target;
    target.backup_suffix = std::move(backup);
    return target;
}

/// How the edit of `path` is refused; whatever the reason, nothing in the folder has changed.
Error refusal(const fs::path& path, const EditTarget& target) {
    const auto before = contents_of(path.parent_path());
    Error error = error_of([&] { (void)edit_with_new_values(path, target); });
    CHECK(contents_of(path.parent_path()) == before);
    return error;
}

mode_t mode_of(const fs::path& path) {
    struct stat status {};

    REQUIRE(::stat(path.c_str(), &status) == 0);
    return status.st_mode & 07777;
}

std::string attribute_of(const fs::path& path, const char* name) {
    char buffer[64] = {};
    const ssize_t size = ::getxattr(path.c_str(), name, buffer, sizeof buffer);
    return size < 0 ? "(none)" : std::string(buffer, static_cast<std::size_t>(size));
}

/// Overwrites a byte of the file, with the size and the time of the last change as before.
void change_secretly(const fs::path& path) {
    struct stat status {};

    REQUIRE(::stat(path.c_str(), &status) == 0);
    std::string bytes = read_file(path);
    bytes.back() = static_cast<char>(bytes.back() ^ 1);
    const int file = ::open(path.c_str(), O_WRONLY);
    REQUIRE(::pwrite(file, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
    const timespec times[] = {status.st_atim, status.st_mtim};
    REQUIRE(::futimens(file, times) == 0);
    ::close(file);
}

}  // namespace

TEST_CASE("An existing output is replaced only by force, and only if it is a file") {
    const TemporaryFolder folder;
    const fs::path model = write_model(folder / "x.h5");
    write_file(folder / "y.h5", "something else");
    const Error existing = refusal(model, to(folder / "y.h5"));
    CHECK(existing.kind() == ErrorKind::usage);
    CHECK(existing.where() == fs::canonical(folder / "y.h5").string());
    CHECK(says(existing, "use --force"));
    const EditResult result = edit_with_new_values(model, to(folder / "y.h5", true));
    CHECK(result.path == fs::canonical(folder / "y.h5"));
    CHECK(open_checkpoint(folder / "y.h5")->tensors().size() == 2);
    const TemporaryFolder other;
    CHECK(says(refusal(model, to(other.path(), true)), "no regular file"));
    CHECK(says(refusal(model, to("/dev/null", true)), "no regular file"));
    CHECK(says(refusal(model, to(other.path() / "", true)), "names a folder"));
    CHECK(says(refusal(model, to(other.path() / "missing" / "y.h5")), "make it first"));
}

TEST_CASE("An output that is the source, under whatever name, is refused with the way to do it") {
    const TemporaryFolder folder;
    const fs::path model = write_model(folder / "x.h5");
    fs::create_symlink("x.h5", folder / "soft.h5");
    for (const char* name : {"x.h5", "soft.h5", "./x.h5"}) {
        const Error error =
            error_of([&] { (void)edit_with_new_values(model, to(folder / name, true)); });
        CHECK(error.kind() == ErrorKind::usage);
        CHECK(says(error, "use --in-place"));
    }
    fs::create_hard_link(model, folder / "hard.h5");
    CHECK(says(error_of([&] { (void)edit_with_new_values(model, to(folder / "hard.h5", true)); }),
               "use --in-place"));
}

TEST_CASE("A symbolic link is followed to its end and stays; one that leads nowhere is refused") {
    const TemporaryFolder folder;
    fs::create_directory(folder / "store");
    const fs::path model = write_model(folder / "store/x.h5");
    fs::create_symlink("store/x.h5", folder / "second.h5");
    fs::create_symlink(fs::absolute(folder / "second.h5"), folder / "first.h5");
    const std::string before = read_file(model);
    const EditResult result = edit_with_new_values(folder / "first.h5", in_place());
    CHECK(result.path == fs::canonical(model));
    CHECK(fs::is_symlink(folder / "first.h5"));
    CHECK(fs::is_symlink(folder / "second.h5"));
    CHECK(read_file(model) != before);
    CHECK(contents_of(folder / "store").size() == 1);
    // As an output.
    const fs::path other = write_model(folder / "other.h5");
    (void)edit_with_new_values(other, to(folder / "first.h5", true));
    CHECK(fs::is_symlink(folder / "first.h5"));
    fs::create_symlink("nowhere.h5", folder / "dangling.h5");
    CHECK(says(error_of([&] { (void)edit_with_new_values(other, to(folder / "dangling.h5")); }),
               "leads nowhere"));
    CHECK(fs::is_symlink(folder / "dangling.h5"));
    CHECK(!fs::exists(folder / "nowhere.h5"));
}

TEST_CASE("A file with other names is replaced only if that is meant; they keep the old content") {
    const TemporaryFolder folder;
    const fs::path model = write_model(folder / "x.h5");
    fs::create_hard_link(model, folder / "twin.h5");
    const std::string before = read_file(model);
    const Error error = refusal(model, in_place());
    CHECK(error.kind() == ErrorKind::usage);
    CHECK(says(error, "has 2 names (hard links)"));
    CHECK(says(error, "--break-hardlinks"));
    EditTarget target;
    target.break_hardlinks = true;
    (void)edit_with_new_values(model, target);
    CHECK(read_file(model) != before);
    CHECK(read_file(folder / "twin.h5") == before);
}

TEST_CASE("In place, permissions, owner and extended attributes stay") {
    const TemporaryFolder folder;
    const fs::path model = write_model(folder / "x.h5");
    REQUIRE(::chmod(model.c_str(), 0640) == 0);
    const bool has_attributes = ::setxattr(model.c_str(), "user.origin", "here", 4, 0) == 0;
    // An access control list: user:65534 may read.
    constexpr unsigned char kList[] = {
        2, 0,    0,    0,    1,    0,    6,    0, 0xff, 0xff, 0xff, 0xff, 2,    0,    4,
        0, 0xfe, 0xff, 0,    0,    4,    0,    4, 0,    0xff, 0xff, 0xff, 0xff, 0x10, 0,
        4, 0,    0xff, 0xff, 0xff, 0xff, 0x20, 0, 0,    0,    0xff, 0xff, 0xff, 0xff};
    const bool has_lists =
        ::setxattr(model.c_str(), "system.posix_acl_access", kList, sizeof kList, 0) == 0;
    if (::geteuid() == 0) {
        REQUIRE(::chown(model.c_str(), 65534, 65534) == 0);
    }

    struct stat before {};

    REQUIRE(::stat(model.c_str(), &before) == 0);
    (void)edit_with_new_values(model, in_place());

    struct stat after {};

    REQUIRE(::stat(model.c_str(), &after) == 0);
    CHECK(after.st_ino != before.st_ino);
    CHECK(after.st_mode == before.st_mode);
    CHECK(after.st_uid == before.st_uid);
    CHECK(after.st_gid == before.st_gid);
    CHECK(attribute_of(model, "user.origin") == (has_attributes ? "here" : "(none)"));
    CHECK(attribute_of(model, "system.posix_acl_access") ==
          (has_lists ? std::string(reinterpret_cast<const char*>(kList), sizeof kList) : "(none)"));
    if (!has_attributes || !has_lists) {
        MESSAGE("this disk keeps no extended attributes or access control lists");
    }
}

TEST_CASE("A new file may be read by those who read the source and are not denied new files") {
    const TemporaryFolder folder;
    const fs::path model = write_model(folder / "x.h5");
    const mode_t usual = ::umask(027);
    REQUIRE(::chmod(model.c_str(), 0644) == 0);
    (void)edit_with_new_values(model, to(folder / "a.h5"));
    REQUIRE(::chmod(model.c_str(), 0600) == 0);
    (void)edit_with_new_values(model, to(folder / "b.h5"));
    ::umask(usual);
    CHECK(mode_of(folder / "a.h5") == 0640);
    CHECK(mode_of(folder / "b.h5") == 0600);
    // What is replaced keeps its own.
    REQUIRE(::chmod((folder / "a.h5").c_str(), 0604) == 0);
    (void)edit_with_new_values(model, to(folder / "a.h5", true));
    CHECK(mode_of(folder / "a.h5") == 0604);
}

TEST_CASE("A folder or file that may not be written is left alone, with the reason") {
    const TemporaryFolder folder;
    const fs::path model = write_model(folder / "x.h5");
    fs::permissions(folder.path(), fs::perms(0777));
    fs::permissions(model, fs::perms(0444));
    if (::geteuid() == 0) {
        REQUIRE(::chown(model.c_str(), 65534, 65534) == 0);
    }
    CHECK(unprivileged([&] {
              const Error error = error_of([&] { (void)edit_with_new_values(model, in_place()); });
              require(says(error, "may not be written"), error.what());
              require(says(error, "Permission denied"), error.what());
              (void)edit_with_new_values(model, to(folder / "y.h5"));
          }) == "");
    CHECK(contents_of(folder.path()).size() == 2);
    fs::permissions(model, fs::perms(0666));
    fs::permissions(folder.path(), fs::perms(0555));
    CHECK(unprivileged([&] {
              const Error error = error_of([&] { (void)edit_with_new_values(model, in_place()); });
              require(says(error, "no file can be made in this folder"), error.what());
              require(says(error, "Permission denied"), error.what());
          }) == "");
    fs::permissions(folder.path(), fs::perms(0700));
    CHECK(contents_of(folder.path()).size() == 2);
}

TEST_CASE("A file whose owner could not be kept is not replaced") {
    if (::geteuid() != 0) {
        MESSAGE("skipped: only the superuser can give a file to another owner");
        return;
    }
    const TemporaryFolder folder;
    const fs::path model = write_model(folder / "x.h5");
    fs::permissions(folder.path(), fs::perms(0777));
    fs::permissions(model, fs::perms(0666));
    const std::string before = read_file(model);
    CHECK(unprivileged([&] {
              const Error error = error_of([&] { (void)edit_with_new_values(model, in_place()); });
              require(says(error, "cannot be given its owner 0"), error.what());
          }) == "");
    CHECK(read_file(model) == before);
    CHECK(contents_of(folder.path()).size() == 1);
}

TEST_CASE("While one process edits a file, another is refused; what a killed one left is taken") {
    const TemporaryFolder folder;
    const fs::path model = write_model(folder / "x.h5");
    const auto source = open_checkpoint(model);
    {
        const CheckpointEdit first(*source, in_place());
        CHECK(mode_of(folder / ".x.h5.lipcert-new") == 0600);
        CHECK(fs::exists(folder / ".x.h5.lipcert-lock"));
        const Error error = refusal(model, in_place());
        CHECK(error.kind() == ErrorKind::input);
        CHECK(says(error, "another process is editing it"));
        (void)edit_with_new_values(model, to(folder / "y.h5"));  // another target
    }
    CHECK(contents_of(folder.path()).size() == 2);
    write_file(folder / ".x.h5.lipcert-lock", "");
    write_file(folder / ".x.h5.lipcert-new", "half a file");
    (void)edit_with_new_values(model, in_place());
    CHECK(contents_of(folder.path()).size() == 2);
    // A lock that a living process holds.
    const int lock = ::open((folder / ".x.h5.lipcert-lock").c_str(), O_CREAT | O_RDWR, 0600);
    REQUIRE(::flock(lock, LOCK_EX) == 0);
    CHECK(says(refusal(model, in_place()), "another process is editing it"));
    ::close(lock);
    (void)edit_with_new_values(model, in_place());
    CHECK(contents_of(folder.path()).size() == 2);
}

TEST_CASE("With the lock removed by hand, nobody puts another edit's copy in place or removes it") {
    const TemporaryFolder folder;
    const fs::path model = write_model(folder / "x.h5");
    const std::string old_bytes = read_file(model);
    const auto source = open_checkpoint(model);
    std::optional<CheckpointEdit> second;
    {
        CheckpointEdit first(*source, in_place());
        for (const auto& [name, values] : lipcert::test::new_values(*source)) {
            first.write(name, values);
        }
        (void)first.check();
        fs::remove(folder / ".x.h5.lipcert-lock");
        second.emplace(*source, in_place());
        CHECK(says(error_of([&] { (void)first.commit(); }), "another process has removed"));
        CHECK(read_file(model) == old_bytes);
    }
    CHECK(fs::exists(folder / ".x.h5.lipcert-new"));
    CHECK(fs::exists(folder / ".x.h5.lipcert-lock"));
    second.reset();
    CHECK(contents_of(folder.path()).size() == 1);
    // What is certified is the copy of this edit as well.
    CheckpointEdit third(*source, in_place());
    fs::remove(folder / ".x.h5.lipcert-lock");
    second.emplace(*source, in_place());
    CHECK(says(error_of([&] { (void)third.check(); }), "has been replaced"));
    CHECK(read_file(model) == old_bytes);
}

TEST_CASE("Where the disk has no locks, a file left behind is named and can be removed") {
    const TemporaryFolder folder;
    const fs::path model = write_model(folder / "x.h5");
    const lipcert::test::Fault old_system{"pass", 0, true};
    CHECK(lipcert::test::run_driver({model.string(), "in-place"}, old_system).exit_code == 0);
    write_file(folder / ".x.h5.lipcert-lock", "");
    const auto stuck = lipcert::test::run_driver({model.string(), "in-place"}, old_system);
    CHECK(stuck.exit_code == 2);
    CHECK(stuck.errors.find("if no other lipcert is at work, remove") != std::string::npos);
    fs::remove(folder / ".x.h5.lipcert-lock");
    CHECK(lipcert::test::run_driver({model.string(), "in-place"}, old_system).exit_code == 0);
    CHECK(contents_of(folder.path()).size() == 1);
}

TEST_CASE("What is in the way of the lock or the copy is not followed") {
    const TemporaryFolder folder;
    const fs::path model = write_model(folder / "x.h5");
    write_file(folder / "precious", "precious");
    fs::create_symlink("precious", folder / ".x.h5.lipcert-lock");
    CHECK(says(error_of([&] { (void)edit_with_new_values(model, in_place()); }),
               "is in the way of a lock"));
    fs::remove(folder / ".x.h5.lipcert-lock");
    fs::create_symlink("precious", folder / ".x.h5.lipcert-new");
    (void)edit_with_new_values(model, in_place());
    CHECK(read_file(folder / "precious") == "precious");
    CHECK(contents_of(folder.path()).size() == 2);
}

TEST_CASE("A source that changes is not replaced, however the change hides") {
    const TemporaryFolder folder;
    const fs::path model = write_model(folder / "x.h5");
    const auto refused_after = [&](const auto& change) {
        const auto source = open_checkpoint(model);
        CheckpointEdit edit(*source, in_place());
        for (const auto& [name, values] : lipcert::test::new_values(*source)) {
            edit.write(name, values);
        }
        (void)edit.check();
        change();
        const std::string changed = read_file(model);
        Error error = error_of([&] { (void)edit.commit(); });
        CHECK(read_file(model) == changed);
        return error;
    };
    CHECK(says(refused_after([&] { change_secretly(model); }), "has changed since it was copied"));
    const std::string tail = read_file(model);
    CHECK(says(refused_after([&] { write_file(model, tail + "more"); }), "has been changed"));
    write_model(model);
    CHECK(says(refused_after([&] {
                   write_file(folder / "z.h5", read_file(model));
                   fs::rename(folder / "z.h5", model);
               }),
               "has been changed"));
    CHECK(says(refused_after([&] {
                   fs::rename(model, folder / "moved.h5");
                   fs::copy_file(folder / "moved.h5", model);
               }),
               "has been changed"));
    fs::remove(folder / "moved.h5");
    // Before the edit began.
    const auto source = open_checkpoint(model);
    write_file(model, read_file(model));
    CHECK(says(error_of([&] { const CheckpointEdit edit(*source, in_place()); }),
               "has changed since it was opened"));
    CHECK(contents_of(folder.path()).size() == 1);
}

TEST_CASE("An output that appears or changes meanwhile is not replaced") {
    const TemporaryFolder folder;
    const fs::path model = write_model(folder / "x.h5");
    const auto source = open_checkpoint(model);
    {
        CheckpointEdit edit(*source, to(folder / "y.h5", true));
        (void)edit.check();
        write_file(folder / "y.h5", "mine");
        CHECK(says(error_of([&] { (void)edit.commit(); }), "by somebody else meanwhile"));
    }
    {
        CheckpointEdit edit(*source, to(folder / "y.h5", true));
        (void)edit.check();
        write_file(folder / "y.h5", "mine, longer");
        CHECK(says(error_of([&] { (void)edit.commit(); }), "by somebody else meanwhile"));
    }
    CHECK(read_file(folder / "y.h5") == "mine, longer");
    CHECK(contents_of(folder.path()).size() == 2);
}

TEST_CASE("A copy that somebody else writes is not put in place, however the change hides") {
    const TemporaryFolder folder;
    const fs::path model = write_model(folder / "x.h5");
    const auto source = open_checkpoint(model);
    const fs::path copy = folder / ".x.h5.lipcert-new";
    for (const bool hides : {false, true}) {
        CheckpointEdit edit(*source, in_place());
        (void)edit.check();
        if (hides) {
            change_secretly(copy);
        } else {
            write_file(copy, "something else");
        }
        CHECK(says(error_of([&] { (void)edit.commit(); }), "has been written by another process"));
    }
}

TEST_CASE("A backup is the old file under another name") {
    const TemporaryFolder folder;
    const fs::path model = write_model(folder / "x.h5");
    const std::string old_bytes = read_file(model);
    const EditResult result = edit_with_new_values(model, in_place(".bak"));
    CHECK(result.backup == fs::canonical(folder / "x.h5.bak"));
    CHECK(read_file(folder / "x.h5.bak") == old_bytes);
    CHECK(read_file(model) != old_bytes);
    const Error existing = refusal(model, in_place(".bak"));
    CHECK(existing.kind() == ErrorKind::usage);
    CHECK(says(existing, "choose another suffix"));
    CHECK(refusal(model, in_place("")).kind() == ErrorKind::usage);
    CHECK(refusal(model, in_place("/../y")).kind() == ErrorKind::usage);
    // A new output has nothing to back up.
    EditTarget target = to(folder / "y.h5");
    target.backup_suffix = ".bak";
    CHECK(!edit_with_new_values(model, target).backup.has_value());
}

TEST_CASE("A name of the file that is the backup already stays through success and failure") {
    const TemporaryFolder folder;
    const fs::path model = write_model(folder / "x.h5");
    const std::string old_bytes = read_file(model);
    fs::create_hard_link(model, folder / "x.h5.bak");
    const std::vector<std::string> arguments{model.string(), "in-place", "backup"};
    CHECK(lipcert::test::run_driver(arguments, {"little"}).exit_code == 2);
    CHECK(read_file(folder / "x.h5.bak") == old_bytes);
    // A third name is one too many, the backup or not.
    fs::create_hard_link(model, folder / "third.h5");
    CHECK(says(refusal(model, in_place(".bak")), "has 3 names (hard links)"));
    fs::remove(folder / "third.h5");
    (void)edit_with_new_values(model, in_place(".bak"));
    CHECK(read_file(folder / "x.h5.bak") == old_bytes);
    CHECK(read_file(model) != old_bytes);
    CHECK(contents_of(folder.path()).size() == 2);
}

TEST_CASE("What an edit would refuse is known beforehand, with nothing touched") {
    const TemporaryFolder folder;
    const fs::path model = write_model(folder / "x.h5");
    write_file(folder / "y.h5", "something else");
    write_file(folder / "x.h5.bak", "something else");
    fs::create_hard_link(model, folder / "hard.h5");
    const auto before = contents_of(folder.path());
    const auto source = open_checkpoint(model);
    for (const EditTarget& target : {to(folder / "y.h5"),
                                     to(model, true),
                                     to(folder / "hard.h5", true),
                                     to(folder / "missing" / "y.h5"),
                                     to("/dev/null", true),
                                     in_place(),
                                     in_place(".bak"),
                                     in_place("")}) {
        const Error real = refusal(model, target);
        const Error foretold = error_of([&] { CheckpointEdit::require_possible(*source, target); });
        CHECK(foretold.kind() == real.kind());
        CHECK(std::string(foretold.what()) == real.what());
        CHECK(foretold.where() == real.where());
    }
    CheckpointEdit::require_possible(*source, to(folder / "y.h5", true));
    CheckpointEdit::require_possible(*source, to(folder / "z.h5"));
    CHECK(contents_of(folder.path()) == before);
}

TEST_CASE("Without a commit nothing remains, not even an open identifier of libhdf5") {
    const TemporaryFolder folder;
    const fs::path model = write_model(folder / "x.h5");
    const auto before = contents_of(folder.path());
    const auto identifiers = H5Fget_obj_count(H5F_OBJ_ALL, H5F_OBJ_ALL);
    {
        const auto source = open_checkpoint(model);
        CheckpointEdit edit(*source, in_place());
        for (const auto& [name, values] : lipcert::test::new_values(*source)) {
            edit.write(name, values);
        }
        CHECK(contents_of(folder.path()).size() == 3);
    }
    CHECK(contents_of(folder.path()) == before);
    CHECK(H5Fget_obj_count(H5F_OBJ_ALL, H5F_OBJ_ALL) == identifiers);
}

TEST_CASE("The hashes in the result are those of the files") {
    const TemporaryFolder folder;
    const fs::path model = write_model(folder / "x.h5");
    const EditResult first = edit_with_new_values(model, to(folder / "y.h5"));
    const EditResult second = edit_with_new_values(folder / "y.h5", to(folder / "z.h5"));
    CHECK(first.old_sha256 != first.new_sha256);
    CHECK(first.new_sha256 == second.old_sha256);
    CHECK(second.old_sha256 == second.new_sha256);
}

TEST_CASE("A disk without space is refused before anything is copied") {
    const TemporaryFolder folder;
    const fs::path model = write_model(folder / "x.h5");
    const auto ending = lipcert::test::run_driver({model.string(), "in-place"}, {"little"});
    CHECK(ending.exit_code == 2);
    CHECK(ending.errors.find("bytes free, and the new file needs") != std::string::npos);
    CHECK(contents_of(folder.path()).size() == 1);
}

TEST_CASE("A name that leaves no room for the lock is refused") {
    const TemporaryFolder folder;
    const fs::path model = write_model(folder / "x.h5");
    CHECK(refusal(model, to(folder / std::string(250, 'n'))).kind() == ErrorKind::usage);
    (void)edit_with_new_values(model, to(folder / std::string(240, 'n')));
}

TEST_CASE("A checkpoint that is no file cannot be edited") {
    lipcert::MemoryCheckpoint memory;
    memory.add("w", lipcert::Matrix::Zero(2, 2));
    CHECK(error_of([&] { const CheckpointEdit edit(memory, {}); }).kind() == ErrorKind::input);
}

TEST_CASE("A reader beside the edits sees the old file or the new one, never anything else") {
    const TemporaryFolder folder;
    const fs::path model = write_model(folder / "x.h5");
    const std::string old_bytes = read_file(model);
    (void)edit_with_new_values(model, to(folder / "new.h5"));
    const std::string new_bytes = read_file(folder / "new.h5");
    // Edits follow each other in a child, renames back to the old file in between.
    const pid_t writer = ::fork();
    if (writer == 0) {
        try {
            for (;;) {
                (void)edit_with_new_values(model, in_place());
                write_file(folder / "old.h5", old_bytes);
                fs::rename(folder / "old.h5", model);
            }
        } catch (const std::exception&) {
            std::_Exit(1);
        }
    }
    const double old_value = 3.0;
    const double new_value = open_checkpoint(folder / "new.h5")
                                 ->read(*open_checkpoint(folder / "new.h5")->find("w"))(0, 0);
    std::size_t old_seen = 0;
    std::size_t new_seen = 0;
    std::size_t refused = 0;
    for (int i = 0; i < 3000 && (i < 300 || old_seen == 0 || new_seen == 0); ++i) {
        try {
            const auto checkpoint = open_checkpoint(model);
            const lipcert::Matrix values = checkpoint->read(*checkpoint->find("w"));
            old_seen += (values.array() == old_value).all() ? 1U : 0U;
            new_seen += values(0, 0) == new_value && values(0, 0) != old_value ? 1U : 0U;
        } catch (const lipcert::Error& error) {
            // Replaced at each attempt to open it, on a machine whose cores are busy.
            CHECK(std::string(error.what()).find("keep it still") != std::string::npos);
            ++refused;
        }
        CHECK(old_seen + new_seen + refused == static_cast<std::size_t>(i) + 1);
        const std::string bytes = read_file(model);
        CHECK((bytes == old_bytes || bytes == new_bytes));
    }
    CHECK(refused < old_seen + new_seen);
    CHECK(::kill(writer, SIGKILL) == 0);
    CHECK(lipcert::test::wait_for(writer).signal == SIGKILL);
    CHECK(old_seen > 0);
    CHECK(new_seen > 0);
}
