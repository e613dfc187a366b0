#include "support/layouts.hpp"

#include "lipcert/checkpoint/checkpoint.hpp"
#include "lipcert/checkpoint/configuration.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

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
using lipcert::test::tensors_of;
using lipcert::test::write_file;
using nlohmann::json;
using std::filesystem::path;

namespace {

/// The certificate without the file that it is about.
std::string certificate(const path& model,
                        const path& configuration,
                        const std::string& effort = "default") {
    const Outcome outcome = run({"certify",
                                 model.string(),
                                 "--config",
                                 configuration.string(),
                                 "--effort",
                                 effort,
                                 "--json",
                                 "-"});
    INFO(model.string() << ": " << outcome.err);
    REQUIRE(outcome.exit_code == 0);
    json document = json::parse(outcome.out);
    CHECK(document.erase("model") == 1);
    return document.dump(1);
}

void check_layouts(const Checkpoint& source,
                   const json& settings,
                   const std::string& effort = "default") {
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
        const std::string found = certificate(model, configuration, effort);
        CHECK((expected.empty() || found == expected));
        expected = expected.empty() ? found : expected;
    }
}

/// A model of every family that the tests below store in every layout.
struct Example {
    std::string family;
    std::shared_ptr<const Checkpoint> checkpoint;
    json settings;
};

std::vector<Example> sample_examples() {
    std::vector<Example> examples;
    for (const auto& [family, name] :
         {std::pair("llama", "tiny_llama.h5"),
          std::pair("mistral", "tiny_llama.h5"),
          std::pair("gpt2", "tiny_gpt2.h5"),
          std::pair("nanogpt", "tiny_nanogpt.h5"),
          std::pair("lipschitz-transformer", "tiny_lipschitz_transformer.h5")}) {
        const std::shared_ptr<const Checkpoint> source =
            lipcert::open_checkpoint(sample_model(name));
        json settings = lipcert::find_configuration(*source, std::nullopt).values;
        if (family == std::string("mistral")) {
            settings["model_type"] = family;
        }
        examples.push_back({family, source, std::move(settings)});
    }
    return examples;
}

std::vector<Example> published_examples() {
    Random random(95);
    std::vector<Example> examples;
    for (const PublishedModel& model : published_models(random)) {
        examples.push_back({model.family,
                            make_model(model.tensors, model.configuration).checkpoint,
                            model.configuration});
    }
    return examples;
}

/// The cells of the table of families and layouts in docs/checkpoints.md: of each family, what
/// stands in each column.
std::map<std::string, std::vector<std::string>> documented_cells() {
    std::istringstream page(
        lipcert::test::read_file(lipcert::test::source_folder() / "docs" / "checkpoints.md"));
    std::map<std::string, std::vector<std::string>> cells;
    bool inside = false;
    for (std::string line; std::getline(page, line);) {
        const bool is_row = line.starts_with("| ");
        if (line.starts_with("| family | HDF5")) {
            inside = true;
        } else if (inside && is_row) {
            std::vector<std::string> parts;
            std::istringstream row(line.substr(2));
            for (std::string part; std::getline(row, part, '|');) {
                const std::size_t first = part.find_first_not_of(' ');
                const std::size_t last = part.find_last_not_of(' ');
                parts.push_back(part.substr(first, last - first + 1));
            }
            std::istringstream families(parts.front());
            parts.erase(parts.begin());
            for (std::string family; std::getline(families, family, ',');) {
                cells[family.substr(family.find_first_not_of(' '))] = parts;
            }
        } else if (!line.starts_with("|-")) {
            inside = false;
        }
    }
    return cells;
}

}  // namespace

TEST_CASE("one checkpoint has the same certificate in every layout that loses nothing") {
    for (const Example& example : sample_examples()) {
        CAPTURE(example.family);
        check_layouts(*example.checkpoint, example.settings);
    }
}

TEST_CASE("a published model has the same certificate in every layout that loses nothing") {
    for (const Example& example : published_examples()) {
        CAPTURE(example.family);
        check_layouts(*example.checkpoint, example.settings, "fast");
    }
}

TEST_CASE("every cell of the table of families and layouts is tested, and says what is true") {
    // Columns in the order of the page; those of Keras 3 are tests of their own.
    const std::vector<std::vector<std::string>> columns = {
        {"HDF5", "HDF5, groups for dots", "HDF5, gzip", "HDF5, lzf"},
        {"safetensors"},
        {"HDF5 shards", "safetensors shards"},
        {"tf_model.h5", "tf_model.h5 shards"}};
    const std::map<std::string, std::string> keras_tests = {
        {"llama", "a Llama as KerasHub stores it"},
        {"mistral", "a Mistral as KerasHub stores it"},
        {"gpt2", "a GPT-2 as KerasHub stores it"}};
    const std::string keras =
        lipcert::test::read_file(lipcert::test::source_folder() / "tests/commands/keras_test.cpp");
    std::map<std::string, std::vector<std::string>> cells = documented_cells();
    std::vector<Example> examples = sample_examples();
    for (Example& example : published_examples()) {
        examples.push_back(std::move(example));
    }
    for (const Example& example : examples) {
        CAPTURE(example.family);
        REQUIRE(cells.contains(example.family));
        const std::vector<std::string> row = cells.at(example.family);
        REQUIRE(row.size() == columns.size() + 1);
        std::map<std::string, bool> is_written;
        for (const lipcert::test::Layout& layout : lipcert::test::lossless_layouts()) {
            const TemporaryFolder place;
            is_written[layout.name] = !layout.write(*example.checkpoint, place.path()).empty();
        }
        for (std::size_t i = 0; i < columns.size(); ++i) {
            for (const std::string& layout : columns[i]) {
                CAPTURE(layout);
                CHECK(row[i] == (is_written.at(layout) ? "x" : "-"));
            }
        }
        const auto test = keras_tests.find(example.family);
        CHECK(row.back() == (test == keras_tests.end() ? "-" : "x (KerasHub)"));
        CHECK((test == keras_tests.end() || keras.find(test->second) != std::string::npos));
        cells.erase(example.family);
    }
    for (const auto& untested : cells) {
        CAPTURE(untested.first);
        const std::vector<std::string>& row = untested.second;
        CHECK(std::all_of(row.begin(), row.end(), [](const auto& cell) { return cell == "-"; }));
    }
}

TEST_CASE("half-precision files have the certificate of the numbers that they round to") {
    std::vector<Example> examples = sample_examples();
    for (const Example& example : {examples.front(), examples.at(2)}) {
        const TemporaryFolder folder;
        const path configuration = write_file(folder / "settings.json", example.settings.dump());
        for (const lipcert::DataType type :
             {lipcert::DataType::float16, lipcert::DataType::bfloat16}) {
            const path half =
                write_file(folder / "half.safetensors",
                           lipcert::test::safetensors_bytes(tensors_of(*example.checkpoint, type)));
            const auto rounded = lipcert::open_checkpoint(half);
            CHECK(rounded->tensors().front().type == type);
            const path single = write_file(
                folder / "single.safetensors",
                lipcert::test::safetensors_bytes(tensors_of(*rounded, lipcert::DataType::float32)));
            const auto bounds = [&](const path& model) {
                json document = json::parse(certificate(model, configuration));
                for (json& matrix : document.at("matrices")) {
                    CHECK(matrix.erase("dtype") == 1);
                }
                return document;
            };
            CHECK(bounds(half) == bounds(single));
        }
    }
}

TEST_CASE("the real stories260K has the same certificate in every layout that loses nothing") {
    const path stories = stories_checkpoint();
    if (stories.empty()) {
        MESSAGE("stories260K.h5 is not beside the project");
        return;
    }
    const auto source = lipcert::open_checkpoint(stories);
    const json settings = lipcert::find_configuration(*source, std::nullopt).values;
    check_layouts(*source, settings);
    // Words that programs put in front of the names change nothing but the names.
    const TemporaryFolder folder;
    const path configuration = write_file(folder / "settings.json", settings.dump());
    const auto bounds = [&](const path& model) {
        return json::parse(certificate(model, configuration, "fast")).at("bounds");
    };
    const json expected = bounds(stories);
    for (const std::string front : {"module.", "_orig_mod.", "state_dict/", "model/module."}) {
        CAPTURE(front);
        {
            Hdf5Writer writer(folder / "around.h5");
            for (const lipcert::TensorInfo& tensor : source->tensors()) {
                const lipcert::Matrix values = source->read(tensor);
                writer.add(front + tensor.name,
                           {tensor.shape.begin(), tensor.shape.end()},
                           {values.data(), values.data() + values.size()});
            }
        }
        CHECK(bounds(folder / "around.h5") == expected);
    }
    // Half precision: the numbers that are stored are those that count.
    for (const lipcert::DataType type : {lipcert::DataType::float16, lipcert::DataType::bfloat16}) {
        const path half = write_file(folder / "half.safetensors",
                                     lipcert::test::safetensors_bytes(tensors_of(*source, type)));
        const path single =
            write_file(folder / "single.safetensors",
                       lipcert::test::safetensors_bytes(tensors_of(*lipcert::open_checkpoint(half),
                                                                   lipcert::DataType::float32)));
        CHECK(bounds(half) == bounds(single));
    }
}

TEST_CASE("a table of relative biases with a number that is not finite is refused") {
    Random random(98);
    std::vector<PublishedModel> models = published_models(random);
    const auto t5 = std::find_if(models.begin(), models.end(), [](const PublishedModel& model) {
        return model.family == "t5-encoder";
    });
    REQUIRE(t5 != models.end());
    const auto source = make_model(t5->tensors, t5->configuration).checkpoint;
    std::vector<lipcert::test::RawTensor> tensors = lipcert::test::tensors_of(*source);
    const auto table = std::find_if(tensors.begin(), tensors.end(), [](const auto& tensor) {
        return tensor.name.find("relative_attention_bias") != std::string::npos;
    });
    REQUIRE(table != tensors.end());
    const TemporaryFolder folder;
    write_file(folder / "config.json", t5->configuration.dump());
    const auto outcome = [&] {
        return run(
            {"certify",
             write_file(folder / "model.safetensors", lipcert::test::safetensors_bytes(tensors))
                 .string()});
    };
    CHECK(outcome().exit_code == 0);
    table->bytes.replace(0, 8, std::string("\0\0\0\0\0\0\xf0\x7f", 8));
    const Outcome refused = outcome();
    CHECK(refused.exit_code == 2);
    CHECK(refused.err.find("relative_attention_bias") != std::string::npos);
}

TEST_CASE("the head of a masked language model has TensorFlow's own words before its name") {
    const TemporaryFolder folder;
    Hdf5Writer(folder / "tf_model.h5")
        .add("mlm___cls/tf_bert_for_masked_lm/mlm___cls/predictions/bias:0", {2}, {1, 2})
        .add("nsp___cls/tf_bert_for_masked_lm/nsp___cls/seq_relationship/kernel:0", {1, 2}, {3, 4});
    const auto checkpoint = lipcert::open_checkpoint(folder / "tf_model.h5");
    CHECK(checkpoint->find("cls.predictions.bias") != nullptr);
    CHECK(checkpoint->find("cls.seq_relationship.weight") != nullptr);
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
