#pragma once

#include "lipcert/architecture/graph.hpp"

#include <string>
#include <vector>

namespace lipcert::test {

/// The tensors that a model reads, in the order of execution; a tied one comes up again.
[[nodiscard]] std::vector<std::string> tensor_names(const Architecture& architecture);

}  // namespace lipcert::test
