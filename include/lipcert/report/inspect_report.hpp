#pragma once

#include "lipcert/architecture/inspection.hpp"
#include "lipcert/bounds/memory_need.hpp"
#include "lipcert/report/terminal_report.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace lipcert {

/// A checkpoint and what was made of it, as `inspect` shows it.
struct InspectedModel {
    std::string path, format;
    std::string configuration;  ///< where the hyper-parameters came from
    Inspection inspection;
    MemoryNeed norms;                              ///< of `lipcert norms`
    std::optional<MemoryNeed> certify;             ///< where the model is complete
    std::optional<std::uint64_t> max_memory = {};  ///< bytes, where it was stated
};

/// Tensors with their places, tensors of all layers in one line unless verbose; hyper-parameters
/// with their sources; what is missing and how to supply it; what has no place; the memory that a
/// run needs.
[[nodiscard]] std::string render_inspection(const InspectedModel& model,
                                            const TerminalStyle& style);

/// schema "lipcert-inspection-1", every tensor.
[[nodiscard]] std::string inspection_json(const InspectedModel& model);

}  // namespace lipcert
