#pragma once

#include "lipcert/tensor/tensor_info.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/hdf5_object.hpp"

namespace lipcert::hdf5 {

/// A dataset of a file, and where its object header lies.
struct StoredTensor {
    TensorInfo info;
    haddr_t address = HADDR_UNDEF;
};

struct Link {
    std::string name;
    H5L_type_t type = H5L_TYPE_ERROR;
    haddr_t address = HADDR_UNDEF;  ///< of the object, for a hard link
    std::int64_t order = -1;        ///< of creation, where the group keeps it

    bool operator==(const Link&) const = default;
};

/// The links of a group in the order in which the file keeps them; nothing for more than `most`.
/// Throws Error{input}.
[[nodiscard]] std::optional<std::vector<Link>> links_of(hid_t group,
                                                        std::size_t most,
                                                        const std::string& where);

/// Every dataset that hard links lead to from the root group of an open file, sorted by canonical
/// name. Throws Error{input} for soft, external and user-defined links, a group that is reached
/// twice (a cycle is one such), two datasets of one canonical name, unprintable names, the limits
/// of hdf5_limits.hpp, and what `describe_dataset` refuses.
[[nodiscard]] std::vector<StoredTensor> list_tensors(const Object& file);

}  // namespace lipcert::hdf5
