#pragma once

#include <filesystem>

namespace lipcert {

/// Opens an HDF5 file, walks it and looks up every chunk in a confined child process, so that what
/// libhdf5 does not survive ends that process alone. Returns where the child came to its end;
/// throws Error{input}: what the child refused the file for, or that it crashed, hung or did what
/// no reader does.
void try_hdf5_file(const std::filesystem::path& path);

}  // namespace lipcert
