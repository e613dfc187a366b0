#include "lipcert/checkpoint/checkpoint.hpp"
#include "lipcert/checkpoint/configuration.hpp"

#include <nlohmann/json.hpp>

#include "support/hdf5_writer.hpp"
#include "support/safetensors_writer.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown.hpp"
#include <doctest/doctest.h>

using lipcert::Error;
using lipcert::Matrix;
using lipcert::open_checkpoint;
using lipcert::test::error_of;
using lipcert::test::Hdf5Writer;
using lipcert::test::safetensors_bytes;
using lipcert::test::says;
using lipcert::test::TemporaryFolder;
using lipcert::test::write_file;
using nlohmann::json;
using namespace std::string_literals;
using std::filesystem::path;

namespace {

/// A safetensors file of F32 zeros with these names, 1 x 1 each.
path shard(const path& file, const std::vector<std::string>& names) {
    std::vector<lipcert::test::RawTensor> tensors;
    for (const std::string& name : names) {
        tensors.push_back({name, "F32", {1, 1}, "\0\0\x80\x3F"s});
    }
    return write_file(file, safetensors_bytes(tensors));
}

path index(const TemporaryFolder& folder, const json& weight_map) {
    return write_file(folder / "model.safetensors.index.json",
                      json{{"metadata", {{"total_size", 8}}}, {"weight_map", weight_map}}.dump());
}

Error refusal(const path& model) {
    Error error = error_of([&] { (void)open_checkpoint(model); });
    CHECK(error.kind() == lipcert::ErrorKind::input);
    return error;
}

}  // namespace

TEST_CASE("an index makes one checkpoint of its shards, and a folder stands for its index") {
    const TemporaryFolder folder;
    shard(folder / "model-00001-of-00002.safetensors", {"a.weight", "c.weight"});
    shard(folder / "model-00002-of-00002.safetensors", {"b.weight"});
    const path file = index(folder,
                            {{"a.weight", "model-00001-of-00002.safetensors"},
                             {"b.weight", "model-00002-of-00002.safetensors"},
                             {"c.weight", "model-00001-of-00002.safetensors"}});
    write_file(folder / "config.json", R"({"n_layer": 2})");
    for (const path& model : {file, folder.path()}) {
        const auto checkpoint = open_checkpoint(model);
        CHECK(checkpoint->format() == "safetensors shards");
        CHECK(checkpoint->path() == file.string());
        REQUIRE(checkpoint->tensors().size() == 3);
        CHECK(checkpoint->tensors()[1].name == "b.weight");
        CHECK(checkpoint->read(*checkpoint->find("b.weight")) == Matrix{{1.0}});
        CHECK(checkpoint->read(*checkpoint->find("c.weight")) == Matrix{{1.0}});
        CHECK(checkpoint->files() ==
              std::vector<std::string>{file.string(),
                                       (folder / "model-00001-of-00002.safetensors").string(),
                                       (folder / "model-00002-of-00002.safetensors").string()});
        CHECK(lipcert::find_configuration(*checkpoint, std::nullopt).values["n_layer"] == 2);
    }
}

TEST_CASE("shards may be HDF5, with their configuration, under paths or dotted names") {
    const TemporaryFolder folder;
    Hdf5Writer(folder / "one.h5")
        .add("a/weight", {1, 1}, {1.0})
        .text_attribute("/", "config", R"({"n_layer": 3})");
    Hdf5Writer(folder / "two.h5").add("b.weight", {1, 1}, {2.0});
    const path file =
        write_file(folder / "model.h5.index.json",
                   R"({"weight_map": {"/a/weight": "one.h5", "b.weight": "two.h5"}})");
    {
        const auto checkpoint = open_checkpoint(folder.path());
        CHECK(checkpoint->path() == file.string());
        CHECK(checkpoint->format() == "hdf5 shards");
        CHECK(checkpoint->embedded_configuration() == R"({"n_layer": 3})");
        CHECK(checkpoint->read(*checkpoint->find("b.weight")) == Matrix{{2.0}});
    }
    Hdf5Writer(folder / "two.h5")
        .add("b.weight", {1, 1}, {2.0})
        .text_attribute("/", "config", R"({"n_layer": 4})");
    CHECK(says(refusal(file), "carries another configuration"));
}

TEST_CASE("an index cannot lead out of its folder") {
    const TemporaryFolder folder;
    shard(folder / "x.safetensors", {"a"});
    for (const char* name : {"../x.safetensors",
                             "/etc/passwd",
                             "sub/x.safetensors",
                             "..",
                             ".",
                             "",
                             "a\\b",
                             "x.safetensors\n"}) {
        CHECK(says(refusal(index(folder, {{"a", name}})), "not the plain name of a file"));
    }
    std::filesystem::create_directory(folder / "sub");
    CHECK(says(refusal(index(folder, {{"a", "sub"}})), "is a folder"));
}

TEST_CASE("index and shards must agree on every tensor") {
    const TemporaryFolder folder;
    shard(folder / "1.safetensors", {"a", "b"});
    shard(folder / "2.safetensors", {"c"});
    shard(folder / "3.safetensors", {"b"});
    const auto with = [&](const json& map) { return refusal(index(folder, map)); };
    CHECK(says(with({{"a", "1.safetensors"}, {"b", "1.safetensors"}, {"c", "4.safetensors"}}),
               "there is no such file"));
    CHECK(says(with({{"a", "1.safetensors"}, {"b", "1.safetensors"}, {"d", "2.safetensors"}}),
               "is not in 2.safetensors"));
    CHECK(says(with({{"a", "1.safetensors"}, {"c", "2.safetensors"}}), "not in the index"));
    CHECK(says(with({{"a", "1.safetensors"}, {"b", "2.safetensors"}, {"c", "2.safetensors"}}),
               "lies in 1.safetensors, not in 2.safetensors"));
    CHECK(says(with({{"a", "1.safetensors"}, {"b", "3.safetensors"}}), "lies in two shards"));
    write_file(folder / "3.safetensors", R"({"weight_map": {"x": "3.safetensors"}})");
    CHECK(says(with({{"b", "3.safetensors"}}), "is a JSON text"));
}

TEST_CASE("an index of another form is refused") {
    const TemporaryFolder folder;
    for (const char* text : {R"({"weight_map": {}})", R"({"weight_map": ["x"]})", R"({"x": 1})"}) {
        CHECK(says(refusal(write_file(folder / "m.safetensors.index.json", text)),
                   "is no index of shards"));
    }
    CHECK(says(refusal(write_file(folder / "m.safetensors.index.json",
                                  R"({"weight_map": {"a": "x", "a": "y"}})")),
               "has the key 'a' twice"));
    CHECK(says(refusal(write_file(folder / "m.safetensors.index.json",
                                  R"({"weight_map": {"a": {"b": 1}}})")),
               "has no file name in the index"));
    json many = json::object();
    for (int i = 0; i < 1001; ++i) {
        many[std::to_string(i)] = std::to_string(i) + ".safetensors";
    }
    CHECK(says(refusal(index(folder, many)), "names more than 1000 files"));
}

TEST_CASE("a quantised tensor in one shard speaks for all") {
    const TemporaryFolder folder;
    shard(folder / "1.safetensors", {"a.weight"});
    shard(folder / "2.safetensors", {"a.weight_scale"});
    const auto checkpoint = open_checkpoint(
        index(folder, {{"a.weight", "1.safetensors"}, {"a.weight_scale", "2.safetensors"}}));
    CHECK(says(error_of([&] { (void)checkpoint->read(*checkpoint->find("a.weight")); }),
               "belongs to a quantised export"));
}

TEST_CASE("a folder stands for its only checkpoint; several are a question") {
    const TemporaryFolder folder;
    CHECK(says(refusal(folder.path()), "is a folder without a checkpoint"));
    shard(folder / "model.safetensors", {"a"});
    write_file(folder / "config.json", "{}");
    write_file(folder / "pytorch_model.bin.index.json", "{}");
    CHECK(open_checkpoint(folder.path())->path() == (folder / "model.safetensors").string());
    Hdf5Writer(folder / "tf_model.h5").add("a", {1}, {1.0});
    const Error error = refusal(folder.path());
    CHECK(says(error, "several checkpoints (model.safetensors, tf_model.h5): name the one"));
    std::filesystem::remove(folder / "tf_model.h5");
    index(folder, {{"b", "shard.safetensors"}});
    shard(folder / "shard.safetensors", {"b"});
    CHECK(says(refusal(folder.path()),
               "several checkpoints (model.safetensors.index.json, model.safetensors)"));
    std::filesystem::remove(folder / "model.safetensors");
    CHECK(open_checkpoint(folder.path())->tensors().front().name == "b");
}
