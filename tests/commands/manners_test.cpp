#include "lipcert/commands/console.hpp"
#include "lipcert/error.hpp"

#include <array>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "support/hdf5_writer.hpp"
#include "support/program.hpp"
#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>

using lipcert::test::Hdf5Id;
using lipcert::test::Hdf5Writer;
using lipcert::test::Outcome;
using lipcert::test::run;
using lipcert::test::sample_model;
using lipcert::test::TemporaryFolder;
using lipcert::test::write_file;
using nlohmann::json;

namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("--max-memory refuses what needs more, on this run and on no other") {
    const std::string model = sample_model("moby_dick.h5").string();
    const Outcome outcome = run({"norms", model, "--max-memory", "10K"});
    CHECK(outcome.exit_code == 2);
    CHECK(contains(outcome.err, "10240 are allowed"));
    CHECK(run({"norms", model, "--max-memory", "1M", "--tensor", "*attn*", "--quiet"}).exit_code ==
          0);
    CHECK(run({"norms", model, "--max-memory", "lots"}).exit_code == 4);
    CHECK(run({"norms", sample_model("tiny_gpt2.h5").string()}).exit_code == 0);
}
