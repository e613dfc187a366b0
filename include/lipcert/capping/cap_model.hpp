#pragma once

#include "lipcert/capping/cap_items.hpp"
#include "lipcert/capping/cap_matrix.hpp"
#include "lipcert/certificate/certify.hpp"
#include "lipcert/checkpoint/overlay_checkpoint.hpp"

#include <string>
#include <vector>

namespace lipcert {

/// How every item is capped; the limit is the item's own.
struct CapSettings {
    CapMethod method = CapMethod::normalize;
    double decay = 0.1;
    bool until_limit = false;
};

/// What happened to one item.
struct CapRow {
    CapItem item;
    std::string type;      ///< "float16", ...
    bool changed = false;  ///< some stored number is another one
    CapResult result;      ///< without the values, which stand in the overlay
};

/// Caps every item of `checkpoint` and lays the changed tensors over it. Items of one tensor must
/// not overlap. Throws UnreachableLimit that names the tensor where one cannot be brought under its
/// limit in its stored type.
[[nodiscard]] std::vector<CapRow> cap_model(OverlayCheckpoint& overlay,
                                            const std::vector<CapItem>& items,
                                            const CapSettings& settings,
                                            const Progress& progress);

/// The part of a stored tensor that an item names, and back again.
[[nodiscard]] Matrix part_of(const Matrix& tensor, const CapItem& item);
void set_part(Matrix& tensor, const CapItem& item, const Matrix& values);

/// What the limit of an item is on, from above: |W|_2, or the largest norm of an output's row.
[[nodiscard]] Upper limited_norm(const Matrix& part, const CapItem& item);

}  // namespace lipcert
