#include "lipcert/checkpoint/checkpoint.hpp"

#include <sys/stat.h>

#include "support/hdf5_writer.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown.hpp"
#include "support/unprivileged.hpp"
#include <doctest/doctest.h>

using lipcert::Error;
using lipcert::test::error_of;
using lipcert::test::Hdf5Writer;
using lipcert::test::says;
using lipcert::test::TemporaryFolder;
using lipcert::test::write_file;
using namespace std::string_literals;

namespace {

Error refusal(const std::filesystem::path& path) {
    Error error = error_of([&] { (void)lipcert::open_checkpoint(path); });
    CHECK(error.kind() == lipcert::ErrorKind::input);
    CHECK(error.where() == path.string());
    return error;
}

}  // namespace

TEST_CASE("A file is recognised by what it holds, whatever its name") {
    const TemporaryFolder folder;
    Hdf5Writer(folder / "weights.safetensors").add("w", {1}, {1.0});
    CHECK(lipcert::open_checkpoint(folder / "weights.safetensors")->format() == "hdf5");
}

TEST_CASE("Each kind of file that is not read gets a sentence that says what it is") {
    const TemporaryFolder folder;

    struct Case {
        std::string bytes;
        const char* words;
    };

    const Case cases[] = {
        {"", "is empty"},
        {"\x89HDF\r\n\x1a"s, "begins like an HDF5 file and ends at once"},
        {"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "git lfs pull"},
        {"PK\x03\x04 archive/data.pkl"s, "is a PyTorch file"},
        {"PK\x03\x04 metadata.json config.json model.weights.h5"s, "is no sound zip archive"},
        {"PK\x03\x04 arr_0.npy"s, "is a NumPy .npz archive"},
        {"PK\x03\x04 something"s, "is a zip archive"},
        {"\x80\x02}q"s, "is a Python pickle"},
        {"GGUF\3\0\0\0"s, "is a GGUF file"},
        {"\n {\"model_type\": \"llama\"}", "is a JSON text"},
        {"<!doctype html><html>", "is an HTML or XML text"},
        {"hello world", "is a text file that begins \"hello world\""},
        {"\x01\x02\x03\x04"s, "is of no known format"},
    };
    for (const Case& sample : cases) {
        const Error error = refusal(write_file(folder / "x.h5", sample.bytes));
        INFO(error.what());
        CHECK(says(error, sample.words));
    }
}

TEST_CASE("A path that leads nowhere is refused") {
    const TemporaryFolder folder;
    CHECK(says(refusal(folder / "missing.h5"), "there is no such file"));
    std::filesystem::create_symlink("missing.h5", folder / "dangling.h5");
    CHECK(says(refusal(folder / "dangling.h5"), "there is no such file"));
    std::filesystem::create_symlink("loop.h5", folder / "loop.h5");
    CHECK(says(refusal(folder / "loop.h5"), "cannot be looked at"));
}

TEST_CASE("A pipe or device is refused without being opened, which could block for ever") {
    const TemporaryFolder folder;
    REQUIRE(::mkfifo((folder / "pipe.h5").c_str(), 0600) == 0);
    CHECK(says(refusal(folder / "pipe.h5"), "is a pipe, socket or device"));
    CHECK(says(refusal("/dev/zero"), "is a pipe, socket or device"));
}

TEST_CASE("A file without read permission is refused with the reason of the system") {
    const TemporaryFolder folder;
    Hdf5Writer(folder / "x.h5").add("w", {1}, {1.0});
    std::filesystem::permissions(folder.path(), std::filesystem::perms::all);
    std::filesystem::permissions(folder / "x.h5", std::filesystem::perms::none);
    CHECK(lipcert::test::unprivileged([&folder] {
              const Error error =
                  error_of([&folder] { (void)lipcert::open_checkpoint(folder / "x.h5"); });
              lipcert::test::require(says(error, "Permission denied"), error.what());
          }) == "");
}

TEST_CASE("A truncated HDF5 file is called truncated") {
    const TemporaryFolder folder;
    Hdf5Writer(folder / "x.h5").add("w", {1000}, std::vector<double>(1000, 1.0));
    const std::string bytes = lipcert::test::read_file(folder / "x.h5");
    write_file(folder / "x.h5", bytes.substr(0, bytes.size() - 100));
    CHECK(says(refusal(folder / "x.h5"), "the file ends too early: copy or download it again"));
}

TEST_CASE("The configuration in the file is found in every form of text") {
    using lipcert::test::TextForm;
    const TemporaryFolder folder;
    for (const TextForm form : {TextForm::variable,
                                TextForm::fixed,
                                TextForm::fixed_space_padded,
                                TextForm::one_element}) {
        Hdf5Writer(folder / "x.h5").text_attribute("/", "config", R"({"n_layer": 2})", form);
        CHECK(lipcert::open_checkpoint(folder / "x.h5")->embedded_configuration() ==
              R"({"n_layer": 2})");
    }
    Hdf5Writer(folder / "x.h5").add("w", {1}, {1.0});
    CHECK(!lipcert::open_checkpoint(folder / "x.h5")->embedded_configuration().has_value());
    // Too large for an object header: libhdf5 stores it apart.
    const std::string large = "{\"text\": \"" + std::string(100'000, 'x') + "\"}";
    Hdf5Writer(folder / "x.h5", true).text_attribute("/", "config", large, TextForm::fixed);
    CHECK(lipcert::open_checkpoint(folder / "x.h5")->embedded_configuration() == large);
}
