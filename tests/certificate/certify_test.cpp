#include "lipcert/certificate/certify.hpp"

#include "lipcert/architecture/description.hpp"
#include "lipcert/checkpoint/checkpoint.hpp"
#include "lipcert/checkpoint/configuration.hpp"
#include "lipcert/error.hpp"

#include "support/program.hpp"
#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>

using namespace lipcert;
using lipcert::test::sample_model;
using lipcert::test::TemporaryFolder;

TEST_CASE("a file that was replaced after it was opened is not certified under its name") {
    const TemporaryFolder folder;
    const std::filesystem::path path = folder / "model.h5";
    std::filesystem::copy_file(sample_model("tiny_llama.h5"), path);
    const auto checkpoint = open_checkpoint(path);
    const Architecture architecture =
        architecture_of(*checkpoint, find_configuration(*checkpoint, {}));
    CHECK(certify(*checkpoint, architecture, {}).model.sha256.size() == 64);
    std::filesystem::copy_file(sample_model("tiny_llama.h5"), folder / "other.h5");
    std::filesystem::rename(folder / "other.h5", path);
    CHECK_THROWS_WITH_AS((void)certify(*checkpoint, architecture, {}),
                         doctest::Contains("changed while it was read"),
                         Error);
}
