#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>

namespace lipcert::test {

/// Everything that libhdf5 says about a file, object by object: the path of each object, and in
/// words its kind, type, shape, layout, chunks, filters, fill value, attributes with their values,
/// link, and the bytes of its elements. Written against libhdf5 alone, so that it can disagree with
/// what lipcert believes to have compared.
[[nodiscard]] std::map<std::string, std::string> hdf5_tree(
    const std::filesystem::path& path, const std::set<std::string>& without_values = {});

}  // namespace lipcert::test
