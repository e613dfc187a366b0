#include "lipcert/capping/frontier.hpp"

#include <utility>

namespace lipcert {

Upper total_relative_change(const std::vector<CapRow>& rows) {
    Upper moved;
    Lower whole;
    for (const CapRow& row : rows) {
        const Enclosure& norm = row.result.before.frobenius;
        moved += square(row.result.relative_frobenius_change.upper() * norm.upper());
        whole = whole + norm.lower() * norm.lower();
    }
    return moved.is_zero() ? Upper() : sqrt(moved) / sqrt(whole);
}

FrontierPoint frontier_point(const Checkpoint& checkpoint,
                             const Architecture& architecture,
                             const CapTask& task,
                             const std::vector<TokenSequence>& sequences,
                             const Progress& progress) {
    CappedModel capped = cap_to_limits(checkpoint, &architecture, task, progress);
    FrontierPoint point;
    point.bounds = std::move(*capped.bounds);
    point.rows = std::move(capped.rows);
    point.relative_change = total_relative_change(point.rows);
    if (!sequences.empty()) {
        point.evaluation = evaluate(Transformer(architecture, *capped.weights),
                                    sequences,
                                    [&progress](std::size_t done, std::size_t total) {
                                        if (progress) {
                                            progress("predicting tokens", done, total);
                                        }
                                    });
    }
    return point;
}

}  // namespace lipcert
