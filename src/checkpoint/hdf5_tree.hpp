#pragma once

#include <string>

#include "checkpoint/hdf5_header.hpp"
#include "checkpoint/hdf5_object.hpp"

namespace lipcert::hdf5 {

/// Throws Error{input} where a B-tree of version 1 that `header` leads to (the members of a group,
/// the chunks of a dataset) is none: libhdf5 1.10 follows its nodes by recursion without looking at
/// their levels, so that a node that leads back to itself ends the process. Every node must stand
/// one level below the one that leads to it and be reached once, and the nodes of a level must
/// follow each other. HDF5 File Format Specification 3.0, III.A.1.
void refuse_tree_loops(const RawBytes& raw, const Header& header, const std::string& where);

}  // namespace lipcert::hdf5
