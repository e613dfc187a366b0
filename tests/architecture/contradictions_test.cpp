#include "lipcert/architecture/description.hpp"
#include "lipcert/checkpoint/checkpoint.hpp"
#include "lipcert/error.hpp"

#include <string>

#include "support/hdf5_writer.hpp"
#include "support/model_builder.hpp"
#include "support/published_models.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown.hpp"
#include <doctest/doctest.h>

using lipcert::architecture_of;
using lipcert::Error;
using lipcert::ErrorKind;
using lipcert::test::error_of;
using lipcert::test::Hdf5Writer;
using lipcert::test::make_model;
using lipcert::test::Random;
using lipcert::test::says;
using lipcert::test::TemporaryFolder;
using lipcert::test::TinyModel;

TEST_CASE("two keys that stand for one parameter must say the same") {
    Random random(91);
    for (const lipcert::test::PublishedModel& model : lipcert::test::published_models(random)) {
        if (model.family != "nanogpt-lipschitz") {
            continue;
        }
        nlohmann::json values = model.configuration;
        values["num_layers"] = 2;
        const TinyModel agreeing = make_model(model.tensors, values);
        CHECK(architecture_of(*agreeing.checkpoint, agreeing.configuration).layers.size() == 2);
        values["num_layers"] = 2.0;
        const TinyModel same = make_model(model.tensors, values);
        CHECK(architecture_of(*same.checkpoint, same.configuration).layers.size() == 2);
        values["num_layers"] = 3;
        const TinyModel differing = make_model(model.tensors, values);
        const Error error = error_of(
            [&] { (void)architecture_of(*differing.checkpoint, differing.configuration); });
        CHECK(error.kind() == ErrorKind::architecture);
        CHECK(says(error, "\"n_layer\" is 2 and \"num_layers\" is 3"));
        CHECK(says(error, "both stand for 'layers'"));
        values["num_layers"] = nullptr;
        const TinyModel silent = make_model(model.tensors, values);
        CHECK(architecture_of(*silent.checkpoint, silent.configuration).layers.size() == 2);
        return;
    }
    FAIL("there is no such model");
}

TEST_CASE("a quantised export in HDF5 is refused for what it is, not for tensors without a place") {
    const TemporaryFolder folder;
    for (const char* sign : {"qweight", "qzeros"}) {
        const std::string layer = "model.layers.0.self_attn.q_proj.";
        Hdf5Writer(folder / "model.h5")
            .add(layer + sign, {4, 8}, std::vector<double>(32, 7.0), H5T_STD_I32LE)
            .add(layer + "bias", {8}, std::vector<double>(8, 0.5))
            .add("model.embed_tokens.weight", {4, 4}, std::vector<double>(16, 0.5));
        const auto checkpoint = lipcert::open_checkpoint(folder / "model.h5");
        const Error error = error_of([&] { (void)architecture_of(*checkpoint, {}); });
        CHECK(error.kind() == ErrorKind::input);
        CHECK(says(error, "belongs to a quantised export (there is " + layer + sign));
        CHECK(says(error_of([&] {
                       (void)checkpoint->read(*checkpoint->find("model.embed_tokens.weight"));
                   }),
                   "belongs to a quantised export"));
    }
}
