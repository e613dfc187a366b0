// --inputs: the streams that a certificate is about.
#include <nlohmann/json.hpp>
#include <string>

#include "support/program.hpp"
#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>

using lipcert::test::Outcome;
using lipcert::test::run;
using lipcert::test::sample_model;
using lipcert::test::TemporaryFolder;
using nlohmann::json;

namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

json certificate_of(const std::string& model, const std::string& inputs) {
    const Outcome outcome =
        run({"certify", model, "--effort", "fast", "--inputs", inputs, "--json", "-"});
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 0);
    return json::parse(outcome.out);
}

}  // namespace

TEST_CASE("mixtures of embeddings are a domain of their own, named and bounded more tightly") {
    const std::string model = sample_model("moby_dick.h5").string();
    const json ball = certificate_of(model, "ball");
    const json mixtures = certificate_of(model, "embeddings");
    CHECK(ball.at("domain").at("kind") == "ball");
    CHECK(mixtures.at("domain").at("kind") == "embeddings");
    for (const std::string bound : {"max_token_rms", "blocks_l2", "logit"}) {
        CAPTURE(bound);
        const auto upper = [&](const json& certificate) {
            return std::stod(certificate.at("bounds").at(bound).at("upper").get<std::string>());
        };
        CHECK(upper(mixtures) < 0.5 * upper(ball));
    }
    const Outcome view = run({"certify", model, "--effort", "fast", "--inputs", "embeddings"});
    CHECK(contains(view.out, "every token a mixture"));
    CHECK(!contains(view.out, "in the ball of"));
}

TEST_CASE("mixtures of embeddings are refused where they give no bound, with the reason") {
    const Outcome everywhere =
        run({"certify", sample_model("tiny_gpt2.h5").string(), "--inputs", "embeddings"});
    CHECK(everywhere.exit_code == 3);
    CHECK(contains(everywhere.err, "the bounds hold for every stream"));
}

TEST_CASE("a stated length of streams is named, and the Frobenius norm may not go beyond it") {
    const std::string model = sample_model("tiny_llama.h5").string();
    const Outcome one = run({"certify", model, "--longest-stream", "1", "--json", "-"});
    REQUIRE(one.exit_code == 0);
    CHECK(json::parse(one.out).at("domain").at("longest_stream") == 1);
    CHECK(contains(run({"certify", model, "--longest-stream", "7"}).out, "at most 7 tokens"));
    CHECK(run({"certify", model, "--longest-stream", "0"}).exit_code == 4);
    CHECK(run({"certify", model, "--longest-stream", "2", "--sequence-length", "3"}).exit_code ==
          4);
    CHECK(run({"certify", model, "--longest-stream", "3", "--sequence-length", "3"}).exit_code ==
          0);
}

TEST_CASE("bounds on fewer inputs are neither better nor worse than those on all") {
    const TemporaryFolder folder;
    const std::string model = sample_model("moby_dick.h5").string();
    const std::string all = (folder / "all.json").string();
    const std::string some = (folder / "some.json").string();
    REQUIRE(run({"certify", model, "--effort", "fast", "--json", all}).exit_code == 0);
    REQUIRE(run({"certify", model, "--effort", "fast", "--inputs", "embeddings", "--json", some})
                .exit_code == 0);
    const Outcome difference = run({"diff", some, all});
    CHECK(difference.exit_code == 2);
    CHECK(contains(difference.err, "on mixtures of embeddings"));
    CHECK(run({"diff", some, some}).exit_code == 0);
}

TEST_CASE("mixtures of embeddings do not go with a witness of the whole ball") {
    const std::string model = sample_model("moby_dick.h5").string();
    const Outcome witness = run({"certify", model, "--inputs", "embeddings", "--witness"});
    CHECK(witness.exit_code == 4);
    CHECK(contains(witness.err, "--witness"));
    CHECK(run({"certify", model, "--inputs", "tokens"}).exit_code == 4);
}
