#pragma once

#include <string>

#include <hdf5.h>

namespace lipcert::hdf5 {

/// Whether two objects have equal attributes, where these do not lie in the object header but in a
/// structure of their own (more than eight of them, or over 64 KiB, in files of the newer style);
/// true where there is none. Throws Error{input} for variable-length values: libhdf5 1.10 does not
/// read them safely, and in that structure lipcert does not find them.
[[nodiscard]] bool have_equal_far_attributes(hid_t a, hid_t b, const std::string& where);

}  // namespace lipcert::hdf5
