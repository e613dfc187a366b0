#include "lipcert/certificate/certify.hpp"
#include "lipcert/checkpoint/checkpoint.hpp"
#include "lipcert/norms/threads.hpp"

#include <chrono>
#include <filesystem>

#include "certificate/model_digest.hpp"
#include "files/regular_file.hpp"
#include "files/sha256.hpp"
#include "support/program.hpp"
#include "support/temporary_folder.hpp"
#include "support/thread_count.hpp"
#include "support/thrown.hpp"
#include <doctest/doctest.h>

using lipcert::Error;
using lipcert::identify;
using lipcert::open_checkpoint;
using lipcert::test::error_of;
using lipcert::test::sample_model;
using lipcert::test::says;
using lipcert::test::TemporaryFolder;

namespace fs = std::filesystem;

TEST_CASE("a report never carries the hash of another file than the one that was read") {
    const TemporaryFolder folder;
    const fs::path model = folder / "x.h5";
    fs::copy_file(sample_model("tiny_gpt2.h5"), model);
    const auto checkpoint = open_checkpoint(model);
    CHECK(identify(*checkpoint).sha256.size() == 64);

    // Another file under the same name: what is read stays the old one.
    fs::copy_file(sample_model("tiny_llama.h5"), folder / "new.h5");
    fs::rename(folder / "new.h5", model);
    CHECK(checkpoint->read(checkpoint->tensors().front()).size() > 0);
    const Error replaced = error_of([&] { (void)identify(*checkpoint); });
    CHECK(replaced.kind() == lipcert::ErrorKind::input);
    CHECK(says(replaced, "changed while it was read"));

    // The same file, written to.
    const auto again = open_checkpoint(model);
    fs::last_write_time(model, fs::last_write_time(model) + std::chrono::seconds(1));
    CHECK(says(error_of([&] { (void)identify(*again); }), "changed while it was read"));
}

TEST_CASE("the hash of a model is the same beside other work and alone") {
    const auto checkpoint = open_checkpoint(sample_model("tiny_gpt2.h5"));
    const lipcert::RegularFile file(checkpoint->path());
    const std::string expected = lipcert::sha256_of(file.descriptor(), file.path());
    for (const int count : {1, 2}) {
        const lipcert::test::ThreadCount threads(count);
        CHECK(lipcert::thread_count() == count);
        { const lipcert::ModelDigest dropped(*checkpoint); }
        CHECK(lipcert::ModelDigest(*checkpoint).take() == expected);
    }

    // Another file that has the name for as long as the hash is taken.
    const TemporaryFolder swapped;
    fs::copy_file(sample_model("tiny_gpt2.h5"), swapped / "x.h5");
    const auto opened = open_checkpoint(swapped / "x.h5");
    fs::rename(swapped / "x.h5", swapped / "old.h5");
    fs::copy_file(sample_model("tiny_llama.h5"), swapped / "x.h5");
    lipcert::ModelDigest of_other(*opened);
    CHECK(says(error_of([&] { (void)of_other.take(); }), "changed while it was read"));
    fs::rename(swapped / "old.h5", swapped / "x.h5");
    CHECK_NOTHROW(lipcert::require_unchanged(*opened));

    // What is gone is said when the hash is asked for, whichever thread met it.
    const TemporaryFolder folder;
    fs::copy_file(sample_model("tiny_gpt2.h5"), folder / "x.h5");
    const auto gone = open_checkpoint(folder / "x.h5");
    fs::remove(folder / "x.h5");
    lipcert::ModelDigest digest(*gone);
    CHECK(says(error_of([&] { (void)digest.take(); }), "there is no such file"));
}
