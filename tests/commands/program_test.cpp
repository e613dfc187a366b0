#include "lipcert/commands/program.hpp"

#include "lipcert/version.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

#include "support/program.hpp"
#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>

using lipcert::test::Outcome;
using lipcert::test::read_file;
using lipcert::test::run;
using lipcert::test::sample_model;
using lipcert::test::stories_checkpoint;
using lipcert::test::TemporaryFolder;
using lipcert::test::write_file;
using nlohmann::json;

namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

json certificate_of(const std::filesystem::path& model) {
    const Outcome outcome = run({"certify", model.string(), "--json", "-"});
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 0);
    return json::parse(outcome.out);
}

}  // namespace

TEST_CASE("the tiny models' bounds meet the constants that are known in closed form") {
    const json expected = json::parse(read_file(sample_model("tiny_models.json")));
    REQUIRE(expected.size() == 4);
    for (const auto& model : expected.items()) {
        const std::string& file = model.key();
        const json bounds = certificate_of(sample_model(file)).at("bounds");
        for (const auto& constant : model.value().items()) {
            const std::string& name = constant.key();
            CAPTURE(file);
            CAPTURE(name);
            const double exact = constant.value().get<double>();
            const double bound = std::stod(bounds.at(name).at("upper").get<std::string>());
            // A difference of logits is bounded by twice the distance from their centre: sharp to
            // sqrt(3/2) for the four corners of a simplex.
            const double slack = name == "logit_difference" ? std::sqrt(1.5) : 1.0;
            CHECK(bound >= exact * (1.0 - 1e-12));
            CHECK(bound <= exact * slack * (1.0 + 1e-5));
        }
    }
}

TEST_CASE("the same input gives the same bytes") {
    const std::string model = sample_model("tiny_llama.h5").string();
    CHECK(run({"certify", model, "--json", "-"}).out == run({"certify", model, "--json", "-"}).out);
    CHECK(run({"certify", model}).out == run({"certify", model}).out);
    CHECK(run({"norms", model}).out == run({"norms", model}).out);
}

TEST_CASE("a limit that holds exits 0, one that is exceeded exits 1 and still writes its report") {
    const TemporaryFolder folder;
    const std::string model = sample_model("tiny_lipschitz_transformer.h5").string();
    const std::string report = (folder / "report.json").string();

    const Outcome within =
        run({"certify", model, "--max-lipschitz", "3.001", "--max-spectral-norm", "3.1"});
    CHECK(within.exit_code == 0);
    CHECK(contains(within.out, "holds"));

    const Outcome beyond = run({"certify", model, "--max-lipschitz", "2.999", "--json", report});
    CHECK(beyond.exit_code == 1);
    CHECK(contains(beyond.out, "EXCEEDED"));
    CHECK(json::parse(read_file(report)).at("verdict") == "limit-exceeded");
    CHECK(run({"certify", model, "--max-lipschitz", "2.999", "--exit-zero"}).exit_code == 0);
}

TEST_CASE("limits far beyond double's range are compared as written") {
    const std::string model = sample_model("tiny_llama.h5").string();
    CHECK(run({"certify", model, "--max-lipschitz", "1e10264"}).exit_code == 0);
    CHECK(run({"certify", model, "--max-lipschitz", "1e-10264"}).exit_code == 1);
}

TEST_CASE("each limit names the bound or tensor that decided") {
    const std::string model = sample_model("tiny_llama.h5").string();
    const Outcome outcome = run({"certify",
                                 model,
                                 "--max-lipschitz",
                                 "200",
                                 "--bound",
                                 "max_token_l2",
                                 "--max-spectral-norm",
                                 "1",
                                 "--max-activation",
                                 "100"});
    CHECK(outcome.exit_code == 1);
    CHECK(contains(outcome.out, "max_token_l2 <= 1"));
    CHECK(contains(outcome.out, "lm_head.weight"));
    CHECK(contains(outcome.out, "residual stream"));
}

TEST_CASE("wrong usage exits 4 before any work is done") {
    const std::string model = sample_model("tiny_llama.h5").string();
    CHECK(run({}).exit_code == 4);
    CHECK(run({"certify"}).exit_code == 4);
    CHECK(run({"certfy", model}).exit_code == 4);
    CHECK(run({"certify", model, "--no-such-flag"}).exit_code == 4);
    CHECK(run({"certify", model, "--max-lipschitz", "large"}).exit_code == 4);
    CHECK(run({"certify", model, "--max-lipschitz", "nan"}).exit_code == 4);
    CHECK(run({"certify", model, "--max-lipschitz", "-3"}).exit_code == 4);
    CHECK(run({"certify", model, "--max-lipschitz", "0"}).exit_code == 4);
    CHECK(run({"certify", model, "--max-lipschitz", "1", "--bound", "speed"}).exit_code == 4);
    CHECK(run({"certify", model, "--max-lipschitz", "1", "--bound", "frobenius"}).exit_code == 4);
    CHECK(run({"certify", model, "--sequence-length", "0"}).exit_code == 4);
    CHECK(run({"certify", model, "--set", "novalue"}).exit_code == 4);
    CHECK(run({"norms", model, "--threads", "0"}).exit_code == 4);
    const Outcome outcome = run({"certify", model, "--max-lipschitz", "1", "--bound", "speed"});
    CHECK(outcome.out.empty());
    CHECK(contains(outcome.err, "max_token_rms"));
}

TEST_CASE("a file that cannot be read exits 2 with one line that says why") {
    const TemporaryFolder folder;
    const std::string empty = (folder / "empty.h5").string();
    write_file(empty, "");
    const std::string text = (folder / "text.h5").string();
    write_file(text, "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n");
    const std::string cut = (folder / "cut.h5").string();
    write_file(cut, read_file(sample_model("tiny_llama.h5")).substr(0, 3000));
    const std::string nothing = (folder / "folder").string();
    std::filesystem::create_directory(nothing);
    for (const std::string& path : {empty, text, cut, nothing, (folder / "missing.h5").string()}) {
        for (const char* command : {"certify", "norms"}) {
            CAPTURE(path);
            const Outcome outcome = run({command, path});
            CHECK(outcome.exit_code == 2);
            CHECK(outcome.out.empty());
            CHECK(outcome.err.rfind("lipcert: error: ", 0) == 0);
            CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
        }
    }
}

TEST_CASE("a report never replaces the model, and a failed one leaves nothing behind") {
    const TemporaryFolder folder;
    const std::string model = (folder / "model.h5").string();
    const std::string bytes = read_file(sample_model("tiny_llama.h5"));
    write_file(model, bytes);
    CHECK(run({"certify", model, "--json", model}).exit_code == 4);
    CHECK(read_file(model) == bytes);
    CHECK(run({"certify", model, "--json", (folder / "no/such/folder.json").string()}).exit_code ==
          2);
    CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
}

TEST_CASE("hyper-parameters that decide a bound are asked for, and --set supplies them") {
    const TemporaryFolder folder;
    const std::string config = (folder / "config.json").string();
    json values = json::parse(R"({"model_type": "llama", "num_hidden_layers": 1, "hidden_size": 4,
        "num_key_value_heads": 1, "intermediate_size": 8, "vocab_size": 4, "hidden_act": "silu",
        "rms_norm_eps": 0.00390625, "rope_theta": 10000.0})");
    write_file(config, values.dump());
    const std::string model = sample_model("tiny_llama.h5").string();
    const Outcome missing = run({"certify", model, "--config", config});
    CHECK(missing.exit_code == 3);
    CHECK(contains(missing.err, "num_attention_heads"));
    CHECK(run({"certify", model, "--config", config, "--set", "num_attention_heads=2"}).exit_code ==
          0);
    CHECK(run({"certify", model, "--config", config, "--set", "num_attention_heads=3"}).exit_code ==
          3);
}

TEST_CASE("biases that the configuration announces and the file lacks end in exit 3") {
    const std::string model = sample_model("tiny_llama.h5").string();
    for (const std::string key : {"attention_bias", "mlp_bias"}) {
        const Outcome announced = run({"certify", model, "--set", key + "=true"});
        CHECK(announced.exit_code == 3);
        CHECK(announced.out.empty());
        CHECK(contains(announced.err, "there is no tensor model.layers.0."));
        CHECK(contains(announced.err, key + " = true"));
        CHECK(run({"certify", model, "--set", key + "=false"}).exit_code == 0);
    }
}

TEST_CASE("norms reads back as exact doubles that enclose, and needs no architecture") {
    const TemporaryFolder folder;
    const Outcome outcome = run({"norms",
                                 sample_model("tiny_gpt2.h5").string(),
                                 "--tensor",
                                 "*ln_f*",
                                 "--tensor",
                                 "lm_head*",
                                 "--json",
                                 "-"});
    CHECK(outcome.exit_code == 0);
    const json result = json::parse(outcome.out);
    CHECK(result.at("schema") == "lipcert-norms-1");
    REQUIRE(result.at("matrices").size() == 1);
    const json& norm = result.at("matrices")[0].at("spectral_norm");
    CHECK(norm.at("lower").get<double>() <= 5.0);
    CHECK(norm.at("upper").get<double>() >= 5.0);
    CHECK(norm.at("upper").get<double>() <= 5.0 * (1.0 + 1e-8));
    CHECK(run({"norms", sample_model("tiny_gpt2.h5").string(), "--tensor", "nothing*"}).exit_code ==
          3);
}

TEST_CASE("the trained Llama checkpoint certifies, and its norms enclose the known values") {
    const auto model = stories_checkpoint();
    if (model.empty()) {
        MESSAGE("skipped: shared/models/stories260K.h5 is not beside the project");
        return;
    }
    const json certificate = certificate_of(model);
    CHECK(certificate.at("verdict") == "certified");
    CHECK(certificate.at("domain").at("kind") == "all");
    CHECK(certificate.at("bounds").at("blocks_l2").at("log10_upper").get<double>() > 0.0);
    CHECK(certificate.at("bounds").at("blocks_l2").at("log10_upper").get<double>() < 60.0);

    const json norms =
        json::parse(run({"norms", model.string(), "--json", "-"}).out).at("matrices");
    const std::vector<std::string> names = {"self_attn.q_proj",
                                            "self_attn.k_proj",
                                            "self_attn.v_proj",
                                            "self_attn.o_proj",
                                            "mlp.gate_proj",
                                            "mlp.up_proj",
                                            "mlp.down_proj"};
    const std::vector<std::vector<double>> known = {
        {10.800454, 8.318957, 0.637009, 1.221781, 4.738795, 3.535274, 3.713683},
        {13.311618, 8.352987, 0.629266, 0.961289, 3.540125, 2.713414, 3.400340},
        {8.590079, 6.200365, 0.876754, 1.289464, 3.032898, 2.667236, 3.558649},
        {10.316114, 7.459068, 0.966284, 1.502111, 3.389261, 3.235196, 3.214060},
        {6.475386, 4.888347, 1.351686, 2.115027, 2.906342, 3.043666, 3.983142}};
    std::size_t checked = 0;
    for (const json& matrix : norms) {
        for (std::size_t layer = 0; layer < known.size(); ++layer) {
            for (std::size_t i = 0; i < names.size(); ++i) {
                if (matrix.at("name") ==
                    "model.layers." + std::to_string(layer) + "." + names[i] + ".weight") {
                    // The known values have six decimals.
                    CHECK(matrix.at("spectral_norm").at("lower").get<double>() <=
                          known[layer][i] + 5e-7);
                    CHECK(matrix.at("spectral_norm").at("upper").get<double>() >=
                          known[layer][i] - 5e-7);
                    ++checked;
                }
            }
        }
    }
    CHECK(checked == 35);
}

TEST_CASE("help and version go to standard output and exit 0") {
    const Outcome help = run({"certify", "--help"});
    CHECK(help.exit_code == 0);
    CHECK(contains(help.out, "--max-lipschitz"));
    CHECK(run({"--version"}).out == std::string("lipcert ") + lipcert::kVersion + "\n");
}
