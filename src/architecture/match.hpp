#pragma once

#include "lipcert/checkpoint/checkpoint.hpp"
#include "lipcert/checkpoint/configuration.hpp"

#include <map>
#include <string>
#include <variant>

#include "architecture/language/syntax.hpp"

namespace lipcert {

/// How a family meets a checkpoint: what stands around all its names, the prefix in them, and the
/// sizes that its shapes bind.
struct Match {
    struct Size {
        long value = 0;
        std::string source;  ///< "shape of wte.weight"
    };

    std::string wrapper;  ///< "", "_orig_mod.", "model.module.", ...
    std::string prefix;
    std::map<std::string, Size> sizes;
};

struct Mismatch {
    std::string reason;
    bool tensors_match = false;  ///< only the configuration speaks against the family
};

/// Tests the conditions under "recognise".
[[nodiscard]] std::variant<Match, Mismatch> match(const language::Family& family,
                                                  const Checkpoint& checkpoint,
                                                  const Configuration& configuration);

/// `text` behind the wrapper, with {prefix} replaced, and {index} where `index` is not empty.
[[nodiscard]] std::string expand(std::string text,
                                 const Match& match,
                                 const std::string& index = "",
                                 std::size_t layer = 0);

}  // namespace lipcert
