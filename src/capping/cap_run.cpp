#include "lipcert/capping/cap_run.hpp"

#include "lipcert/bounds/compose.hpp"
#include "lipcert/capping/target_search.hpp"
#include "lipcert/error.hpp"
#include "lipcert/rounding/environment.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

namespace lipcert {

namespace {

ComposeOptions options_of(const CapTask& task, const Progress& progress) {
    ComposeOptions options;
    options.sequence_length = task.sequence_length;
    if (progress) {
        options.progress = [&progress](const std::string& step) { progress(step, 0, 0); };
    }
    return options;
}

const Bound& target_bound(const NetworkBounds& bounds, const CapTarget& target) {
    const Bound* bound = find_bound(bounds, target.bound);
    if (bound == nullptr) {
        throw Error(ErrorKind::usage, "--bound", "'" + target.bound + "' needs --sequence-length");
    }
    return *bound;
}

CappedModel cap_once(const Checkpoint& checkpoint,
                     const Architecture* architecture,
                     const CapTask& task,
                     const Progress& progress) {
    CappedModel model;
    model.weights = std::make_unique<OverlayCheckpoint>(checkpoint);
    model.rows = cap_model(*model.weights, task.items, task.settings, progress);
    if (architecture != nullptr) {
        model.bounds = compose(*architecture, *model.weights, options_of(task, progress));
    }
    return model;
}

/// Cap, compose; plan for less and again while the proved bound is above the target.
class TargetLoop {
public:
    TargetLoop(const Checkpoint& checkpoint,
               const Architecture& architecture,
               CapTask task,
               const Progress& progress)
        : checkpoint_(checkpoint),
          architecture_(architecture),
          task_(std::move(task)),
          progress_(progress) {}

    CappedModel run() {
        // The limits that the user states may be enough; what meets the target already must not
        // move on its account.
        CappedModel stated = attempt();
        return stated.meets_target ? std::move(stated) : plan();
    }

private:
    CappedModel plan() {
        constexpr int kRounds = 8;
        constexpr double kClose = 0.01;  // 2 % below the target
        TargetSearch search(
            checkpoint_,
            task_.items,
            [this](const Checkpoint& shrunk) { return log10_bound(shrunk); },
            progress_);
        const double wanted = Upper::of(task_.target->value.value()).log10();
        double aim = wanted;
        double reached = -std::numeric_limits<double>::infinity();
        CappedModel best;
        std::string obstacle;
        for (int round = 0; round < kRounds && reached < wanted - kClose; ++round) {
            task_.items = search.plan(aim);
            if (task_.items.empty()) {
                break;
            }
            CappedModel model;
            try {
                model = attempt();
            } catch (const UnreachableLimit& error) {
                obstacle = error.where() + ": " + error.what();
                break;
            }
            const double found = log10_of(model);
            if (model.meets_target && found > reached) {
                reached = found;
                best = std::move(model);
            } else if (!best.bounds) {
                best = std::move(model);
            }
            // Plans are made with cheaper bounds, which are larger; capping may lower other things.
            aim += wanted - found - 1e-3;
            if (!std::isfinite(aim) || !search.can_move(aim)) {
                break;
            }
        }
        return best.bounds && best.meets_target
                   ? std::move(best)
                   : failed(std::move(best), std::move(obstacle), search);
    }

    /// The limits of the task, and whether they meet the target.
    [[nodiscard]] CappedModel attempt() const {
        CappedModel model = cap_once(checkpoint_, &architecture_, task_, progress_);
        model.meets_target =
            proves_at_most(target_bound(*model.bounds, *task_.target).upper, task_.target->value);
        return model;
    }

    [[nodiscard]] double log10_of(const CappedModel& model) const {
        return target_bound(*model.bounds, *task_.target).upper.log10();
    }

    [[nodiscard]] double log10_bound(const Checkpoint& weights) const {
        return target_bound(
                   compose(architecture_, weights, {task_.sequence_length, {}, Effort::fast}),
                   *task_.target)
            .upper.log10();
    }

    /// What can be shown of a target that was not met: the weights as far as they went.
    CappedModel failed(CappedModel model, std::string obstacle, TargetSearch& search) const {
        if (!model.bounds) {
            model.weights = std::make_unique<OverlayCheckpoint>(checkpoint_);
            model.bounds = compose(architecture_, checkpoint_, options_of(task_, progress_));
            if (obstacle.empty()) {
                model.log10_floor = search.log10_floor();
            }
        }
        model.obstacle = std::move(obstacle);
        model.meets_target = false;
        return model;
    }

    const Checkpoint& checkpoint_;
    const Architecture& architecture_;
    CapTask task_;
    const Progress& progress_;
};

}  // namespace

bool CappedModel::holds() const {
    return meets_target && std::all_of(rows.begin(), rows.end(), [](const CapRow& row) {
               return row.result.within_limit;
           });
}

CappedModel cap_to_limits(const Checkpoint& checkpoint,
                          const Architecture* architecture,
                          const CapTask& task,
                          const Progress& progress) {
    require_ieee_environment();
    if (!task.target) {
        return cap_once(checkpoint, architecture, task, progress);
    }
    if (architecture == nullptr) {
        throw Error(ErrorKind::internal, "", "a target needs an architecture");
    }
    return TargetLoop(checkpoint, *architecture, task, progress).run();
}

std::optional<NetworkBounds> certify_stored(const Checkpoint& stored,
                                            const Architecture* architecture,
                                            const CappedModel& capped,
                                            const CapTask& task,
                                            const Progress& progress) {
    std::size_t done = 0;
    for (const CapRow& row : capped.rows) {
        if (progress) {
            progress("certifying " + name_of(row.item), done, capped.rows.size());
        }
        ++done;
        const Matrix part = part_of(stored.read(*stored.find(row.item.use.tensor)), row.item);
        if (row.result.within_limit &&
            !proves_at_most(limited_norm(part, row.item), Lower::exact(row.item.limit))) {
            throw Error(ErrorKind::internal,
                        stored.path() + ": " + name_of(row.item),
                        "what was stored cannot be proved to be within the limit");
        }
    }
    if (architecture == nullptr) {
        return std::nullopt;
    }
    NetworkBounds bounds = compose(*architecture, stored, options_of(task, progress));
    if (task.target && capped.meets_target &&
        !proves_at_most(target_bound(bounds, *task.target).upper, task.target->value)) {
        throw Error(ErrorKind::internal,
                    stored.path(),
                    "what was stored cannot be proved to meet the target");
    }
    return bounds;
}

}  // namespace lipcert
