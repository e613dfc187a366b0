#include "lipcert/checkpoint/checkpoint.hpp"
#include "lipcert/checkpoint/configuration.hpp"

#include <cmath>
#include <functional>

#include "support/hdf5_writer.hpp"
#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>

// A real model, trained by somebody else and stored by another library, that stands beside a
// working copy on some machines and is no part of the project.

using lipcert::Checkpoint;
using lipcert::DataType;
using lipcert::Matrix;
using lipcert::open_checkpoint;
using lipcert::TensorInfo;
using lipcert::test::Hdf5Writer;
using lipcert::test::Storage;
using lipcert::test::TemporaryFolder;

namespace {

const std::filesystem::path stories_path =
    std::filesystem::path(LIPCERT_SOURCE_DIR) / "../shared/models/stories260K.h5";

bool is_absent() {
    if (std::filesystem::exists(stories_path)) {
        return false;
    }
    MESSAGE("skipped: there is no " << stories_path.string());
    return true;
}

std::vector<hsize_t> extents(const TensorInfo& tensor) {
    return {tensor.shape.begin(), tensor.shape.end()};
}

/// Writes all tensors of `original` anew: each name through `rename`, in `storage`.
void rewrite(const Checkpoint& original,
             const std::filesystem::path& path,
             const std::function<std::string(std::string)>& rename,
             const std::function<Storage(const TensorInfo&)>& storage) {
    Hdf5Writer writer(path);
    for (const TensorInfo& tensor : original.tensors()) {
        const Matrix values = original.read(tensor);
        writer.add(rename(tensor.name),
                   extents(tensor),
                   {values.data(), values.data() + values.size()},
                   H5T_IEEE_F32BE,
                   storage(tensor));
    }
}

std::size_t differences(const Checkpoint& a, const Checkpoint& b) {
    std::size_t count = a.tensors().size() == b.tensors().size() ? 0 : 1;
    for (const TensorInfo& tensor : a.tensors()) {
        const TensorInfo* twin = b.find(tensor.name);
        const bool is_equal =
            twin != nullptr && twin->shape == tensor.shape && b.read(*twin) == a.read(tensor);
        count += is_equal ? 0 : 1;
    }
    return count;
}

}  // namespace

TEST_CASE("A trained Llama is read with its names, shapes, values and configuration") {
    if (is_absent()) {
        return;
    }
    const auto checkpoint = open_checkpoint(stories_path);
    CHECK(checkpoint->tensors().size() == 47);
    std::size_t parameters = 0;
    for (const TensorInfo& tensor : checkpoint->tensors()) {
        CHECK(tensor.type == DataType::float32);
        parameters += lipcert::element_count(tensor);
    }
    CHECK(parameters == 260'032);
    const TensorInfo* gate = checkpoint->find("model.layers.3.mlp.gate_proj.weight");
    REQUIRE(gate != nullptr);
    CHECK(gate->shape == std::vector<std::size_t>{172, 64});
    const TensorInfo* key = checkpoint->find("model.layers.0.self_attn.k_proj.weight");
    REQUIRE(key != nullptr);
    CHECK(key->shape == std::vector<std::size_t>{32, 64});
    const Matrix norm = checkpoint->read(*checkpoint->find("model.norm.weight"));
    CHECK(norm.cols() == 1);
    CHECK(norm.cwiseAbs().maxCoeff() == doctest::Approx(4.425094).epsilon(1e-6));
    const Matrix embedding = checkpoint->read(*checkpoint->find("model.embed_tokens.weight"));
    CHECK(embedding.rows() == 512);
    const lipcert::Configuration configuration =
        lipcert::find_configuration(*checkpoint, std::nullopt);
    CHECK(configuration.source == "root attribute 'config'");
    CHECK(configuration.values["num_key_value_heads"] == 4);
}

TEST_CASE("A trained model is the same in groups, big-endian, chunked and compressed") {
    if (is_absent()) {
        return;
    }
    const auto original = open_checkpoint(stories_path);
    const TemporaryFolder folder;
    const auto split_at_slashes = [](std::string name) {
        std::replace(name.begin(), name.end(), '.', '/');
        return name;
    };
    const auto contiguous = [](const TensorInfo&) { return Storage{}; };
    const auto compressed = [](const TensorInfo& tensor) {
        Storage storage = Storage::chunked(std::vector<hsize_t>(tensor.shape.size(), 13));
        storage.gzip = storage.shuffle = storage.fletcher32 = true;
        return storage;
    };
    rewrite(*original, folder / "groups.h5", split_at_slashes, contiguous);
    rewrite(
        *original, folder / "flat.h5", [](std::string name) { return name; }, compressed);
    CHECK(differences(*original, *open_checkpoint(folder / "groups.h5")) == 0);
    CHECK(differences(*original, *open_checkpoint(folder / "flat.h5")) == 0);
}
