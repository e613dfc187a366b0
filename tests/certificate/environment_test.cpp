#include "lipcert/capping/cap_run.hpp"
#include "lipcert/certificate/certify.hpp"
#include "lipcert/checkpoint/memory_checkpoint.hpp"

#include "support/float_environment.hpp"
#include <doctest/doctest.h>

using namespace lipcert;
using lipcert::test::is_refused_without_ieee;

// Nothing in them needs a matrix, whose own guard would refuse later.

TEST_CASE("certification is refused at its start where arithmetic is not IEEE 754") {
    MemoryCheckpoint checkpoint;
    checkpoint.add_vector("bias", Vector::Ones(3));
    CHECK(is_refused_without_ieee(
        [&] { static_cast<void>(certify_matrices(checkpoint, nullptr, nullptr)); }));
    CHECK(is_refused_without_ieee([&] { static_cast<void>(certify(checkpoint, {}, {})); }));
    CHECK(certify_matrices(checkpoint, nullptr, nullptr).empty());
}

TEST_CASE("capping is refused at its start where arithmetic is not IEEE 754") {
    MemoryCheckpoint checkpoint;
    checkpoint.add_vector("bias", Vector::Ones(3));
    CHECK(is_refused_without_ieee(
        [&] { static_cast<void>(cap_to_limits(checkpoint, nullptr, {}, nullptr)); }));
    CHECK(cap_to_limits(checkpoint, nullptr, {}, nullptr).rows.empty());
}
