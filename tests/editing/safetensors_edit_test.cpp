#include "lipcert/checkpoint/checkpoint_edit.hpp"

#include <fstream>

#include "support/new_values.hpp"
#include "support/safetensors_writer.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown.hpp"
#include <doctest/doctest.h>

using lipcert::CheckpointEdit;
using lipcert::DataType;
using lipcert::EditTarget;
using lipcert::Error;
using lipcert::ErrorKind;
using lipcert::Matrix;
using lipcert::open_checkpoint;
using lipcert::StoredValues;
using lipcert::test::edit_with_new_values;
using lipcert::test::error_of;
using lipcert::test::new_values;
using lipcert::test::RawTensor;
using lipcert::test::read_file;
using lipcert::test::safetensors_bytes;
using lipcert::test::says;
using lipcert::test::TemporaryFolder;
using lipcert::test::write_file;

namespace {

/// Zeros of every type that is read, and of one that is not, in an order that is not that of the
/// names.
std::vector<RawTensor> tensors() {
    return {{"z.weight", "F32", {3, 5}, std::string(60, '\0')},
            {"counts", "I64", {2}, std::string(16, '\1')},
            {"a.weight", "F16", {4, 2}, std::string(16, '\0')},
            {"m.weight", "BF16", {7}, std::string(14, '\0')},
            {"empty", "F32", {0, 4}, ""},
            {"d.weight", "F64", {2, 2, 2}, std::string(64, '\0')}};
}

}  // namespace

TEST_CASE("an edit of a safetensors file changes the elements that it names and no other byte") {
    const TemporaryFolder folder;
    const std::string before = safetensors_bytes(tensors(), {{"format", "pt"}, {"note", "kept"}});
    const auto path = write_file(folder / "m.safetensors", before);
    EditTarget target;
    target.output = folder / "out.safetensors";
    (void)edit_with_new_values(path, target);
    CHECK(read_file(path) == before);
    const std::string after = read_file(*target.output);
    REQUIRE(after.size() == before.size());
    const auto source = open_checkpoint(path);
    const auto copy = open_checkpoint(*target.output);
    for (const auto& entry : new_values(*source)) {
        CAPTURE(entry.first);
        CHECK(copy->read(*copy->find(entry.first)) == entry.second.values());
    }
    // The header and the integers; the elements between them are those that were written.
    const std::size_t header = before.find("}}") + 2;
    CHECK(after.substr(0, header) == before.substr(0, header));
    CHECK(after.find(std::string(16, '\1')) == before.find(std::string(16, '\1')));
    // Written back: every byte as before.
    EditTarget in_place;
    const auto edited = open_checkpoint(*target.output);
    CheckpointEdit edit(*edited, in_place);
    for (const auto& tensor : source->tensors()) {
        if (tensor.type != DataType::unsupported) {
            edit.write(tensor.name, StoredValues::rounded(tensor.type, source->read(tensor)));
        }
    }
    (void)edit.check();
    (void)edit.commit();
    CHECK(read_file(*target.output) == before);
}

TEST_CASE("an edit of a safetensors file that is left alone, or not committed, changes nothing") {
    const TemporaryFolder folder;
    const std::string before = safetensors_bytes(tensors());
    const auto path = write_file(folder / "m.safetensors", before);
    const auto source = open_checkpoint(path);
    {
        CheckpointEdit edit(*source, {});
        edit.write("z.weight", StoredValues::rounded(DataType::float32, Matrix::Ones(3, 5)));
        (void)edit.check();
    }
    CHECK(read_file(path) == before);
    CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
    CheckpointEdit edit(*source, {});
    CHECK_THROWS_AS(
        edit.write("z.weight", StoredValues::rounded(DataType::float16, Matrix::Ones(3, 5))),
        Error);
    CHECK_THROWS_AS(
        edit.write("none", StoredValues::rounded(DataType::float32, Matrix::Ones(3, 5))), Error);
}

TEST_CASE("a copy that differs outside the tensors that were written is not put in place") {
    const TemporaryFolder folder;
    const std::string before = safetensors_bytes(tensors());
    const auto path = write_file(folder / "m.safetensors", before);
    const std::size_t integers = before.find(std::string(16, '\1'));
    const auto source = open_checkpoint(path);
    CheckpointEdit edit(*source, {});
    edit.write("z.weight", StoredValues::rounded(DataType::float32, Matrix::Ones(3, 5)));
    // A byte of a tensor beside it flips, as a bad disk would have it.
    for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
        if (std::filesystem::file_size(entry.path()) == before.size() && entry.path() != path) {
            std::fstream copy(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
            copy.seekp(static_cast<std::streamoff>(integers));
            copy.put('\2');
        }
    }
    const Error error = error_of([&] { (void)edit.check(); });
    CHECK(error.kind() == ErrorKind::input);
    CHECK(says(error, "differs from its source"));
    CHECK_THROWS_AS(edit.commit(), Error);
    CHECK(read_file(path) == before);
}
