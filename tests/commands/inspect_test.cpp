#include "lipcert/checkpoint/checkpoint.hpp"
#include "lipcert/checkpoint/configuration.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "architecture/nearest_pattern.hpp"
#include "support/hdf5_writer.hpp"
#include "support/program.hpp"
#include "support/safetensors_writer.hpp"
#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>

using lipcert::test::Hdf5Writer;
using lipcert::test::Outcome;
using lipcert::test::RawTensor;
using lipcert::test::run;
using lipcert::test::sample_model;
using lipcert::test::Storage;
using lipcert::test::TemporaryFolder;
using lipcert::test::write_file;
using nlohmann::json;

namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

struct Inspected {
    int exit_code = -1;
    json document;
};

Inspected inspect(const std::filesystem::path& model, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {"inspect", model.string(), "--json", "-"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome outcome = run(arguments);
    INFO(outcome.err);
    return {outcome.exit_code, json::parse(outcome.out)};
}

json tensor(const json& document, const std::string& name) {
    for (const json& candidate : document.at("tensors")) {
        if (candidate.at("name") == name) {
            return candidate;
        }
    }
    FAIL("no tensor " << name);
    return {};
}

/// tiny_llama.h5 as safetensors with these tensors beside its own.
std::filesystem::path with_more(const TemporaryFolder& folder,
                                const std::vector<RawTensor>& more,
                                const std::vector<std::string>& lost_settings = {}) {
    const auto source = lipcert::open_checkpoint(sample_model("tiny_llama.h5"));
    std::vector<RawTensor> tensors = lipcert::test::tensors_of(*source);
    tensors.insert(tensors.end(), more.begin(), more.end());
    json settings = lipcert::find_configuration(*source, std::nullopt).values;
    for (const std::string& lost : lost_settings) {
        CHECK(settings.erase(lost) == 1);
    }
    write_file(folder / "config.json", settings.dump());
    return write_file(folder / "model.safetensors", lipcert::test::safetensors_bytes(tensors));
}

}  // namespace

TEST_CASE("inspect shows each tensor's role and pattern and where hyper-parameters came from") {
    const Inspected found = inspect(sample_model("tiny_llama.h5"));
    CHECK(found.exit_code == 0);
    const json& document = found.document;
    CHECK(document.at("schema") == "lipcert-inspection-1");
    CHECK(document.at("family") == "llama");
    CHECK(document.at("complete") == true);
    CHECK(document.at("problem") == nullptr);
    CHECK(document.at("missing").empty());
    CHECK(contains(document.at("parameters").at("heads").at("source").get<std::string>(),
                   "num_attention_heads"));
    const json query = tensor(document, "model.layers.0.self_attn.q_proj.weight");
    CHECK(query.at("role") == "query");
    CHECK(query.at("layer") == 0);
    CHECK(query.at("place") == "placed");
    CHECK(query.at("pattern") == "{prefix}layers.{i}.self_attn.q_proj.weight");
    CHECK(contains(query.at("pattern_at").get<std::string>(), "/model/1/body/0"));
    const std::string text = run({"inspect", sample_model("tiny_llama.h5").string()}).out;
    CHECK(contains(text, "model.embed_tokens.weight"));
    CHECK(contains(text, "complete: every tensor has its place"));
    CHECK(contains(run({"inspect", sample_model("tiny_llama.h5").string(), "-v"}).out,
                   "{prefix}layers.{i}.self_attn.q_proj.weight"));
    CHECK(run({"inspect", sample_model("tiny_llama.h5").string(), "-q"}).out == "complete\n");
}

TEST_CASE("inspect names what is missing and the flag that supplies it") {
    const TemporaryFolder folder;
    const auto model = with_more(folder, {}, {"num_attention_heads", "rms_norm_eps"});
    const Inspected found = inspect(model);
    CHECK(found.exit_code == 3);
    CHECK(found.document.at("complete") == false);
    CHECK(found.document.at("recognised") == true);
    std::vector<std::string> flags;
    for (const json& missing : found.document.at("missing")) {
        flags.push_back(missing.at("flag"));
    }
    std::sort(flags.begin(), flags.end());
    CHECK(flags ==
          std::vector<std::string>{"--set num_attention_heads=VALUE", "--set rms_norm_eps=VALUE"});
    CHECK(tensor(found.document, "model.layers.0.mlp.up_proj.weight").at("place") == "placed");
    // What is there is shown with its source all the same.
    CHECK(contains(found.document.at("parameters").at("layers").at("source").get<std::string>(),
                   "num_hidden_layers"));
    CHECK_FALSE(found.document.at("parameters").contains("epsilon"));
    CHECK(contains(run({"inspect", model.string()}).out, "give it with --set rms_norm_eps=..."));
    CHECK(inspect(model, {"--set", "num_attention_heads=2", "--set", "rms_norm_eps=1e-5"})
              .document.at("missing")
              .empty());
}

TEST_CASE("inspect shows the nearest pattern of a tensor without a place") {
    const TemporaryFolder folder;
    const std::string four(16, '\0');
    const auto model = with_more(folder,
                                 {{"model.layers.0.mlp.up_prj.weight", "F32", {2, 2}, four},
                                  {"zzzzzz", "F32", {2, 2}, four}});
    const Inspected found = inspect(model);
    CHECK(found.exit_code == 3);
    const json misspelt = tensor(found.document, "model.layers.0.mlp.up_prj.weight");
    CHECK(misspelt.at("place") == "unplaced");
    CHECK(misspelt.at("nearest_pattern") == "{prefix}layers.{i}.mlp.up_proj.weight");
    CHECK(tensor(found.document, "zzzzzz").at("nearest_pattern") == nullptr);
    const std::string text = run({"inspect", model.string()}).out;
    CHECK(contains(text, "without a place"));
    CHECK(contains(text, "nearest pattern {prefix}layers.{i}.mlp.up_proj.weight"));
    CHECK(contains(text, "cannot be certified: "));
}

TEST_CASE("inspect shows how the bytes of a tensor are packed, whether it can be read or not") {
    const TemporaryFolder folder;
    Storage packed = Storage::chunked({2, 2});
    packed.shuffle = packed.gzip = true;
    Storage foreign = Storage::chunked({4});
    foreign.optional_filters = {32015};
    Hdf5Writer(folder / "x.h5")
        .add("a", {4, 4}, std::vector<double>(16, 1.0), H5T_IEEE_F32LE, packed)
        .add("b", {4}, {1, 2, 3, 4}, H5T_IEEE_F32LE, foreign)
        .add("c", {4}, {1, 2, 3, 4});
    const Inspected found = inspect(folder / "x.h5");
    CHECK(tensor(found.document, "a").at("packing") == "chunks of 2 x 2, shuffle, gzip");
    CHECK(tensor(found.document, "b").at("packing") == "chunks of 4, zstd");
    CHECK(tensor(found.document, "c").at("packing") == nullptr);
    CHECK(contains(run({"inspect", (folder / "x.h5").string()}).out,
                   "chunks of 2 x 2, shuffle, gzip"));
    CHECK_FALSE(contains(run({"inspect", sample_model("tiny_llama.h5").string()}).out, "packed"));
}

TEST_CASE("inspect works on a file of which no family knows anything") {
    const TemporaryFolder folder;
    const auto model = write_file(folder / "x.safetensors",
                                  lipcert::test::safetensors_bytes({{"a\xC2\xA0"
                                                                     "b",
                                                                     "I32",
                                                                     {2},
                                                                     std::string(8, '\0')}}));
    const Inspected found = inspect(model);
    CHECK(found.exit_code == 3);
    CHECK(found.document.at("family") == nullptr);
    CHECK(found.document.at("recognised") == false);
    CHECK(found.document.at("tensors").size() == 1);
    CHECK(contains(run({"inspect", model.string()}).out, "none has a pattern"));
    CHECK(run({"inspect", (folder / "nothing").string()}).exit_code == 2);
}

TEST_CASE("inspect says how much memory a run needs, and whether that is more than is allowed") {
    const std::filesystem::path model = sample_model("tiny_llama.h5");
    const json need = inspect(model).document.at("memory");
    CHECK(need.at("certify").at("bytes") >= need.at("norms").at("bytes"));
    CHECK(need.at("certify").at("step").is_string());
    CHECK(need.at("within_max_memory") == nullptr);
    CHECK(inspect(model, {"--max-memory", "1M"}).document.at("memory").at("within_max_memory") ==
          false);
    CHECK(inspect(model, {"--max-memory", "1G"}).document.at("memory").at("within_max_memory") ==
          true);
    CHECK(contains(run({"inspect", model.string()}).out, "bytes at the peak"));
    CHECK(contains(run({"inspect", model.string(), "--max-memory", "1M"}).out,
                   "more than --max-memory"));
    // No family, no certificate: the norms need memory all the same.
    const TemporaryFolder folder;
    Hdf5Writer(folder / "x.h5").add("a", {4, 4}, std::vector<double>(16, 1.0));
    const json alone = inspect(folder / "x.h5").document.at("memory");
    CHECK(alone.at("certify") == nullptr);
    CHECK(alone.at("norms").at("step") == "a");
}

TEST_CASE("edit distances are those of single characters") {
    CHECK(lipcert::edit_distance("", "") == 0);
    CHECK(lipcert::edit_distance("abc", "") == 3);
    CHECK(lipcert::edit_distance("kitten", "sitting") == 3);
    CHECK(lipcert::without_numbers("h.10.mlp2.w0") == "h.{i}.mlp{i}.w{i}");
}
