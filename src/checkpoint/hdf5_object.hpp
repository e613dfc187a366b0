#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include <hdf5.h>

namespace lipcert::hdf5 {

/// The bytes of a file beside libhdf5, for what it does not read safely.
struct RawBytes {
    /// Up to `count` bytes from `offset`; fewer only where the file ends.
    std::function<std::string(std::uint64_t offset, std::size_t count)> read;
    std::uint64_t base = 0;  ///< where address 0 of HDF5 lies: behind the user block
};

/// An open group or dataset, and what is needed to speak about it. Borrows everything.
struct Object {
    hid_t id;
    const std::string& where;  ///< "file: tensor", for messages
    const RawBytes& raw;
};

}  // namespace lipcert::hdf5
