#pragma once

#include "lipcert/architecture/description.hpp"
#include "lipcert/architecture/graph.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace lipcert {

/// What a family makes of one tensor of a checkpoint.
struct InspectedTensor {
    TensorInfo info;
    enum class Place {
        placed,   ///< a pattern took it
        ignored,  ///< it bears nothing
        unplaced  ///< nothing says what it is: certification stops
    } place = Place::unplaced;
    std::string role;  ///< empty where the model is not complete
    std::optional<std::size_t> layer;
    std::string pattern;  ///< what took it; for an unplaced one the nearest, possibly empty
    std::string where;    ///< the place of that pattern in the family's document
};

/// A hyper-parameter that is nowhere, and how to supply it.
struct MissingParameter {
    std::string name;
    std::vector<std::string> keys;  ///< of the configuration, any of which would do
};

/// All that can be said about a model, complete or not.
struct Inspection {
    std::optional<Architecture> architecture;  ///< where the model is complete
    std::string family;                        ///< the recognised one, or the closest; may be empty
    bool is_recognised = false;
    std::string problem;  ///< what certification would be refused with; empty: nothing
    std::vector<InspectedTensor> tensors;  ///< in the order of the model, then of their names
    /// As far as they can be resolved; where the model is complete, those that it uses.
    std::vector<Architecture::Parameter> parameters;
    std::vector<MissingParameter> missing;
};

/// Looks at the whole model without stopping at the first thing that is wrong. `description`: the
/// only family to try; nullptr: the built-in ones.
[[nodiscard]] Inspection inspect(const Checkpoint& checkpoint,
                                 const Configuration& configuration,
                                 const FamilyDescription* description);

}  // namespace lipcert
