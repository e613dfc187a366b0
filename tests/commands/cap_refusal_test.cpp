// What `lipcert cap` must refuse before it works, and what must still be there afterwards.
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/hdf5_writer.hpp"
#include "support/model_builder.hpp"
#include "support/program.hpp"
#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>

namespace fs = std::filesystem;

using lipcert::Matrix;
using lipcert::TensorInfo;
using lipcert::test::half_type;
using lipcert::test::Hdf5Writer;
using lipcert::test::Outcome;
using lipcert::test::Random;
using lipcert::test::read_file;
using lipcert::test::run;
using lipcert::test::sample_model;
using lipcert::test::TemporaryFolder;
using lipcert::test::tiny_lipschitz_transformer;
using lipcert::test::TinyModel;
using lipcert::test::write_file;
using nlohmann::json;

namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

double bound_of(const Outcome& certified) {
    return std::stod(
        json::parse(certified.out).at("bounds").at("max_token_rms").at("upper").get<std::string>());
}

/// A folder with the model "m.h5".
struct Place {
    explicit Place(const std::string& model = "tiny_gpt2.h5") {
        fs::copy_file(sample_model(model), folder / "m.h5");
        original = read_file(folder / "m.h5");
    }

    [[nodiscard]] std::string path(const std::string& name) const {
        return (folder / name).string();
    }

    [[nodiscard]] Outcome cap(const std::vector<std::string>& flags) const {
        std::vector<std::string> arguments{"cap", path("m.h5")};
        arguments.insert(arguments.end(), flags.begin(), flags.end());
        return run(arguments);
    }

    [[nodiscard]] bool is_untouched() const {
        std::size_t files = 0;
        for (const auto& entry : fs::directory_iterator(folder.path())) {
            files += entry.exists() ? 1U : 0U;
        }
        return files == 1 && read_file(folder / "m.h5") == original;
    }

    TemporaryFolder folder;
    std::string original;
};

}  // namespace

TEST_CASE("a report never takes the place of the model, the output, the backup or another report") {
    const Place place;
    const std::string model = place.path("m.h5");
    const std::string out = place.path("out.h5");
    fs::create_symlink("m.h5", place.folder / "link");
    const std::vector<std::vector<std::string>> wrong = {
        {"-o", out, "--limit", "0.5", "--json", out},
        {"-o", out, "--limit", "0.5", "--json", place.path("./out.h5")},
        {"-o", out, "--limit", "0.5", "--json", place.path(".out.h5.lipcert-new")},
        {"--in-place", "--limit", "0.5", "--json", model},
        {"--in-place", "--limit", "0.5", "--json", place.path("link")},
        {"--in-place", "--limit", "0.5", "--json", place.path(".m.h5.lipcert-lock")},
        {"--in-place", "--backup", "--limit", "0.5", "--json", model + ".orig"},
        {"--dry-run", "--limit", "0.5", "--json", model},
        {"--frontier", "1,2", "--csv", model},
        {"--frontier", "1,2", "--csv", out, "--svg", out}};
    for (const auto& flags : wrong) {
        CAPTURE(flags.back());
        const Outcome outcome = place.cap(flags);
        CHECK(outcome.exit_code == 4);
        CHECK(contains(outcome.err, "a report must not replace it"));
        CHECK(read_file(place.folder / "m.h5") == place.original);
        CHECK_FALSE(fs::exists(out));
    }
}

TEST_CASE("a report that cannot be written is refused while the model is as it was") {
    const Place place;
    CHECK(place.cap({"--in-place", "--limit", "0.5", "--json", place.path("missing/x.json")})
              .exit_code == 2);
    CHECK(place.cap({"--in-place", "--limit", "0.5", "--json", place.folder.path().string()})
              .exit_code == 4);
    CHECK(place.is_untouched());
    CHECK(place.cap({"--in-place", "--limit", "0.5", "--json", "/dev/null"}).exit_code == 0);
}

TEST_CASE("a dry run refuses what the run would refuse, before the work") {
    const Place place;
    const std::vector<std::vector<std::string>> wrong = {{"-o", place.path("there.h5")},
                                                         {"-o", place.path("m.h5"), "--force"},
                                                         {"-o", place.path("missing/out.h5")},
                                                         {"-o", "/dev/null", "--force"},
                                                         {"--in-place", "--backup", ".old"},
                                                         {"--in-place", "--backup", "/x"}};
    write_file(place.folder / "there.h5", "something else");
    write_file(place.folder / "m.h5.old", "something else");
    for (const auto& flags : wrong) {
        CAPTURE(flags.back());
        // A target that cannot be met would be exit code 1.
        std::vector<std::string> real = flags;
        real.insert(real.end(), {"--target-lipschitz", "1e-9", "--bound", "blocks_l2"});
        std::vector<std::string> dry = real;
        dry.emplace_back("--dry-run");
        const Outcome refused = place.cap(real);
        const Outcome rehearsed = place.cap(dry);
        CHECK(refused.exit_code != 1);
        CHECK(refused.exit_code >= 2);
        CHECK(rehearsed.exit_code == refused.exit_code);
        CHECK(rehearsed.err == refused.err);
    }
    CHECK(read_file(place.folder / "m.h5") == place.original);
    // Without a destination there is nothing to refuse.
    CHECK(place.cap({"--dry-run", "--limit", "0.5"}).exit_code == 0);
}

TEST_CASE("capping to one target twice changes nothing the second time") {
    for (const std::string method : {"normalize", "hard-cap", "orthogonalize"}) {
        CAPTURE(method);
        const Place place("tiny_lipschitz_transformer.h5");
        const Outcome certified = run({"certify", place.path("m.h5"), "--json", "-"});
        const double bound = bound_of(certified);
        const std::vector<std::string> flags = {
            "--in-place", "--target-lipschitz", std::to_string(0.1 * bound), "--method", method};
        const Outcome first = place.cap(flags);
        INFO(first.err << first.out);
        REQUIRE(first.exit_code == 0);
        const std::string once = read_file(place.folder / "m.h5");
        CHECK(once != place.original);
        const Outcome second = place.cap(flags);
        CHECK(second.exit_code == 0);
        CHECK(contains(second.out, "nothing had to change"));
        CHECK(read_file(place.folder / "m.h5") == once);
    }
}

TEST_CASE("a model that meets its target keeps to the limits that the user states") {
    const Place place;
    CHECK(place.cap({"--in-place", "--target-lipschitz", "1e30"}).exit_code == 0);
    CHECK(place.is_untouched());
    CHECK(place.cap({"--in-place", "--target-lipschitz", "1e30", "--limit", "0.5"}).exit_code == 0);
    CHECK_FALSE(place.is_untouched());
}

TEST_CASE("a target that the stored type cannot hold is not met, and nothing is written") {
    Random random(930);
    const TinyModel model = tiny_lipschitz_transformer(random);
    const Place place;
    {
        Hdf5Writer writer(place.folder / "m.h5");
        for (const TensorInfo& tensor : model.checkpoint->tensors()) {
            const Matrix values = model.checkpoint->read(tensor);
            writer.add(tensor.name,
                       {tensor.shape.begin(), tensor.shape.end()},
                       {values.data(), values.data() + values.size()},
                       half_type());
        }
        writer.text_attribute("/", "config", model.configuration.values.dump());
    }
    const Outcome certified = run({"certify", place.path("m.h5"), "--json", "-"});
    const Outcome outcome = place.cap({"-o",
                                       place.path("out.h5"),
                                       "--target-lipschitz",
                                       std::to_string(bound_of(certified)) + "e-9",
                                       "--exclude",
                                       "blocks.*",
                                       "--json",
                                       "-"});
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 1);
    const json report = json::parse(outcome.out).at("target");
    CHECK(report.at("ok") == false);
    CHECK(contains(report.at("obstacle").get<std::string>(), "float16"));
    CHECK_FALSE(fs::exists(place.folder / "out.h5"));
}

TEST_CASE("a decay without --until-limit goes with neither a target nor a frontier") {
    const Place place;
    for (const std::string method : {"weight-decay", "spectral-decay"}) {
        CHECK(place.cap({"--dry-run", "--target-lipschitz", "1", "--method", method}).exit_code ==
              4);
        CHECK(place.cap({"--frontier", "1,2", "--method", method}).exit_code == 4);
    }
    CHECK(place.cap({"--frontier", "1,2", "--limit", "3"}).exit_code == 4);
    CHECK(place.cap({"--frontier", "1,2", "--limit", "query=3"}).exit_code == 0);
    CHECK(place.is_untouched());
}

TEST_CASE("norms and limits of a report are those that the user states") {
    const Place place("tiny_lipschitz_transformer.h5");
    const Outcome outcome = place.cap(
        {"--dry-run", "--limit", "2", "--norm", "rms", "--embedding-limit", "0.5", "--json", "-"});
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 0);
    const json report = json::parse(outcome.out);
    for (const json& row : report.at("matrices")) {
        const bool by_rows = row.at("limit_on") == "row_norm";
        CHECK(row.at("limit_in_norm").get<double>() ==
              doctest::Approx(by_rows ? 0.5 : 2.0).epsilon(1e-12));
        CHECK(row.at("largest_row_norm").is_null() == !by_rows);
        if (by_rows) {
            CHECK(row.at("largest_row_norm").at("after").get<double>() <=
                  row.at("limit").get<double>());
            CHECK(row.at("largest_row_norm").at("before").get<double>() >
                  row.at("limit").get<double>());
        }
    }
    const Outcome shown = place.cap({"--dry-run", "--limit", "2", "--norm", "rms"});
    CHECK(contains(shown.out, "norms in RMS"));
    CHECK(contains(shown.out, "change F / 2"));
}
