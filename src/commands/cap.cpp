#include "lipcert/bounds/compose.hpp"
#include "lipcert/capping/cap_outcome.hpp"
#include "lipcert/error.hpp"
#include "lipcert/report/cap_report.hpp"
#include "lipcert/rounding/limit.hpp"

#include <memory>
#include <utility>

#include "commands/cap_reports.hpp"
#include "commands/cap_rules.hpp"
#include "commands/commands.hpp"
#include "commands/session.hpp"
#include "norms/large_matrix.hpp"

namespace lipcert {

namespace {

std::optional<CapTarget> target_of(const CapArguments& arguments) {
    if (!arguments.target) {
        return std::nullopt;
    }
    CapTarget target;
    target.text = *arguments.target;
    target.bound = arguments.bound;
    target.value = parse_limit("--target-lipschitz", *arguments.target);
    require_bound_name(arguments.bound);
    return target;
}

bool writes_somewhere(const CapArguments& arguments) {
    return arguments.destination.output.has_value() || arguments.in_place;
}

/// Contradictions that no command-line parser sees.
void validate(const CapArguments& arguments) {
    if (arguments.csv || arguments.svg) {
        throw Error(ErrorKind::usage, "--csv, --svg", "need --frontier");
    }
    if (arguments.target && is_decay(arguments.method) && !arguments.until_limit) {
        throw Error(ErrorKind::usage,
                    "--target-lipschitz",
                    "one step of a decay goes where it goes: add --until-limit");
    }
    if (arguments.destination.output && arguments.in_place) {
        throw Error(ErrorKind::usage, "", "-o and --in-place exclude each other");
    }
    if (!writes_somewhere(arguments) && !arguments.dry_run) {
        throw Error(ErrorKind::usage,
                    "",
                    "where the result goes is missing: -o OUT, --in-place or --dry-run");
    }
    if (arguments.matrices_only && arguments.target) {
        throw Error(ErrorKind::usage,
                    "--matrices-only",
                    "a target needs the architecture, which --matrices-only leaves out");
    }
    if (arguments.matrices_only && arguments.norm == LimitNorm::rms) {
        throw Error(ErrorKind::usage,
                    "--norm rms",
                    "needs inputs and outputs of each matrix, which --matrices-only leaves open");
    }
    if (arguments.until_limit && arguments.limits.empty() && !arguments.target) {
        throw Error(ErrorKind::usage, "--until-limit", "needs --limit or --target-lipschitz");
    }
}

/// The limit of every linear map where the user states none: a target or a single decay says how
/// far to go.
std::optional<std::string> default_limit(const CapArguments& arguments) {
    const bool open =
        arguments.target.has_value() || (is_decay(arguments.method) && !arguments.until_limit);
    return open ? std::optional<std::string>(kNoLimit) : std::nullopt;
}

/// One run of `cap`: plan, cap in memory, and unless that fails or is all that was asked for,
/// write, prove the stored bytes, put them in place.
class CapRun {
public:
    CapRun(const CapArguments& arguments, const Session& session)
        : arguments_(arguments),
          session_(session),
          checkpoint_(session.open()),
          progress_(session.progress()) {
        require_possible();
        if (!arguments.matrices_only) {
            configuration_ = session.configuration(*checkpoint_);
            architecture_ = session.architecture(*checkpoint_, configuration_);
        }
        state_task();
    }

    CapOutcome run() {
        CapOutcome outcome;
        outcome.settings = task_.settings;
        outcome.norm = arguments_.norm;
        outcome.target = task_.target;
        outcome.dry_run = arguments_.dry_run;
        if (architecture_) {
            outcome.before = compose(*architecture_, *checkpoint_, {task_.sequence_length, {}});
        }
        CappedModel capped = cap_to_limits(*checkpoint_, architecture(), task_, progress_);
        outcome.model = identify(*checkpoint_);
        require_same_architecture(*capped.weights);
        outcome.after = capped.bounds;
        outcome.log10_floor = capped.log10_floor;
        outcome.obstacle = capped.obstacle;
        outcome.meets_target = capped.meets_target;
        outcome.holds = capped.holds();
        if (outcome.holds && !arguments_.dry_run) {
            write(capped, outcome);
        }
        outcome.rows = std::move(capped.rows);
        return outcome;
    }

private:
    [[nodiscard]] const Architecture* architecture() const {
        return architecture_ ? &*architecture_ : nullptr;
    }

    /// What can be refused is refused before the work, and by a rehearsal too.
    void require_possible() const {
        if (writes_somewhere(arguments_)) {
            CheckpointEdit::require_possible(*checkpoint_, arguments_.destination);
        }
        require_apart_from_reports(arguments_);
    }

    void state_task() {
        task_.items =
            cap_items(architecture_ ? weight_uses(*architecture_) : every_matrix(*checkpoint_),
                      *checkpoint_,
                      limit_rules(arguments_, default_limit(arguments_)));
        if (task_.items.empty()) {
            throw Error(
                ErrorKind::architecture, checkpoint_->path(), "holds no matrix in scope to cap");
        }
        task_.settings = {arguments_.method, arguments_.decay, arguments_.until_limit};
        task_.target = target_of(arguments_);
        task_.sequence_length = arguments_.sequence_length;
    }

    /// A stored copy of a tied head must still be one: capped weights are read like any others.
    void require_same_architecture(const Checkpoint& weights) const {
        if (architecture_) {
            (void)session_.architecture(weights, configuration_);
        }
    }

    void write(const CappedModel& capped, CapOutcome& outcome) const {
        const auto& replacements = capped.weights->replacements();
        if (replacements.empty() && arguments_.in_place) {
            return;
        }
        CheckpointEdit edit(*checkpoint_, arguments_.destination);
        for (const auto& [name, values] : replacements) {
            edit.write(name, values);
        }
        outcome.after = certify_stored(edit.check(), architecture(), capped, task_, progress_);
        outcome.written = edit.commit();
    }

    const CapArguments& arguments_;
    const Session& session_;
    std::unique_ptr<Checkpoint> checkpoint_;
    Configuration configuration_;
    std::optional<Architecture> architecture_;
    CapTask task_;
    Progress progress_;
};

}  // namespace

ExitCode run_cap(const CapArguments& arguments, Console& console) {
    if (!arguments.frontier.empty()) {
        return run_frontier(arguments, console);
    }
    validate(arguments);
    const Session session(arguments.common, console);
    keep_all_freed_memory();
    const CapOutcome outcome = CapRun(arguments, session).run();
    session.clear_progress();
    session.deliver(cap_json(outcome),
                    arguments.common.quiet ? render_cap_verdict(outcome)
                                           : render_cap(outcome, session.style()));
    return outcome.holds ? ExitCode::certified : ExitCode::limit_exceeded;
}

}  // namespace lipcert
