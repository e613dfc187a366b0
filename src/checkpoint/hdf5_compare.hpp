#pragma once

#include <set>

#include "checkpoint/byte_ranges.hpp"
#include "checkpoint/hdf5_checkpoint.hpp"

namespace lipcert::hdf5 {

/// What an edit was about, and what libhdf5 did for it.
struct EditedParts {
    std::set<haddr_t> datasets;  ///< where their headers lie
    ByteRanges written;          ///< in the file
};

/// Compares two files, of which one began as a copy of the other, and throws Error{input} unless
/// they are equal in everything but the elements of `edited.datasets`: the bytes that libhdf5 has
/// not written; groups, links, datasets and stored types at the same places, with the same
/// descriptions and attributes bit for bit and the same stored bytes; variable-length data. Of an
/// edited dataset the type, shape, layout, chunks, filters and attributes are compared, not the
/// time of its last change.
void require_equal_but(const Hdf5Checkpoint& source,
                       const Hdf5Checkpoint& copy,
                       const EditedParts& edited);

}  // namespace lipcert::hdf5
