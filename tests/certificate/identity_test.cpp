#include "lipcert/certificate/certify.hpp"
#include "lipcert/checkpoint/checkpoint.hpp"

#include <chrono>
#include <filesystem>

#include "support/program.hpp"
#include "support/temporary_folder.hpp"
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
