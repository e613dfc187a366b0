#include "commands/probe.hpp"

#include "lipcert/architecture/description.hpp"
#include "lipcert/bounds/compose.hpp"
#include "lipcert/checkpoint/checkpoint.hpp"
#include "lipcert/checkpoint/configuration.hpp"
#include "lipcert/error.hpp"
#include "lipcert/execution/transformer.hpp"

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <sys/stat.h>
#include <vector>

#include "support/hdf5_writer.hpp"
#include "support/program.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown.hpp"
#include <doctest/doctest.h>

using lipcert::test::Outcome;
using lipcert::test::read_file;
using lipcert::test::run;
using lipcert::test::sample_model;
using lipcert::test::source_folder;
using lipcert::test::stories_checkpoint;
using lipcert::test::TemporaryFolder;
using lipcert::test::write_file;
using nlohmann::json;

namespace {

std::string bytes_of(const std::vector<std::size_t>& tokens, std::size_t width) {
    std::string bytes;
    for (const std::size_t token : tokens) {
        for (std::size_t k = 0; k < width; ++k) {
            bytes += static_cast<char>((token >> (8 * k)) & 0xFFU);
        }
    }
    return bytes;
}

/// Tokens that every sample model has.
std::vector<std::size_t> few_tokens() {
    std::vector<std::size_t> tokens;
    for (std::size_t i = 0; i < 40; ++i) {
        tokens.push_back((i * i + 1) % 3);
    }
    return tokens;
}

json probed(const std::vector<std::string>& arguments) {
    std::vector<std::string> all = {"probe"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    all.insert(all.end(), {"--json", "-"});
    const Outcome outcome = run(all);
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 0);
    return json::parse(outcome.out);
}

/// Every measured value of the object has a certified one beside it that is not below.
void check_measured_below_certified(const json& object, std::size_t& compared) {
    for (const char* name : {"max_activation", "max_token_rms", "max_score"}) {
        const std::string certified = std::string("certified_") + name;
        if (object.contains(name) && object.contains(certified) && object.at(name).is_number() &&
            object.at(certified).is_string()) {
            CAPTURE(name);
            const double measured = object.at(name).get<double>();
            const double bound = std::stod(object.at(certified).get<std::string>());
            CHECK(measured <= bound * (1.0 + 1e-12));  // the run rounds too
            ++compared;
        }
    }
}

void check_model(const std::string& model, const std::string& tokens) {
    const json report = probed({model, "--tokens", tokens, "--context", "3"});
    CHECK(report.at("schema") == "lipcert-probe-1");
    CHECK(report.at("tokens") == 39);
    std::size_t compared = 0;
    check_measured_below_certified(report, compared);
    for (const json& layer : report.at("layers")) {
        check_measured_below_certified(layer, compared);
        for (const json& block : layer.at("blocks")) {
            check_measured_below_certified(block, compared);
        }
    }
    CHECK(compared >= 4);
}

}  // namespace

TEST_CASE("no activation or score that is measured is above the certified one") {
    const TemporaryFolder folder;
    const auto tokens = folder / "tokens.bin";
    write_file(tokens, bytes_of(few_tokens(), 2));
    for (const char* name : {"tiny_lipschitz_transformer.h5",
                             "tiny_llama.h5",
                             "tiny_gpt2.h5",
                             "tiny_nanogpt.h5",
                             "moby_dick.h5",
                             "moby_dick_norm4.h5"}) {
        CAPTURE(name);
        check_model(sample_model(name).string(), tokens.string());
    }
    if (const auto stories = stories_checkpoint(); !stories.empty()) {
        check_model(stories.string(), tokens.string());
    } else {
        MESSAGE("skipped: shared/models/stories260K.h5 is not beside the project");
    }
}

TEST_CASE("the same tokens give the same figures from each kind of file") {
    const TemporaryFolder folder;
    const std::string model = sample_model("moby_dick.h5").string();
    const std::string text = "Call me Ishmael. Some years ago--never mind how long";
    write_file(folder / "text.txt", text);
    const auto checkpoint = lipcert::open_checkpoint(model);
    const std::string vocabulary = lipcert::find_configuration(*checkpoint, std::nullopt)
                                       .values.at("vocabulary")
                                       .get<std::string>();
    std::vector<std::size_t> tokens;
    for (const char character : text) {
        tokens.push_back(vocabulary.find(character));
    }
    write_file(folder / "narrow.bin", bytes_of(tokens, 2));
    write_file(folder / "wide.bin", bytes_of(tokens, 4));
    lipcert::test::write_integers(folder / "tokens.h5", "val/tokens", tokens);
    const json expected = probed({model, "--text", (folder / "text.txt").string()});
    const std::string dataset = (folder / "tokens.h5").string();
    for (const std::vector<std::string>& source :
         {std::vector<std::string>{"--tokens", (folder / "narrow.bin").string()},
          {"--tokens", (folder / "wide.bin").string(), "--token-type", "uint32"},
          {"--tokens", dataset},
          {"--tokens", dataset + ":/val/tokens"}}) {
        std::vector<std::string> arguments = {model};
        arguments.insert(arguments.end(), source.begin(), source.end());
        json found = probed(arguments);
        CHECK(found.at("loss") == expected.at("loss"));
        CHECK(found.at("accuracy") == expected.at("accuracy"));
        CHECK(found.at("layers") == expected.at("layers"));
    }
    const Outcome wrong = run({"probe", model, "--tokens", dataset + ":/val/nothing"});
    CHECK(wrong.exit_code == 2);
    CHECK(wrong.err.find("val.tokens") != std::string::npos);
}

TEST_CASE("the conditions that data propose are those that certify takes, and they help") {
    const TemporaryFolder folder;
    const std::string model = sample_model("tiny_llama.h5").string();
    const auto tokens = folder / "tokens.bin";
    const auto conditions = folder / "conditions.json";
    write_file(tokens, bytes_of(few_tokens(), 2));
    const json report = probed({model,
                                "--tokens",
                                tokens.string(),
                                "--context",
                                "4",
                                "--assume-out",
                                conditions.string(),
                                "--margin",
                                "0.25"});
    const json written = json::parse(read_file(conditions));
    for (const json& norm : report.at("norms")) {
        const double seen = norm.at("min_input_rms").get<double>();
        const double assumed =
            written.at("minimum_rms").at(norm.at("name").get<std::string>()).get<double>();
        CHECK(assumed < 0.75 * seen);  // room for the rounding of the run
        CHECK(assumed >= 0.75 * seen * (1.0 - 2e-9));
    }
    const Outcome outcome = run({"certify", model, "--assume", conditions.string(), "--json", "-"});
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 0);
    const json certificate = json::parse(outcome.out);
    const auto log10_of = [](const json& bounds) {
        return bounds.at("bounds").at("max_token_l2").at("log10_upper").get<double>();
    };
    CHECK(log10_of(certificate.at("conditional")) < log10_of(certificate));
}

TEST_CASE("a witness is stored so that anyone can check it") {
    const TemporaryFolder folder;
    const std::string model = sample_model("tiny_lipschitz_transformer.h5").string();
    const auto file = folder / "witness.h5";
    const json report = probed({model, "--witness", "--witness-out", file.string()});
    CHECK(report.at("witness").at("file") == file.string());
    const double ratio = std::stod(report.at("witness").at("ratio").get<std::string>());
    const auto stored = lipcert::open_checkpoint(file);
    const lipcert::Matrix first = stored->read(*stored->find("first"));
    const lipcert::Matrix second = stored->read(*stored->find("second"));
    const auto checkpoint = lipcert::open_checkpoint(model);
    const lipcert::Transformer engine(
        lipcert::architecture_of(*checkpoint,
                                 lipcert::find_configuration(*checkpoint, std::nullopt)),
        *checkpoint);
    const auto longest = [](const lipcert::Matrix& stream) {
        return stream.rowwise().norm().maxCoeff();
    };
    const double seen =
        longest(engine.blocks(first) - engine.blocks(second)) / longest(first - second);
    CHECK(seen == doctest::Approx(ratio).epsilon(1e-5));
    CHECK(!report.at("blocks").empty());
    for (const json& block : report.at("blocks")) {
        CHECK(std::stod(block.at("witness").get<std::string>()) <=
              std::stod(block.at("lipschitz").at("upper").get<std::string>()));
    }
    // The same seed gives the same bytes.
    const auto again = folder / "again.h5";
    CHECK(probed({model, "--witness", "--witness-out", again.string()}).at("witness").at("ratio") ==
          report.at("witness").at("ratio"));
    CHECK(run({"probe", model, "--witness", "--witness-out", model}).exit_code == 4);
    // A link stays one; what is no regular file stays what it is.
    std::filesystem::create_symlink("behind.h5", folder / "link.h5");
    const std::string link = (folder / "link.h5").string();
    CHECK(run({"probe", model, "--witness", "--witness-out", link}).exit_code == 0);
    CHECK(std::filesystem::is_symlink(link));
    CHECK(std::filesystem::is_regular_file(folder / "behind.h5"));
    const auto pipe = folder / "pipe";
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    CHECK(run({"probe", model, "--witness", "--witness-out", pipe.string()}).exit_code == 2);
    CHECK(std::filesystem::is_fifo(pipe));
}

TEST_CASE("certify --witness prints upper over lower for every block and for the network") {
    const TemporaryFolder folder;
    const std::string model = sample_model("tiny_lipschitz_transformer.h5").string();
    const auto file = folder / "certificate.json";
    const Outcome outcome =
        run({"certify", model, "--witness", "--restarts", "2", "--json", file.string()});
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 0);
    const json witnesses = json::parse(read_file(file)).at("witnesses");
    std::vector<json> rows = witnesses.at("blocks");
    REQUIRE(!rows.empty());
    rows.push_back(witnesses.at("witness"));
    rows.push_back(witnesses.at("witness_logits"));
    for (const json& row : rows) {
        const double lower = std::stod(row.at("witness").get<std::string>());
        const double upper = std::stod(row.at("lipschitz").at("upper").get<std::string>());
        CHECK(lower > 0.0);
        CHECK(lower <= upper);
    }
    const json& network = witnesses.at("witness");
    CHECK(std::pow(10.0, network.at("log10").get<double>()) <=
          std::stod(network.at("ratio").get<std::string>()) * (1.0 + 1e-5));
    for (const char* name : {"layer 0 attention", "layer 0 mlp", "blocks_l2", "max_token_l2"}) {
        CAPTURE(name);
        const std::size_t table = outcome.out.find("upper/lower");
        REQUIRE(table != std::string::npos);
        CHECK(outcome.out.find(std::string("\n") + name, table) != std::string::npos);
    }
}

TEST_CASE("a witness above its bound stops the command, and its two inputs stay for inspection") {
    const TemporaryFolder folder;
    const auto file = folder / "witness.h5";
    lipcert::CommonOptions common;
    common.model = sample_model("tiny_lipschitz_transformer.h5").string();
    lipcert::Console console;
    const lipcert::Session session(common, console);
    const auto checkpoint = session.open();
    const lipcert::Architecture architecture =
        session.architecture(*checkpoint, session.configuration(*checkpoint));
    lipcert::NetworkBounds bounds = lipcert::compose(architecture, *checkpoint, {});
    bounds.blocks_l2.upper = lipcert::Upper::exact(1e-3);
    lipcert::WitnessArguments arguments;
    arguments.wanted = true;
    arguments.restarts = 1;
    arguments.file = file;
    const lipcert::Error error = lipcert::test::error_of([&] {
        (void)lipcert::searched_witnesses(lipcert::Transformer(architecture, *checkpoint),
                                          *checkpoint,
                                          bounds,
                                          arguments,
                                          session);
    });
    CHECK(error.kind() == lipcert::ErrorKind::internal);
    CHECK(lipcert::exit_code(error.kind()) == lipcert::ExitCode::rejected);
    CHECK(lipcert::test::says(error, "CONTRADICTION"));
    CHECK(lipcert::open_checkpoint(file)->find("second") != nullptr);
}

TEST_CASE("an attack is reported beside what is certified, in a table, JSON and a figure") {
    const TemporaryFolder folder;
    const std::string model = sample_model("moby_dick.h5").string();
    const std::string text = sample_model("moby_dick_validation.txt").string();
    const auto figure = folder / "attack.svg";
    const json report = probed({model,
                                "--text",
                                text,
                                "--token-limit",
                                "256",
                                "--attack",
                                "0.5,1e-7",
                                "--svg",
                                figure.string()});
    REQUIRE(report.at("attack").size() == 2);
    for (const json& point : report.at("attack")) {
        CHECK(point.at("accuracy_by_measured_margins") <= point.at("attacked_accuracy"));
        CHECK(point.at("attacked_accuracy") <= report.at("accuracy"));
    }
    CHECK(report.at("attack")[0].at("radius") == 1e-7);
    CHECK(report.at("attack")[0].at("accuracy_by_measured_margins") > 0.0);
    CHECK(report.at("attack")[1].at("attacked_accuracy") < report.at("accuracy"));
    CHECK(read_file(figure).find("accuracy by measured margins") != std::string::npos);
}

TEST_CASE("what probe is asked in vain is an error of usage") {
    const std::string model = sample_model("moby_dick.h5").string();
    CHECK(run({"probe", model}).exit_code == 4);
    CHECK(run({"probe", model, "--witness", "--attack", "1"}).exit_code == 4);
    CHECK(run({"probe", model, "--text", "x", "--svg", "y"}).exit_code == 4);
    CHECK(run({"probe", model, "--text", "x", "--tokens", "y"}).exit_code == 4);
    CHECK(run({"probe", model, "--text", "/nowhere/x"}).exit_code == 2);
}

TEST_CASE("tokens that the model does not have are refused before anything is proved") {
    const TemporaryFolder folder;
    const std::string model = sample_model("moby_dick.h5").string();
    const auto refused = [&](const std::string& flag, const std::string& bytes) {
        write_file(folder / "tokens", bytes);
        const Outcome outcome = run({"probe", model, flag, (folder / "tokens").string()});
        CHECK(outcome.exit_code == 2);
        return outcome.err;
    };
    CHECK(
        refused("--text", "Call me\nIshma\xc3\xabl").find("line 2 has the character '\xc3\xab'") !=
        std::string::npos);
    CHECK(refused("--text", "").find("is empty") != std::string::npos);
    CHECK(refused("--text", "C").find("fewer than two in a row") != std::string::npos);
    CHECK(refused("--tokens", bytes_of({1, 80, 2}, 2)).find("token 80: the model's vocabulary") !=
          std::string::npos);
    CHECK(refused("--tokens", bytes_of({7}, 2)).find("fewer than two in a row") !=
          std::string::npos);
    CHECK(refused("--tokens", "abc").find("3 bytes") != std::string::npos);
    const Outcome dataset = run({"probe", model, "--tokens", model});
    CHECK(dataset.err.find(" and 8 more") != std::string::npos);
}

TEST_CASE("the smallest RMS at normalisations is shown on a line of 100 columns") {
    const TemporaryFolder folder;
    write_file(folder / "tokens.bin", bytes_of(few_tokens(), 2));
    const std::string tokens = (folder / "tokens.bin").string();
    const std::string llama = sample_model("tiny_llama.h5").string();
    const Outcome with = run({"probe", llama, "--tokens", tokens, "--context", "8"});
    CHECK(with.out.find("norm RMS\n") != std::string::npos);
    CHECK(with.out.find("norm RMS: the smallest") != std::string::npos);
    const std::string bare = sample_model("tiny_lipschitz_transformer.h5").string();
    const Outcome without = run({"probe", bare, "--tokens", tokens, "--context", "8"});
    CHECK(without.out.find("norm RMS:") == std::string::npos);
}

TEST_CASE("the trained sample's row in the README is what the program writes") {
    const TemporaryFolder folder;
    const auto file = folder / "row.md";
    const Outcome outcome = run({"probe",
                                 sample_model("moby_dick.h5").string(),
                                 "--text",
                                 sample_model("moby_dick_validation.txt").string(),
                                 "--markdown",
                                 file.string()});
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 0);
    const std::string written = read_file(file);
    const std::string row = written.substr(0, written.find("\n\n") + 1);
    CAPTURE(row);
    CHECK(read_file(source_folder() / "README.md").find(row) != std::string::npos);
}
