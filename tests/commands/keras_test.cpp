#include "lipcert/checkpoint/checkpoint.hpp"
#include "lipcert/checkpoint/configuration.hpp"

#include <array>
#include <nlohmann/json.hpp>
#include <string>

#include "checkpoint/keras_names.hpp"
#include "support/hdf5_writer.hpp"
#include "support/keras_models.hpp"
#include "support/program.hpp"
#include "support/random.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown.hpp"
#include <doctest/doctest.h>

using lipcert::keras_name;
using lipcert::Matrix;
using lipcert::open_checkpoint;
using lipcert::TensorInfo;
using lipcert::test::error_of;
using lipcert::test::Hdf5Writer;
using lipcert::test::Outcome;
using lipcert::test::read_file;
using lipcert::test::run;
using lipcert::test::sample_model;
using lipcert::test::says;
using lipcert::test::TemporaryFolder;
using lipcert::test::TextForm;
using lipcert::test::write_file;
using lipcert::test::write_keras_gpt2;
using lipcert::test::write_keras_llama;
using lipcert::test::write_keras_mistral;
using lipcert::test::write_keras_shards;
using lipcert::test::write_zip;
using nlohmann::json;
using std::filesystem::path;

namespace {

json settings_of(const lipcert::Checkpoint& model) {
    return lipcert::find_configuration(model, std::nullopt).values;
}

/// What a certificate says of the whole network.
json bounds_of(const path& model, const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"certify", model.string(), "--json", "-"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome outcome = run(arguments);
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 0);
    return json::parse(outcome.out).at("bounds");
}

/// tiny_llama.h5 as KerasHub stores its backbone.
struct KerasLlama {
    TemporaryFolder folder;
    path weights = folder / "model.weights.h5";
    json configuration;
    json bounds = bounds_of(sample_model("tiny_llama.h5"));

    KerasLlama() {
        const auto model = open_checkpoint(sample_model("tiny_llama.h5"));
        configuration = write_keras_llama(*model, settings_of(*model), weights);
    }

    /// What the program says of these members as model.keras.
    [[nodiscard]] std::string refusal_of(
        const std::vector<std::pair<std::string, std::string>>& members) const {
        const Outcome outcome = run({"certify", write_zip(folder / "odd.keras", members).string()});
        CHECK(outcome.exit_code == 2);
        return outcome.err;
    }
};

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("names of Keras get layer numbers and lose leading underscores") {
    CHECK(keras_name("layers.decoder._attention._query_dense.vars.0") ==
          "layers.decoder.0.attention.query_dense.vars.0");
    CHECK(keras_name("layers.decoder_10.norm.vars.1") == "layers.decoder.10.norm.vars.1");
    CHECK(keras_name("layers.b_1.layers.c.vars.0") == "layers.b.1.layers.c.0.vars.0");
    CHECK(keras_name("vars.0") == "vars.0");
    CHECK(keras_name("optimizer.vars.12") == "optimizer.vars.12");
    CHECK(keras_name("layers._3.vars.0") == "layers.3.0.vars.0");
}

TEST_CASE("a Llama as KerasHub stores it has the bounds of the same Llama from PyTorch") {
    const auto model = open_checkpoint(sample_model("tiny_llama.h5"));
    for (const std::string front : {"layers/", "layers/llama_backbone/layers/"}) {
        const TemporaryFolder folder;
        const json configuration =
            write_keras_llama(*model, settings_of(*model), folder / "model.weights.h5", front);
        write_file(folder / "config.json", configuration.dump());
        CHECK(bounds_of(folder.path()) == bounds_of(sample_model("tiny_llama.h5")));
    }
}

TEST_CASE("a Mistral as KerasHub stores it has the bounds of the same Mistral from PyTorch") {
    const auto model = open_checkpoint(sample_model("tiny_llama.h5"));
    const TemporaryFolder folder;
    const json configuration =
        write_keras_mistral(*model, settings_of(*model), folder / "model.weights.h5");
    write_file(folder / "config.json", configuration.dump());
    CHECK(bounds_of(folder.path()) ==
          bounds_of(sample_model("tiny_llama.h5"), {"--set", "model_type=mistral"}));
}

TEST_CASE("what Keras stores is certified alike in each of its files") {
    const KerasLlama llama;
    const path configuration =
        write_file(llama.folder / "settings.json", llama.configuration.dump());
    const TemporaryFolder shards;
    const std::vector<std::pair<std::string, std::string>> members = {
        {"config.json", llama.configuration.dump()},
        {"model.weights.h5", read_file(llama.weights)}};
    std::string expected;
    for (const path& model : {llama.weights,
                              write_keras_shards(llama.weights, shards.path()),
                              write_zip(llama.folder / "stored.keras", members),
                              write_zip(llama.folder / "deflated.keras", members, true)}) {
        CAPTURE(model);
        json certificate = json::parse(
            run({"certify", model.string(), "--config", configuration.string(), "--json", "-"})
                .out);
        CHECK(certificate.erase("model") == 1);
        CHECK((expected.empty() || certificate.dump() == expected));
        expected = certificate.dump();
    }
}

TEST_CASE("a described model is certified alike in a file of Keras 2 and in flat HDF5") {
    const TemporaryFolder folder;
    const path family = write_file(folder / "family.json", R"json({
        "family": "dense", "layout": "in_out",
        "model": [{"embedding": "embedding.0.embeddings"},
                  {"repeat": 1, "index": "i", "body": [
                      {"residual": [{"mlp": {
                          "in": {"weight": "dense.0.kernel", "bias": "dense.0.bias"},
                          "out": {"weight": "dense.1.kernel", "bias": "dense.1.bias"},
                          "activation": "relu"}}]}]}]})json");
    lipcert::test::Random random(96);
    const auto write = [&random, &folder](const char* file, const std::vector<std::string>& names) {
        random = lipcert::test::Random(97);
        Hdf5Writer writer(folder / file);
        const std::vector<std::vector<hsize_t>> shapes = {{5, 4}, {4, 6}, {6}, {6, 4}, {4}};
        for (std::size_t i = 0; i < names.size(); ++i) {
            const auto count = shapes[i][0] * (shapes[i].size() == 2 ? shapes[i][1] : 1);
            const lipcert::Vector values = random.gaussian_vector(static_cast<Eigen::Index>(count));
            writer.add(names[i], shapes[i], {values.data(), values.data() + values.size()});
        }
    };
    write("flat.h5",
          {"embedding.0.embeddings",
           "dense.0.kernel",
           "dense.0.bias",
           "dense.1.kernel",
           "dense.1.bias"});
    write("keras.h5",
          {"model_weights/embedding/embedding/embeddings:0",
           "model_weights/dense/dense/kernel:0",
           "model_weights/dense/dense/bias:0",
           "model_weights/dense_1/dense_1/kernel:0",
           "model_weights/dense_1/dense_1/bias:0"});
    const auto certificate = [&](const char* file) {
        const Outcome outcome = run({"certify",
                                     (folder / file).string(),
                                     "--architecture",
                                     family.string(),
                                     "--json",
                                     "-"});
        INFO(outcome.err);
        REQUIRE(outcome.exit_code == 0);
        json document = json::parse(outcome.out);
        CHECK(document.erase("model") == 1);
        return document.dump();
    };
    CHECK(open_checkpoint(folder / "keras.h5")->format() == "keras h5");
    CHECK(certificate("keras.h5") == certificate("flat.h5"));
}

TEST_CASE("the real stories260K has its bounds in every file of Keras") {
    const path stories = lipcert::test::stories_checkpoint();
    if (stories.empty()) {
        MESSAGE("stories260K.h5 is not beside the project");
        return;
    }
    const auto model = open_checkpoint(stories);
    const TemporaryFolder folder;
    const json configuration =
        write_keras_llama(*model, settings_of(*model), folder / "model.weights.h5");
    write_file(folder / "config.json", configuration.dump());
    const json expected = bounds_of(stories);
    CHECK(bounds_of(folder / "model.weights.h5") == expected);
    CHECK(bounds_of(write_zip(folder / "model.keras",
                              {{"config.json", configuration.dump()},
                               {"model.weights.h5", read_file(folder / "model.weights.h5")}},
                              true)) == expected);
    const TemporaryFolder shards;
    write_file(shards / "config.json", configuration.dump());
    CHECK(bounds_of(write_keras_shards(folder / "model.weights.h5", shards.path())) == expected);
}

TEST_CASE("a GPT-2 as KerasHub stores it has the bounds of the same GPT-2 from PyTorch") {
    const auto model = open_checkpoint(sample_model("tiny_gpt2.h5"));
    json settings = settings_of(*model);
    // What the class of KerasHub fixes.
    settings["layer_norm_epsilon"] = 1e-5;
    settings["activation_function"] = "gelu_new";
    const TemporaryFolder folder;
    write_file(folder / "config.json",
               write_keras_gpt2(*model, settings, folder / "model.weights.h5").dump());
    // Its head is the table of embeddings; that of the sample is not.
    settings["tie_word_embeddings"] = true;
    {
        Hdf5Writer tied(folder / "tied.h5");
        for (const TensorInfo& tensor : model->tensors()) {
            const Matrix values = model->read(tensor);
            if (tensor.name != "lm_head.weight") {
                tied.add(tensor.name,
                         {tensor.shape.begin(), tensor.shape.end()},
                         {values.data(), values.data() + values.size()},
                         H5T_IEEE_F64LE);
            }
        }
    }
    const path other = write_file(folder / "hf.json", settings.dump());
    CHECK(bounds_of(folder / "model.weights.h5") ==
          bounds_of(folder / "tied.h5", {"--config", other.string()}));
}

TEST_CASE("a .keras archive is read with its own configuration, stored or deflated") {
    const KerasLlama llama;
    for (const bool deflated : {false, true}) {
        const TemporaryFolder folder;
        const path archive = write_zip(folder / "model.keras",
                                       {{"metadata.json", R"({"keras_version": "3.4.1"})"},
                                        {"config.json", llama.configuration.dump()},
                                        {"model.weights.h5", read_file(llama.weights)}},
                                       deflated);
        CHECK(bounds_of(archive) == llama.bounds);
        CHECK(bounds_of(folder.path()) == llama.bounds);
        const auto checkpoint = open_checkpoint(archive);
        CHECK(checkpoint->format() == "keras archive");
        CHECK(checkpoint->path() == archive.string());
        CHECK(checkpoint->files() == std::vector<std::string>{archive.string()});
        CHECK(lipcert::find_configuration(*checkpoint, std::nullopt).source ==
              "config.json in the archive");
        // The hash is that of the archive, and inspect says where a value comes from.
        const json found =
            json::parse(run({"inspect", archive.string(), "--json", "-"}).out).at("parameters");
        CHECK(contains(found.at("heads").at("source"), "config.json in the archive"));
    }
}

TEST_CASE("a task around a backbone keeps its settings one level deeper") {
    const auto model = open_checkpoint(sample_model("tiny_llama.h5"));
    const TemporaryFolder folder;
    const json backbone = write_keras_llama(
        *model, settings_of(*model), folder / "model.weights.h5", "layers/llama_backbone/layers/");
    const json task = {{"class_name", "LlamaCausalLM"}, {"config", {{"backbone", backbone}}}};
    CHECK(bounds_of(write_zip(folder / "task.keras",
                              {{"config.json", task.dump()},
                               {"model.weights.h5", read_file(folder / "model.weights.h5")}})) ==
          bounds_of(sample_model("tiny_llama.h5")));
}

TEST_CASE("an archive that is no plain Keras model is refused with its reason") {
    const KerasLlama llama;
    const std::string weights = read_file(llama.weights);
    CHECK(contains(llama.refusal_of({{"model.weights.json", "{}"}}), "archive of shards"));
    CHECK(contains(llama.refusal_of({{"model.weights.npz", "x"}}), "whose arrays are pickles"));
    CHECK(contains(llama.refusal_of({{"assets/model.weights.h5", weights}}),
                   "without a model.weights.h5"));
    CHECK(contains(llama.refusal_of({{"model.weights.h5", "no HDF5"}}),
                   "odd.keras: model.weights.h5"));
    CHECK(contains(llama.refusal_of({{"model.weights.h5", ""}}), "model.weights.h5: is empty"));
    CHECK(contains(llama.refusal_of({{"config.json", "[]"}, {"model.weights.h5", weights}}),
                   "config.json in the archive"));
    CHECK(contains(llama.refusal_of({{"config.json", std::string((16U << 20U) + 1, ' ')},
                                     {"model.weights.h5", weights}}),
                   "the largest configuration"));
}

TEST_CASE("a damaged archive is refused, wherever the damage is") {
    const KerasLlama llama;
    const path archive = write_zip(llama.folder / "model.keras",
                                   {{"config.json", llama.configuration.dump()},
                                    {"model.weights.h5", read_file(llama.weights)}},
                                   true);
    const std::string sound = read_file(archive);
    const auto outcome_of = [&](const std::string& bytes) {
        return run({"certify", write_file(llama.folder / "damaged.keras", bytes).string()})
            .exit_code;
    };
    CHECK(outcome_of(sound) == 0);
    CHECK(outcome_of(sound.substr(0, sound.size() - 1)) == 2);
    CHECK(outcome_of(sound + "x") == 2);
    // A byte of the packed weights: the checksum of the member no longer fits.
    std::string changed = sound;
    changed[sound.size() / 2] = static_cast<char>(changed[sound.size() / 2] ^ 1);
    CHECK(outcome_of(changed) == 2);
    // The size that the list of members states: 4 TiB would have to be there.
    std::string large = sound;
    const std::size_t entry = large.rfind("PK\x01\x02");
    REQUIRE(entry != std::string::npos);
    large.replace(entry + 24, 4, std::string("\xff\xff\xff\x7f", 4));
    CHECK(outcome_of(large) == 2);
}

TEST_CASE("an archive in which programs could find different members is refused") {
    const KerasLlama llama;
    const auto archive = [&](const std::string& weights) {
        return read_file(write_zip(
            llama.folder / "part.keras",
            {{"config.json", llama.configuration.dump()}, {"model.weights.h5", weights}}));
    };
    const std::string sound = archive(read_file(llama.weights));
    const auto refusal = [&](const std::string& bytes) {
        const Outcome outcome =
            run({"certify", write_file(llama.folder / "two.keras", bytes).string()});
        CHECK(outcome.exit_code == 2);
        return outcome.err;
    };
    const auto little_endian = [](std::size_t value, std::size_t count) {
        std::string bytes;
        for (; count > 0; --count, value >>= 8U) {
            bytes += static_cast<char>(value & 0xffU);
        }
        return bytes;
    };
    const std::string other = archive("other");
    // Behind another archive: offsets are those in the second one, or, set right, in the file.
    CHECK(contains(refusal(other + sound), "has bytes before it"));
    std::string shifted = other + sound;
    const std::size_t end = shifted.size() - 22;
    const std::size_t list = shifted.find("PK\x01\x02", other.size());
    REQUIRE(list != std::string::npos);
    shifted.replace(end + 16, 4, little_endian(list, 4));
    const std::size_t second = shifted.find("PK\x01\x02", list + 1);
    const std::size_t first_size = sound.find("PK\x03\x04", 1);
    shifted.replace(list + 42, 4, little_endian(other.size(), 4));
    shifted.replace(second + 42, 4, little_endian(other.size() + first_size, 4));
    CHECK(contains(refusal(shifted), "does not begin with the start of the file"));
    // The first end record says that all that follows is its comment.
    std::string both = other + sound;
    REQUIRE(sound.size() < 65536);
    both.replace(other.size() - 2, 2, little_endian(sound.size(), 2));
    CHECK(contains(refusal(both), "has two end records"));
    std::string commented = sound + "c";
    commented[sound.size() - 2] = 1;
    CHECK(contains(refusal(commented), "without a comment"));
    std::string fewer = sound;
    fewer[sound.size() - 12] = 1;
    CHECK(contains(refusal(fewer), "list of members that is damaged"));
    // A locator of zip64 that leads to no record.
    std::string located = sound;
    located.insert(sound.size() - 22, "PK\x06\x07" + std::string(16, '\0'));
    CHECK(contains(refusal(located), "zip64 record"));
    // The same with the record: the numbers of the end record are then those of zip64.
    const std::size_t begin = sound.size() - 22;
    const std::size_t entries = sound.find("PK\x01\x02");
    const std::string record = "PK\x06\x06" + little_endian(44, 8) + little_endian(45, 2) +
                               little_endian(45, 2) + std::string(8, '\0') + little_endian(2, 8) +
                               little_endian(2, 8) + little_endian(begin - entries, 8) +
                               little_endian(entries, 8);
    std::string large = sound;
    large.insert(begin,
                 record + "PK\x06\x07" + std::string(4, '\0') + little_endian(begin, 8) +
                     little_endian(1, 4));
    CHECK(bounds_of(write_file(llama.folder / "large.keras", large)) == llama.bounds);
    large.replace(begin + 56 + 8, 8, little_endian(entries, 8));
    CHECK(contains(refusal(large), "zip64 record"));
}

TEST_CASE("a file that is HDF5 and an archive is the archive that holds it, or refused") {
    const KerasLlama llama;
    const std::string weights = read_file(llama.weights);
    // A local header has 30 bytes and the name: the member begins at byte 512, as HDF5 may.
    const std::string before(512 - 2 * 30 - std::string("metadata.jsonmodel.weights.h5").size(),
                             ' ');
    const path archive = write_zip(llama.folder / "at512.keras",
                                   {{"metadata.json", before},
                                    {"model.weights.h5", weights},
                                    {"config.json", llama.configuration.dump()}});
    REQUIRE(read_file(archive).compare(512, 4, "\x89HDF") == 0);
    CHECK(open_checkpoint(archive)->format() == "keras archive");
    // An archive behind an HDF5 file, with a comment and without.
    std::string appended = read_file(write_zip(llama.folder / "x.zip", {{"a", "b"}}));
    const auto refused = [&](const std::string& bytes) {
        const path file = write_file(llama.folder / "both.h5", bytes);
        return says(error_of([&] { (void)open_checkpoint(file); }),
                    "is HDF5 and a zip archive at once");
    };
    CHECK(refused(weights + appended));
    const std::string count = std::to_string(appended.size());
    std::string header =
        R"({"w":{"dtype":"U8","shape":[)" + count + R"(],"data_offsets":[0,)" + count + "]}}";
    header.insert(0, 1, static_cast<char>(header.size())).insert(1, 7, '\0');
    const path tensors = write_file(llama.folder / "x.safetensors", header + appended);
    CHECK(says(error_of([&] { (void)open_checkpoint(tensors); }),
               "is safetensors and a zip archive at once"));
    appended[appended.size() - 2] = 3;
    CHECK(refused(weights + appended + "abc"));
    // The four letters alone are none.
    const path letters =
        write_file(llama.folder / "letters.h5", weights + "PK\x05\x06" + std::string(18, '\0'));
    CHECK_FALSE(open_checkpoint(letters)->tensors().empty());
}

TEST_CASE("a folder's .keras archives are certified like its other checkpoints") {
    const KerasLlama llama;
    const TemporaryFolder folder;
    for (const char* name : {"a.keras", "b.keras"}) {
        write_zip(folder / name,
                  {{"config.json", llama.configuration.dump()},
                   {"model.weights.h5", read_file(llama.weights)}});
    }
    const Outcome outcome = run({"certify", folder.path().string()});
    CHECK(outcome.exit_code == 0);
    CHECK(contains(outcome.out, "a.keras"));
    CHECK(contains(outcome.out, "b.keras"));
}

TEST_CASE("an index of Keras is a model for diff, not a certificate") {
    const KerasLlama llama;
    const TemporaryFolder folder;
    const path index = write_keras_shards(llama.weights, folder.path());
    write_file(folder / "config.json", llama.configuration.dump());
    const Outcome outcome = run({"diff", index.string(), index.string()});
    INFO(outcome.err);
    CHECK(outcome.exit_code == 0);
}

TEST_CASE("Keras shards are found by their index, also where a layer lies in both") {
    const KerasLlama llama;
    const TemporaryFolder folder;
    const path index = write_keras_shards(llama.weights, folder.path());
    write_file(folder / "config.json", llama.configuration.dump());
    CHECK(bounds_of(index) == llama.bounds);
    CHECK(bounds_of(folder.path()) == llama.bounds);

    json document = json::parse(read_file(index));
    const auto refusal = [&](const json& map) {
        document["weight_map"] = map;
        write_file(index, document.dump());
        return error_of([&] { (void)open_checkpoint(index); });
    };
    const json map = document.at("weight_map");
    json changed = map;
    changed.erase("/layers/llama_layer_norm/vars");
    CHECK(says(refusal(changed), "not in the index"));
    changed = map;
    changed["/layers/nothing/vars"] = "model_00000.weights.h5";
    CHECK(says(refusal(changed), "is not in model_00000.weights.h5"));
    changed = map;
    changed["/layers/llama_layer_norm/vars"] =
        json::array({"model_00000.weights.h5", "model_00001.weights.h5"});
    CHECK(says(refusal(changed), "where the index sees it"));
    changed["/layers/llama_layer_norm/vars"] = json::array({"../x.h5"});
    CHECK(says(refusal(changed), "not the plain name of a file"));
    changed["/layers/llama_layer_norm/vars"] = json::array();
    CHECK(says(refusal(changed), "has no file name in the index"));
}

TEST_CASE("files of Keras 1 and 2 are read under the names of their variables") {
    const TemporaryFolder folder;
    const std::vector<double> eight = {1, 2, 3, 4, 5, 6, 7, 8};
    for (const TextForm form : {TextForm::variable, TextForm::fixed}) {
        Hdf5Writer(folder / "full.h5")
            .add("model_weights/attention_2/attention_2/query/kernel:0", {2, 2, 2}, eight)
            .add("model_weights/attention_2/attention_2/query/bias:0", {2, 2}, {1, 2, 3, 4})
            .add(
                "model_weights/attention_2/attention_2/attention_output/kernel:0", {2, 2, 2}, eight)
            .add("model_weights/dense/dense/kernel", {2, 4}, eight)
            .add("model_weights/block/mlp/kernel:0", {4, 2}, eight)
            .group("model_weights/top_level_model_weights")
            .add("optimizer_weights/adam/m/kernel:0", {2, 4}, eight)
            .text_attribute("/", "model_config", R"({"class_name": "Functional"})", form);
        const auto checkpoint = open_checkpoint(folder / "full.h5");
        CHECK(checkpoint->format() == "keras h5");
        const auto shape = [&](const char* name) {
            REQUIRE(checkpoint->find(name) != nullptr);
            return checkpoint->find(name)->shape;
        };
        CHECK(shape("attention.2.query.kernel") == std::vector<std::size_t>{2, 4});
        CHECK(shape("attention.2.query.bias") == std::vector<std::size_t>{4});
        CHECK(shape("attention.2.attention_output.kernel") == std::vector<std::size_t>{4, 2});
        CHECK(checkpoint->read(*checkpoint->find("attention.2.attention_output.kernel")) ==
              Matrix{{1, 2}, {3, 4}, {5, 6}, {7, 8}});
        CHECK(shape("dense.0.kernel") == std::vector<std::size_t>{2, 4});
        CHECK(shape("block.0.mlp.kernel") == std::vector<std::size_t>{4, 2});
        CHECK(shape("optimizer_weights.adam.m.kernel:0") == std::vector<std::size_t>{2, 4});
        const lipcert::Configuration found = lipcert::find_configuration(*checkpoint, std::nullopt);
        CHECK(found.source == "root attribute 'model_config'");
        CHECK(found.values.at("class_name") == "Functional");
        CHECK(run({"norms", (folder / "full.h5").string()}).exit_code == 0);
        CHECK(run({"certify", (folder / "full.h5").string()}).exit_code == 3);
    }
    Hdf5Writer(folder / "weights.h5").add("dense_1/dense_1/kernel:0", {2, 4}, eight);
    CHECK(open_checkpoint(folder / "weights.h5")->tensors().front().name == "dense.1.kernel");
    Hdf5Writer(folder / "twice.h5")
        .add("model_weights/dense/dense/kernel:0", {2, 4}, eight)
        .add("model_weights/dense/kernel:0", {2, 4}, eight);
    CHECK(says(error_of([&] { (void)open_checkpoint(folder / "twice.h5"); }), "has the same name"));
}

TEST_CASE("a Keras model whose class is not described is not certified") {
    const TemporaryFolder folder;
    Hdf5Writer(folder / "model.weights.h5")
        .add("layers/gemma_decoder_block/attention/query_dense/vars/0",
             {2, 3, 4},
             std::vector<double>(24, 1.0))
        .add("layers/dense/vars/0", {2, 2}, {1, 2, 3, 4});
    const auto checkpoint = lipcert::open_checkpoint(folder.path());
    CHECK(checkpoint->format() == "keras weights.h5");
    CHECK(checkpoint->find("layers.gemma_decoder_block.0.attention.query_dense.vars.0")->shape ==
          std::vector<std::size_t>{2, 3, 4});
    CHECK(run({"certify", folder.path().string()}).exit_code == 3);
}
