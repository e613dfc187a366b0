#include "lipcert/checkpoint/checkpoint_edit.hpp"

#include <cstdlib>
#include <functional>
#include <map>
#include <set>

#include "support/hdf5_tree.hpp"
#include "support/hdf5_writer.hpp"
#include "support/new_values.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown.hpp"
#include <doctest/doctest.h>

using lipcert::Checkpoint;
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
using lipcert::test::hdf5_tree;
using lipcert::test::Hdf5Id;
using lipcert::test::Hdf5Writer;
using lipcert::test::new_values;
using lipcert::test::read_file;
using lipcert::test::says;
using lipcert::test::Storage;
using lipcert::test::TemporaryFolder;

namespace {

std::vector<double> old_values(std::size_t count) {
    std::vector<double> values(count);
    for (std::size_t i = 0; i < count; ++i) {
        values[i] = static_cast<double>(i % 97) - 40.0;
    }
    return values;
}

std::map<std::string, Storage> storages() {
    std::map<std::string, Storage> result;
    result["contiguous"] = Storage{};
    result["compact"].compact = true;
    result["chunked"] = Storage::chunked({5, 4});
    Storage gzip = Storage::chunked({7, 11});
    gzip.gzip = true;
    result["gzip"] = gzip;
    gzip.shuffle = gzip.fletcher32 = true;
    result["gzip_shuffle_fletcher32"] = gzip;
    Storage checksum = Storage::chunked({20, 11});
    checksum.fletcher32 = true;
    result["fletcher32"] = checksum;
    return result;
}

struct StoredType {
    std::function<Hdf5Id()> make;
    std::string stated;     ///< attribute dtype
    bool is_number = true;  ///< libhdf5 converts doubles to it
};

Hdf5Id copied(hid_t type) {
    return Hdf5Id(H5Tcopy(type));
}

std::map<std::string, StoredType> stored_types() {
    using namespace lipcert::test;
    return {{"f16", {half_type, "", true}},
            {"f16be", {[] { return big_endian(half_type()); }, "", true}},
            {"bf16", {bfloat16_type, "", true}},
            {"bf16be", {[] { return big_endian(bfloat16_type()); }, "", true}},
            {"bf16opaque", {[] { return opaque_type(2); }, "bfloat16", false}},
            {"bf16bare", {[] { return opaque_type(2); }, "", false}},
            {"bf16word", {[] { return copied(H5T_STD_U16LE); }, "bfloat16", false}},
            {"bf16wordbe", {[] { return copied(H5T_STD_I16BE); }, "bfloat16", false}},
            {"f32", {[] { return copied(H5T_IEEE_F32LE); }, "", true}},
            {"f32be", {[] { return copied(H5T_IEEE_F32BE); }, "", true}},
            {"f64", {[] { return copied(H5T_IEEE_F64LE); }, "", true}},
            {"f64be", {[] { return copied(H5T_IEEE_F64BE); }, "", true}}};
}

constexpr std::size_t kRows = 20;
constexpr std::size_t kColumns = 11;

/// Every type in every storage, and every kind of thing that an edit must leave alone. Returns the
/// names of the tensors that `new_values` changes.
std::set<std::string> write_everything(const std::filesystem::path& path, bool new_style) {
    std::set<std::string> changing;
    const std::vector<double> values = old_values(kRows * kColumns);
    const std::vector<std::uint16_t> patterns(kRows * kColumns, 0x4120);  // 10 as bfloat16
    Hdf5Writer writer(path, new_style);
    for (const auto& [type_name, type] : stored_types()) {
        for (const auto& [storage_name, storage] : storages()) {
            const std::string name = std::string("model/").append(type_name) + "/" + storage_name;
            if (type.is_number) {
                writer.add(name, {kRows, kColumns}, values, type.make(), storage);
            } else {
                writer.add_raw(name, {kRows, kColumns}, patterns.data(), type.make(), storage);
            }
            if (!type.stated.empty()) {
                writer.text_attribute(name, "dtype", type.stated);
            }
            changing.insert(name);
        }
    }
    Storage filtered = Storage::chunked({3, 11});
    filtered.gzip = filtered.shuffle = true;
    const std::vector<int> counts(12, 7);
    writer.add("model/vector", {9}, old_values(9))
        .add("model/scalar", {}, {3.5})
        .add("model/cube", {3, 4, 5}, old_values(60), H5T_IEEE_F32LE, Storage::chunked({2, 3, 2}))
        .add_extensible(
            "model/growing", {10, 3}, old_values(30), H5T_IEEE_F32LE, Storage::chunked({4, 2}))
        .add("kept/weight", {kRows, kColumns}, values, H5T_IEEE_F32LE, filtered)
        .add("kept/plain", {kRows, kColumns}, values)
        .add_raw("kept/counts", {12}, counts.data(), H5T_NATIVE_INT)
        .add_raw("kept/unwritten", {5}, nullptr, H5T_IEEE_F32LE)
        .add_raw("kept/unwritten_chunks", {5}, nullptr, H5T_IEEE_F32LE, Storage::chunked({2}))
        .add_null("kept/nothing")
        .group("kept/empty/group")
        .named_type("kept/a type")
        .hard_link("kept/plain", "kept/alias")
        .text_attribute("/", "config", R"({"n_layer": 2})")
        .text_attribute("kept/weight", "note", "of variable length")
        .text_attribute("model/cube", "note", "stays", lipcert::test::TextForm::fixed)
        .integer_attribute("model/cube", "number");
    for (const char* name : {"model/vector", "model/scalar", "model/cube", "model/growing"}) {
        changing.insert(name);
    }
    return changing;
}

/// How many tensors of a file do not hold the given values, or any values at all.
std::size_t wrong_tensors(const std::filesystem::path& path,
                          const std::map<std::string, StoredValues>& values) {
    const auto checkpoint = open_checkpoint(path);
    std::size_t wrong = 0;
    for (const auto& [name, stored] : values) {
        const Matrix found = checkpoint->read(*checkpoint->find(name));
        wrong += found == stored.values() ? 0U : 1U;
    }
    return wrong;
}

EditTarget to(const std::filesystem::path& output) {
    EditTarget target;
    target.output = output;
    return target;
}

}  // namespace

TEST_CASE("Every type in every storage is rewritten exactly, and nothing else changes") {
    for (const bool new_style : {false, true}) {
        CAPTURE(new_style);
        const TemporaryFolder folder;
        const std::set<std::string> changing = write_everything(folder / "old.h5", new_style);
        const std::string old_bytes = read_file(folder / "old.h5");
        const auto values = new_values(*open_checkpoint(folder / "old.h5"));
        CHECK(values.size() == changing.size());
        CHECK(wrong_tensors(folder / "old.h5", values) == changing.size());
        (void)edit_with_new_values(folder / "old.h5", to(folder / "new.h5"));
        CHECK(read_file(folder / "old.h5") == old_bytes);
        CHECK(wrong_tensors(folder / "new.h5", values) == 0);
        CHECK(hdf5_tree(folder / "new.h5", changing) == hdf5_tree(folder / "old.h5", changing));
        CHECK(hdf5_tree(folder / "new.h5") != hdf5_tree(folder / "old.h5"));
        // In place the same, but for the time of the change that HDF5 notes for compact datasets.
        (void)edit_with_new_values(folder / "old.h5", {});
        CHECK(hdf5_tree(folder / "new.h5") == hdf5_tree(folder / "old.h5"));
        // A second time nothing is left to change.
        const std::string new_bytes = read_file(folder / "old.h5");
        (void)edit_with_new_values(folder / "old.h5", {});
        CHECK(read_file(folder / "old.h5") == new_bytes);
    }
}

TEST_CASE("h5diff finds no difference but the rewritten values") {
    if (std::system("h5diff --version > /dev/null 2>&1") != 0) {
        MESSAGE("skipped: there is no h5diff (Debian package hdf5-tools)");
        return;
    }
    const TemporaryFolder folder;
    write_everything(folder / "old.h5", false);
    (void)edit_with_new_values(folder / "old.h5", to(folder / "new.h5"));
    const auto h5diff = [&folder](const std::string& options) {
        return std::system(("h5diff " + options + " " + (folder / "old.h5").string() + " " +
                            (folder / "new.h5").string() + " > " + (folder / "log").string() +
                            " 2>&1")
                               .c_str());
    };
    CHECK(h5diff("--exclude-path /model") == 0);
    CHECK(h5diff("") != 0);
}

TEST_CASE("An edit without changes makes the same file again, bit for bit") {
    const TemporaryFolder folder;
    write_everything(folder / "old.h5", true);
    const auto source = open_checkpoint(folder / "old.h5");
    CheckpointEdit edit(*source, to(folder / "new.h5"));
    for (const lipcert::TensorInfo& tensor : source->tensors()) {
        if (tensor.name.starts_with("model.f")) {
            edit.write(tensor.name, StoredValues::rounded(tensor.type, source->read(tensor)));
        }
    }
    (void)edit.check();
    const lipcert::EditResult result = edit.commit();
    CHECK(result.old_sha256 == result.new_sha256);
    CHECK(read_file(folder / "new.h5") == read_file(folder / "old.h5"));
}

TEST_CASE("A user block in front of the file stays, and offsets count from behind it") {
    const TemporaryFolder folder;
    write_everything(folder / "plain.h5", false);
    std::string bytes(1024, 'u');
    bytes += read_file(folder / "plain.h5");
    lipcert::test::write_file(folder / "old.h5", bytes);
    const auto values = new_values(*open_checkpoint(folder / "old.h5"));
    (void)edit_with_new_values(folder / "old.h5", to(folder / "new.h5"));
    CHECK(wrong_tensors(folder / "new.h5", values) == 0);
    CHECK(read_file(folder / "new.h5").substr(0, 1024) == std::string(1024, 'u'));
}

TEST_CASE("What is checked can be changed and checked again; an unchecked edit is not committed") {
    const TemporaryFolder folder;
    Hdf5Writer(folder / "x.h5").add("w", {2, 2}, {1, 2, 3, 4});
    const auto source = open_checkpoint(folder / "x.h5");
    CheckpointEdit edit(*source, {});
    CHECK(error_of([&] { (void)edit.commit(); }).kind() == ErrorKind::internal);
    const auto constant = [](double value) {
        return StoredValues::rounded(DataType::float32, Matrix::Constant(2, 2, value));
    };
    edit.write("w", constant(7.0));
    const Checkpoint& seven = edit.check();
    CHECK(seven.read(*seven.find("w")) == Matrix::Constant(2, 2, 7.0));
    edit.write("w", constant(8.0));
    CHECK(error_of([&] { (void)edit.commit(); }).kind() == ErrorKind::internal);
    const Checkpoint& eight = edit.check();
    CHECK(eight.read(*eight.find("w")) == Matrix::Constant(2, 2, 8.0));
    (void)edit.commit();
    const auto changed = open_checkpoint(folder / "x.h5");
    CHECK(changed->read(*changed->find("w")) == Matrix::Constant(2, 2, 8.0));
    // The source, opened before, still shows what it showed.
    CHECK(source->read(*source->find("w"))(1, 1) == 4.0);
}

TEST_CASE("Tied weights change together or not at all") {
    const TemporaryFolder folder;
    Hdf5Writer(folder / "x.h5").add("embed", {2, 1}, {1.0, 2.0}).hard_link("embed", "head");
    const auto source = open_checkpoint(folder / "x.h5");
    const auto constant = [](double value) {
        return StoredValues::rounded(DataType::float32, Matrix::Constant(2, 1, value));
    };
    {
        CheckpointEdit edit(*source, {});
        edit.write("embed", constant(5.0));
        const Error one = error_of([&] { (void)edit.check(); });
        CHECK(one.kind() == ErrorKind::usage);
        CHECK(one.where() == (folder / "x.h5").string() + ": head");
        CHECK(says(one, "is the same dataset as another tensor that changes"));
        const Error other = error_of([&] { edit.write("head", constant(6.0)); });
        CHECK(other.kind() == ErrorKind::usage);
        CHECK(says(other, "is the same dataset as embed"));
    }
    CheckpointEdit edit(*source, {});
    edit.write("embed", constant(5.0));
    edit.write("head", constant(5.0));
    (void)edit.check();
    (void)edit.commit();
    const auto changed = open_checkpoint(folder / "x.h5");
    CHECK(changed->read(*changed->find("head")) == Matrix::Constant(2, 1, 5.0));
}

TEST_CASE("What does not fit a tensor, or cannot be read, is not written") {
    const TemporaryFolder folder;
    Storage lzf = Storage::chunked({2});
    lzf.optional_filters = {32000};
    Hdf5Writer(folder / "x.h5")
        .add("lzf", {4}, {1, 2, 3, 4}, H5T_IEEE_F32LE, lzf)
        .add("w", {2, 2}, {1, 2, 3, 4});
    const auto source = open_checkpoint(folder / "x.h5");
    CheckpointEdit edit(*source, to(folder / "y.h5"));
    const auto write = [&edit](const char* name, DataType type, Eigen::Index rows) {
        return error_of(
            [&] { edit.write(name, StoredValues::rounded(type, Matrix::Zero(rows, 4 / rows))); });
    };
    CHECK(write("v", DataType::float32, 2).kind() == ErrorKind::internal);
    CHECK(write("w", DataType::float16, 2).kind() == ErrorKind::internal);
    CHECK(write("w", DataType::float32, 4).kind() == ErrorKind::internal);
    CHECK(says(write("lzf", DataType::float32, 4), "lzf"));
}

TEST_CASE("Many attributes beside the object header are compared, unless their length varies") {
    const TemporaryFolder folder;
    {
        Hdf5Writer writer(folder / "x.h5", true);
        writer.add("w", {2}, {1.0, 2.0});
        for (int i = 0; i < 20; ++i) {
            const std::string name = "a" + std::to_string(i);
            writer.integer_attribute("w", name);
            writer.text_attribute("w", name + "t", "text", lipcert::test::TextForm::fixed);
        }
    }
    (void)edit_with_new_values(folder / "x.h5", to(folder / "y.h5"));
    CHECK(hdf5_tree(folder / "x.h5", {"w"}) == hdf5_tree(folder / "y.h5", {"w"}));
    {
        Hdf5Writer writer(folder / "x.h5", true);
        writer.add("w", {2}, {1.0, 2.0});
        for (int i = 0; i < 20; ++i) {
            writer.text_attribute("w", "a" + std::to_string(i), "text");
        }
    }
    const auto source = open_checkpoint(folder / "x.h5");
    CHECK(says(error_of([&] { const CheckpointEdit edit(*source, to(folder / "z.h5")); }),
               "cannot be shown"));
}
