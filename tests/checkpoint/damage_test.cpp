#include "lipcert/checkpoint/checkpoint.hpp"

#include <stdexcept>

#include "checkpoint/hdf5_checkpoint.hpp"
#include "support/hdf5_writer.hpp"
#include "support/isolated.hpp"
#include "support/random.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown.hpp"
#include <doctest/doctest.h>

using lipcert::Checkpoint;
using lipcert::Error;
using lipcert::open_hdf5_file;
using lipcert::TensorInfo;
using lipcert::test::Hdf5Writer;
using lipcert::test::isolated;
using lipcert::test::Random;
using lipcert::test::Storage;
using lipcert::test::TemporaryFolder;
using lipcert::test::write_file;

namespace {

constexpr unsigned kSeconds = 60;

/// A file of some kilobytes in which every construct stands that is read.
std::string sample_file(const TemporaryFolder& folder, bool new_style) {
    Random random(5);
    std::vector<double> values(std::size_t{24} * 10);
    for (double& value : values) {
        value = random.normal();
    }
    Storage filtered = Storage::chunked({6, 5});
    filtered.gzip = filtered.shuffle = filtered.fletcher32 = true;
    Storage compact;
    compact.compact = true;
    Hdf5Writer(folder / "sample.h5", new_style)
        .add("embed.weight", {24, 10}, values, H5T_IEEE_F32LE, filtered)
        .add("blocks/0/attn/c_proj/weight", {12, 10}, values, H5T_IEEE_F32LE)
        .add("blocks/0/mlp/c_fc/weight", {24, 10}, values, lipcert::test::half_type())
        .add("blocks/1/norm", {10}, values, lipcert::test::bfloat16_type(), compact)
        .add("head", {5, 5}, values, H5T_IEEE_F64BE, Storage::chunked({2, 5}))
        .hard_link("embed.weight", "lm_head.weight")
        .text_attribute("/", "config", R"({"n_layer": 2, "n_head": 4})")
        .add_raw("stated", {3}, values.data(), lipcert::test::opaque_type(2))
        .text_attribute("stated", "dtype", "bfloat16");
    return lipcert::test::read_file(folder / "sample.h5");
}

struct Shape {
    std::string name;
    std::vector<std::size_t> extents;
    bool operator==(const Shape&) const = default;
};

/// Names and shapes of all tensors, after reading all of them; what cannot be read is left out.
std::vector<Shape> read_all(const std::filesystem::path& path) {
    std::vector<Shape> shapes;
    try {
        const std::unique_ptr<Checkpoint> checkpoint = open_hdf5_file(path);
        (void)checkpoint->embedded_configuration();
        for (const TensorInfo& tensor : checkpoint->tensors()) {
            try {
                const lipcert::Matrix values = checkpoint->read(tensor);
                if (!values.allFinite()) {
                    throw std::logic_error("a value that is not finite was let through");
                }
                shapes.push_back({tensor.name, tensor.shape});
            } catch (const Error&) {
                continue;
            }
        }
    } catch (const Error&) {
        return shapes;
    }
    return shapes;
}

}  // namespace

TEST_CASE("A file that is cut off anywhere is refused") {
    const TemporaryFolder folder;
    for (const bool new_style : {false, true}) {
        const std::string bytes = sample_file(folder, new_style);
        CHECK(read_all(folder / "sample.h5").size() == 7);
        CHECK(isolated(kSeconds, [&] {
                  for (std::size_t length = 0; length < bytes.size(); length += 29) {
                      write_file(folder / "cut.h5", bytes.substr(0, length));
                      (void)lipcert::test::error_of(
                          [&] { (void)open_hdf5_file(folder / "cut.h5"); });
                  }
              }) == "");
    }
}

TEST_CASE("A file with flipped bytes is refused or read, and never crashes or hangs the reader") {
    const TemporaryFolder folder;
    constexpr std::size_t kBatch = 250;
    for (const bool new_style : {false, true}) {
        const std::string bytes = sample_file(folder, new_style);
        const std::vector<Shape> whole = read_all(folder / "sample.h5");
        for (std::size_t batch = 0; batch < lipcert::test::repetitions(5); ++batch) {
            CAPTURE(new_style);
            CAPTURE(batch);
            CHECK(isolated(kSeconds, [&] {
                      Random random(1000 + batch);
                      for (std::size_t i = 0; i < kBatch; ++i) {
                          std::string damaged = bytes;
                          for (std::size_t k = random.integer(1, 4); k-- > 0;) {
                              const std::size_t at = random.integer(0, bytes.size() - 1);
                              damaged[at] = static_cast<char>(random.integer(0, 255));
                          }
                          write_file(folder / "damaged.h5", damaged);
                          (void)read_all(folder / "damaged.h5");
                      }
                  }) == "");
        }
    }
}
