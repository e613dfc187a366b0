#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

namespace lipcert {

/// Opens an HDF5 file, walks it and looks up every chunk in a confined child process, so that what
/// libhdf5 does not survive ends that process alone. Returns where the child came to its end;
/// throws Error{input}: what the child refused the file for, or that it crashed, hung or did what
/// no reader does.
void try_hdf5_file(const std::filesystem::path& path);

/// The same for a file in memory; `name` stands for its path.
void try_hdf5_image(std::span<const std::byte> bytes, const std::string& name);

}  // namespace lipcert
