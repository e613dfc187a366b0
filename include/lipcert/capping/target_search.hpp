#pragma once

#include "lipcert/capping/cap_items.hpp"
#include "lipcert/certificate/certify.hpp"

#include <functional>
#include <string>
#include <vector>

namespace lipcert {

/// Chooses limits under which the composed bound meets a target. What comes out is a plan: it
/// is found by evaluating the composition on shrunk weights in floating point, and proves nothing
/// until the capped weights are certified.
///
/// With sigma_i shrunk to sigma_i exp(-x_i), the plan looks for the least sum x_i^2 that meets the
/// bound. There x = mu g(x), g_i = -d log(bound)/d x_i: starting from the uniform plan, the
/// direction is moved halfway to the sensitivities at the solution found so far, three times; on
/// each direction mu is found by bisection, and the best solution is kept. Where there are many
/// matrices, those of one role share x.
///
/// Changes are counted as logarithms, so that no matrix is given up to spare the others: counted as
/// 1 - exp(-x), which never exceeds 1, the cheapest plan would nearly always be to scale the
/// unembedding to nothing, which moves every logit and hardly any prediction.
class TargetSearch {
public:
    /// log10 of the bound to be met for a checkpoint; +inf where there is no finite one.
    using BoundOf = std::function<double(const Checkpoint&)>;

    /// `items`: what may be capped; each item's limit is the most it may keep.
    TargetSearch(const Checkpoint& checkpoint,
                 std::vector<CapItem> items,
                 BoundOf log10_bound,
                 const Progress& progress);

    /// Items with the limits of the least change found whose bound is at most 10^log10_target;
    /// empty where even vanishing weights would not meet it. The direction in which weights shrink
    /// is chosen by the first call; later ones only go along it.
    [[nodiscard]] std::vector<CapItem> plan(double log10_target);

    /// A plan for this target is another one than that of the checkpoint as it is.
    [[nodiscard]] bool can_move(double log10_target) const { return log10_target < start_; }

    /// log10 of the bound as all items vanish: no target below can be met.
    [[nodiscard]] double log10_floor();

private:
    using Shrinkage = std::vector<double>;  ///< x, one per group

    /// What shrinks together; a copy does so with what it is a copy of.
    [[nodiscard]] std::string group_name(const CapItem& item, bool each_alone) const;
    [[nodiscard]] std::vector<CapItem> items_at(const Shrinkage& shrinkage) const;
    [[nodiscard]] double log10_bound_at(const Shrinkage& shrinkage);
    [[nodiscard]] Shrinkage sensitivities(const Shrinkage& at);
    [[nodiscard]] Shrinkage along(const Shrinkage& direction, double log10_target);
    [[nodiscard]] Shrinkage best_direction(double log10_target);
    [[nodiscard]] double change(const Shrinkage& shrinkage) const;

    const Checkpoint& checkpoint_;
    std::vector<CapItem> items_;
    std::vector<double> norms_;          ///< of each item: sigma_1, or its largest row
    std::vector<std::size_t> group_of_;  ///< of each item
    std::size_t groups_ = 0;
    BoundOf log10_bound_;
    const Progress& progress_;
    double start_ = 0.0;   ///< log10 of the bound before anything shrinks
    Shrinkage direction_;  ///< empty until a plan was made
    std::size_t evaluations_ = 0;
};

}  // namespace lipcert
