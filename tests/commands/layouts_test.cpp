#include "support/layouts.hpp"

#include "lipcert/checkpoint/checkpoint.hpp"
#include "lipcert/checkpoint/configuration.hpp"

#include <nlohmann/json.hpp>
#include <numeric>

#include "support/hdf5_writer.hpp"
#include "support/program.hpp"
#include "support/published_models.hpp"
#include "support/safetensors_writer.hpp"
#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>

using lipcert::Checkpoint;
using lipcert::test::Hdf5Writer;
using lipcert::test::make_model;
using lipcert::test::Outcome;
using lipcert::test::published_models;
using lipcert::test::PublishedModel;
using lipcert::test::Random;
using lipcert::test::run;
using lipcert::test::sample_model;
using lipcert::test::stories_checkpoint;
using lipcert::test::TemporaryFolder;
using lipcert::test::write_file;
using nlohmann::json;
using std::filesystem::path;

namespace {

/// The certificate without the file that it is about.
std::string certificate(const path& model, const path& configuration) {
    const Outcome outcome =
        run({"certify", model.string(), "--config", configuration.string(), "--json", "-"});
    INFO(model.string() << ": " << outcome.err);
    REQUIRE(outcome.exit_code == 0);
    json document = json::parse(outcome.out);
    CHECK(document.erase("model") == 1);
    return document.dump(1);
}

void check_layouts(const Checkpoint& source, const json& settings) {
    const TemporaryFolder folder;
    const path configuration = write_file(folder / "settings.json", settings.dump());
    std::string expected;
    for (const lipcert::test::Layout& layout : lipcert::test::lossless_layouts()) {
        const TemporaryFolder place;
        const path model = layout.write(source, place.path());
        if (model.empty()) {
            continue;  // nobody stores such a model so
        }
        CAPTURE(layout.name);
        const std::string found = certificate(model, configuration);
        CHECK((expected.empty() || found == expected));
        expected = expected.empty() ? found : expected;
    }
}

}  // namespace

TEST_CASE("one checkpoint has the same certificate in every layout that loses nothing") {
    for (const char* name :
         {"tiny_llama.h5", "tiny_gpt2.h5", "tiny_nanogpt.h5", "tiny_lipschitz_transformer.h5"}) {
        CAPTURE(name);
        const auto source = lipcert::open_checkpoint(sample_model(name));
        check_layouts(*source, lipcert::find_configuration(*source, std::nullopt).values);
    }
}

TEST_CASE("a published model has the same certificate in every layout that loses nothing") {
    Random random(95);
    for (const PublishedModel& model : published_models(random)) {
        CAPTURE(model.family);
        check_layouts(*make_model(model.tensors, model.configuration).checkpoint,
                      model.configuration);
    }
}

TEST_CASE("the real stories260K has the same certificate in every layout that loses nothing") {
    const path stories = stories_checkpoint();
    if (stories.empty()) {
        MESSAGE("stories260K.h5 is not beside the project");
        return;
    }
    const auto source = lipcert::open_checkpoint(stories);
    check_layouts(*source, lipcert::find_configuration(*source, std::nullopt).values);
}

TEST_CASE("names of TensorFlow are those of PyTorch, and kernels are turned") {
    const TemporaryFolder folder;
    Hdf5Writer(folder / "tf_model.h5")
        .add("bert/tf_bert_model/bert/encoder/layer_._10/attention/self/query/kernel:0",
             {4, 2, 3},
             [] {
                 std::vector<double> counted(24);
                 std::iota(counted.begin(), counted.end(), 0.0);
                 return counted;
             }())
        .add("bert/tf_bert_model/bert/encoder/layer_._10/attention/self/query/bias:0",
             {2, 3},
             {1, 2, 3, 4, 5, 6})
        .add("bert/tf_bert_model/bert/embeddings/LayerNorm/gamma:0", {3}, {1, 2, 3})
        .add("bert/tf_bert_model/bert/embeddings/LayerNorm/beta:0", {3}, {4, 5, 6})
        .add("bert/tf_bert_model/bert/embeddings/position_embeddings/embeddings:0",
             {1, 3},
             {7, 8, 9})
        .add("classifier/tf_bert_model/classifier/kernel:0", {2, 1}, {1, 2});
    const auto checkpoint = lipcert::open_checkpoint(folder / "tf_model.h5");
    CHECK(checkpoint->format() == "tf_model.h5");
    const auto read = [&](const char* name) {
        REQUIRE(checkpoint->find(name) != nullptr);
        return checkpoint->read(*checkpoint->find(name));
    };
    const lipcert::Matrix query = read("bert.encoder.layer.10.attention.self.query.weight");
    REQUIRE(query.rows() == 6);
    REQUIRE(query.cols() == 4);
    CHECK(query(5, 0) == 5.0);
    CHECK(query(0, 3) == 18.0);
    CHECK(read("bert.encoder.layer.10.attention.self.query.bias") ==
          lipcert::Matrix{{1}, {2}, {3}, {4}, {5}, {6}});
    CHECK(read("bert.embeddings.LayerNorm.bias") == lipcert::Matrix{{4}, {5}, {6}});
    CHECK(read("bert.embeddings.position_embeddings.weight") == lipcert::Matrix{{7, 8, 9}});
    CHECK(read("classifier.weight") == lipcert::Matrix{{1, 2}});
    CHECK(checkpoint->find("classifier.weight")->shape == std::vector<std::size_t>{1, 2});

    Hdf5Writer(folder / "twice.h5")
        .add("a/tf_a/x/kernel:0", {1, 1}, {1})
        .add("b/tf_b/x/kernel:0", {1, 1}, {1});
    CHECK(run({"norms", (folder / "twice.h5").string()}).exit_code == 2);
    Hdf5Writer(folder / "odd.h5").add("a/tf_a/x/kernel:0", {1, 1, 2, 2}, {1, 2, 3, 4});
    CHECK(run({"norms", (folder / "odd.h5").string()}).exit_code == 2);
}

TEST_CASE("a safetensors file that TensorFlow wrote is no model of a built-in family") {
    const auto source = lipcert::open_checkpoint(sample_model("tiny_llama.h5"));
    const TemporaryFolder folder;
    const path model = write_file(
        folder / "model.safetensors",
        lipcert::test::safetensors_bytes(lipcert::test::tensors_of(*source), {{"format", "tf"}}));
    write_file(folder / "config.json",
               lipcert::find_configuration(*source, std::nullopt).values.dump());
    const Outcome outcome = run({"certify", model.string()});
    CHECK(outcome.exit_code == 3);
    CHECK(outcome.err.find("__metadata__.format is \"tf\": its matrices may be stored [in, out]") !=
          std::string::npos);
    CHECK(run({"norms", model.string()}).exit_code == 0);
}

TEST_CASE("the configuration beside a safetensors file is found as it is for HDF5") {
    const auto source = lipcert::open_checkpoint(sample_model("tiny_llama.h5"));
    const std::string settings = lipcert::find_configuration(*source, std::nullopt).values.dump();
    for (const char* name : {"config.json", "weights.config.json"}) {
        const TemporaryFolder folder;
        const path model =
            write_file(folder / "weights.safetensors",
                       lipcert::test::safetensors_bytes(lipcert::test::tensors_of(*source)));
        CHECK(run({"certify", model.string()}).exit_code == 3);
        write_file(folder / name, settings);
        CHECK(run({"certify", model.string()}).exit_code == 0);
    }
}

TEST_CASE("cap stores the same numbers in a safetensors file as in HDF5") {
    const path original = sample_model("tiny_llama.h5");
    const auto source = lipcert::open_checkpoint(original);
    const TemporaryFolder folder;
    const path model =
        write_file(folder / "model.safetensors",
                   lipcert::test::safetensors_bytes(lipcert::test::tensors_of(*source)));
    write_file(folder / "config.json",
               lipcert::find_configuration(*source, std::nullopt).values.dump());
    const path capped = folder / "capped.safetensors";
    const path capped_hdf5 = folder / "capped.h5";
    for (const char* method : {"normalize", "hard-cap"}) {
        CAPTURE(method);
        const std::vector<std::string> how = {
            "--method", method, "--limit", "0.5", "--force", "-o"};
        const auto cap = [&](const path& from, const path& to) {
            std::vector<std::string> words = {"cap", from.string()};
            words.insert(words.end(), how.begin(), how.end());
            words.push_back(to.string());
            return run(words).exit_code;
        };
        REQUIRE(cap(model, capped) == 0);
        REQUIRE(cap(original, capped_hdf5) == 0);
        const auto one = lipcert::open_checkpoint(capped);
        const auto other = lipcert::open_checkpoint(capped_hdf5);
        for (const lipcert::TensorInfo& tensor : source->tensors()) {
            CAPTURE(tensor.name);
            CHECK(one->read(*one->find(tensor.name)) == other->read(*other->find(tensor.name)));
        }
        CHECK(run({"certify", capped.string()}).exit_code == 0);
    }
}

TEST_CASE("cap leaves shards alone and says what it edits") {
    const auto source = lipcert::open_checkpoint(sample_model("tiny_llama.h5"));
    const TemporaryFolder folder;
    write_file(folder / "one.safetensors",
               lipcert::test::safetensors_bytes(lipcert::test::tensors_of(*source)));
    nlohmann::json index;
    for (const lipcert::TensorInfo& tensor : source->tensors()) {
        index["weight_map"][tensor.name] = "one.safetensors";
    }
    const path model = write_file(folder / "model.safetensors.index.json", index.dump());
    const Outcome outcome =
        run({"cap", model.string(), "--matrices-only", "--limit", "1", "--in-place"});
    CHECK(outcome.exit_code == 2);
    CHECK(outcome.err.find("only single HDF5 and safetensors files are edited") !=
          std::string::npos);
    CHECK(run({"cap", model.string(), "--matrices-only", "--limit", "1", "--dry-run"}).exit_code ==
          0);
}

TEST_CASE("no report takes the place of a shard that an index or a folder leads to") {
    const auto source = lipcert::open_checkpoint(sample_model("tiny_llama.h5"));
    const TemporaryFolder folder;
    const std::string bytes = lipcert::test::safetensors_bytes(lipcert::test::tensors_of(*source));
    const path shard = write_file(folder / "one.safetensors", bytes);
    nlohmann::json index;
    for (const lipcert::TensorInfo& tensor : source->tensors()) {
        index["weight_map"][tensor.name] = "one.safetensors";
    }
    const path model = write_file(folder / "model.safetensors.index.json", index.dump());
    for (const path& named : {model, folder.path()}) {
        for (const char* flag : {"--html", "--csv"}) {
            CAPTURE(flag);
            CHECK(run({"certify", named.string(), flag, shard.string()}).exit_code == 4);
            CHECK(lipcert::test::read_file(shard) == bytes);
        }
    }
}
