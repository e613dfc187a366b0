#include "lipcert/checkpoint/memory_checkpoint.hpp"
#include "lipcert/checkpoint/overlay_checkpoint.hpp"

#include "support/thrown.hpp"
#include <doctest/doctest.h>

using lipcert::DataType;
using lipcert::Matrix;
using lipcert::MemoryCheckpoint;
using lipcert::OverlayCheckpoint;
using lipcert::StoredValues;
using lipcert::Vector;

TEST_CASE("An overlay gives the replaced tensors anew and all others as they are") {
    MemoryCheckpoint below;
    below.add("a", Matrix::Constant(2, 3, 1.0));
    below.add("b", Matrix::Constant(2, 2, 2.0));
    below.add_vector("c", Vector::Constant(4, 3.0));
    below.set_configuration("{}");
    OverlayCheckpoint overlay(below);
    CHECK(overlay.read(*overlay.find("a")) == Matrix::Constant(2, 3, 1.0));
    overlay.replace("a", StoredValues::rounded(DataType::float64, Matrix::Constant(2, 3, 5.0)));
    overlay.replace("a", StoredValues::rounded(DataType::float64, Matrix::Constant(2, 3, 6.0)));
    overlay.replace("c", StoredValues::rounded(DataType::float64, Matrix::Constant(4, 1, 7.0)));
    CHECK(overlay.read(*overlay.find("a")) == Matrix::Constant(2, 3, 6.0));
    CHECK(overlay.read(*overlay.find("b")) == Matrix::Constant(2, 2, 2.0));
    CHECK(overlay.read(*overlay.find("c")) == Matrix::Constant(4, 1, 7.0));
    CHECK(below.read(*below.find("a")) == Matrix::Constant(2, 3, 1.0));
    CHECK(overlay.replacements().size() == 2);
    CHECK(overlay.embedded_configuration() == "{}");
    CHECK(overlay.path() == below.path());
}

TEST_CASE("An overlay takes nothing that does not fit its tensor") {
    MemoryCheckpoint below;
    below.add("a", Matrix::Constant(2, 3, 1.0));
    OverlayCheckpoint overlay(below);
    const auto refused = [&overlay](const char* tensor, DataType type, Eigen::Index rows) {
        const lipcert::Error error = lipcert::test::error_of([&] {
            overlay.replace(tensor, StoredValues::rounded(type, Matrix::Zero(rows, 6 / rows)));
        });
        return error.kind() == lipcert::ErrorKind::internal;
    };
    CHECK(refused("b", DataType::float64, 2));
    CHECK(refused("a", DataType::float32, 2));
    CHECK(refused("a", DataType::float64, 3));
    CHECK(overlay.replacements().empty());
}
