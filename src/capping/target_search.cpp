#include "lipcert/capping/target_search.hpp"

#include "lipcert/capping/cap_model.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <utility>

#include "capping/shrunk_checkpoint.hpp"

namespace lipcert {

namespace {

/// More groups than this cost more evaluations than the better plan is worth.
constexpr std::size_t kMostGroups = 64;
constexpr double kSmallModel = 4e6;  ///< parameters up to which every matrix is a group
/// exp(-kVanishing): the weights are as good as gone, and float16 holds nothing smaller.
constexpr double kVanishing = 23.0;
constexpr double kStep = 0.05;  ///< of the difference quotients

/// The sum of the two directions, each of length 1.
std::vector<double> halfway(const std::vector<double>& a, const std::vector<double>& b) {
    const auto length = [](const std::vector<double>& x) {
        return std::sqrt(std::inner_product(x.begin(), x.end(), x.begin(), 1e-300));
    };
    std::vector<double> result(a.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
        result[i] = a[i] / length(a) + b[i] / length(b);
    }
    return result;
}

struct Trial {
    double multiplier = 0.0;
    double log10_bound = 0.0;
};

/// Two multipliers; the bound meets the target at `above` and not at `below`.
struct Bracket {
    Trial below, above;

    [[nodiscard]] bool is_narrow(double log10_target) const {
        constexpr double kClose = 4e-4;  // a thousandth of the target
        return above.log10_bound > log10_target - kClose ||
               above.multiplier - below.multiplier < 1e-3 * above.multiplier;
    }

    /// Where a straight line meets the target, kept away from both ends.
    [[nodiscard]] double guess(double log10_target) const {
        constexpr double kAway = 0.1;
        const double drop = below.log10_bound - above.log10_bound;
        const double share = std::isfinite(drop) && drop > 0.0
                                 ? (below.log10_bound - log10_target + 1e-4) / drop
                                 : 0.5;
        return below.multiplier +
               std::clamp(share, kAway, 1.0 - 0.5 * kAway) * (above.multiplier - below.multiplier);
    }
};

}  // namespace

TargetSearch::TargetSearch(const Checkpoint& checkpoint,
                           std::vector<CapItem> items,
                           BoundOf log10_bound,
                           const Progress& progress)
    : checkpoint_(checkpoint),
      items_(std::move(items)),
      log10_bound_(std::move(log10_bound)),
      progress_(progress) {
    double parameters = 0.0;
    for (const CapItem& item : items_) {
        parameters += static_cast<double>(item.rows) * static_cast<double>(item.cols);
    }
    const bool each_alone = items_.size() <= kMostGroups && parameters <= kSmallModel;
    std::map<std::string, std::size_t> groups;
    for (const CapItem& item : items_) {
        const Matrix part = part_of(checkpoint.read(*checkpoint.find(item.use.tensor)), item);
        norms_.push_back(limited_norm(part, item).to_double());
        const std::string group = group_name(item, each_alone);
        group_of_.push_back(groups.try_emplace(group, groups.size()).first->second);
    }
    groups_ = groups.size();
    start_ = log10_bound_at(Shrinkage(groups_, 0.0));
}

std::string TargetSearch::group_name(const CapItem& item, bool each_alone) const {
    for (const CapItem& other : items_) {
        if (item.copy_of == other.use.tensor) {
            return group_name(other, each_alone);
        }
    }
    return each_alone ? name_of(item) : item.use.role;
}

/// What need not shrink keeps its own limit.
std::vector<CapItem> TargetSearch::items_at(const Shrinkage& shrinkage) const {
    std::vector<CapItem> items = items_;
    for (std::size_t i = 0; i < items.size(); ++i) {
        const double x = shrinkage[group_of_[i]];
        const double shrunk = norms_[i] * std::exp(-x);
        if (x > 0.0 && shrunk > 0.0) {
            items[i].limit = std::min(items[i].limit, shrunk);
        }
    }
    return items;
}

double TargetSearch::log10_bound_at(const Shrinkage& shrinkage) {
    if (progress_) {
        progress_("choosing limits, evaluation " + std::to_string(evaluations_ + 1), 0, 0);
    }
    ++evaluations_;
    return log10_bound_(ShrunkCheckpoint(checkpoint_, items_at(shrinkage), norms_));
}

TargetSearch::Shrinkage TargetSearch::sensitivities(const Shrinkage& at) {
    const double start = log10_bound_at(at);
    Shrinkage result(groups_, 0.0);
    std::vector<double> members(groups_, 0.0);
    for (const std::size_t group : group_of_) {
        members[group] += 1.0;
    }
    for (std::size_t group = 0; group < groups_; ++group) {
        Shrinkage moved = at;
        moved[group] += kStep;
        // Per member: the cost of a group counts each of its matrices.
        result[group] = std::max((start - log10_bound_at(moved)) / kStep, 0.0) / members[group];
    }
    return result;
}

TargetSearch::Shrinkage TargetSearch::along(const Shrinkage& direction, double log10_target) {
    const double steepest = *std::max_element(direction.begin(), direction.end());
    if (!(steepest > 0.0) || !std::isfinite(steepest)) {
        return {};
    }
    const auto at = [&](double multiplier) {
        Shrinkage shrinkage = direction;
        for (double& x : shrinkage) {
            x = std::min(x / steepest * multiplier, kVanishing);
        }
        return shrinkage;
    };
    Bracket bracket{{0.0, start_}, {0.25, log10_bound_at(at(0.25))}};
    while (bracket.above.log10_bound > log10_target) {
        const double further = 2.0 * bracket.above.multiplier;
        if (further > 16.0 * kVanishing) {
            return {};
        }
        bracket.below = bracket.above;
        bracket.above = {further, log10_bound_at(at(further))};
    }
    // The bound meets the target at `above` throughout, whether or not it is monotone between.
    while (!bracket.is_narrow(log10_target)) {
        const double between = bracket.guess(log10_target);
        const Trial trial{between, log10_bound_at(at(between))};
        (trial.log10_bound > log10_target ? bracket.below : bracket.above) = trial;
    }
    return at(bracket.above.multiplier);
}

double TargetSearch::change(const Shrinkage& shrinkage) const {
    double sum = 0.0;
    for (const std::size_t group : group_of_) {
        sum += shrinkage[group] * shrinkage[group];
    }
    return std::sqrt(sum / static_cast<double>(group_of_.size()));
}

double TargetSearch::log10_floor() {
    return log10_bound_at(Shrinkage(groups_, kVanishing));
}

TargetSearch::Shrinkage TargetSearch::best_direction(double log10_target) {
    constexpr int kRounds = 2;
    Shrinkage best;
    Shrinkage direction(groups_, 1.0);
    for (int round = 0; round <= kRounds; ++round) {
        const Shrinkage solution = along(direction, log10_target);
        if (solution.empty()) {
            break;
        }
        if (best.empty() || change(solution) < change(best)) {
            best = solution;
        }
        if (round < kRounds) {
            direction = halfway(direction, sensitivities(solution));
        }
    }
    return best;
}

std::vector<CapItem> TargetSearch::plan(double log10_target) {
    if (start_ <= log10_target) {
        return items_at(Shrinkage(groups_, 0.0));
    }
    if (direction_.empty()) {
        direction_ = best_direction(log10_target);
        return direction_.empty() ? std::vector<CapItem>() : items_at(direction_);
    }
    const Shrinkage further = along(direction_, log10_target);
    return further.empty() ? std::vector<CapItem>() : items_at(further);
}

}  // namespace lipcert
