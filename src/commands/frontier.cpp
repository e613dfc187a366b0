#include "lipcert/capping/frontier.hpp"

#include "lipcert/error.hpp"
#include "lipcert/printable.hpp"
#include "lipcert/report/frontier_report.hpp"

#include <utility>

#include "commands/cap_reports.hpp"
#include "commands/cap_rules.hpp"
#include "commands/commands.hpp"
#include "commands/session.hpp"
#include "commands/token_source.hpp"
#include <fmt/format.h>

namespace lipcert {

namespace {

void validate(const CapArguments& arguments) {
    const bool writes = arguments.destination.output || arguments.in_place;
    if (writes || arguments.target || arguments.matrices_only) {
        throw Error(ErrorKind::usage,
                    "--frontier",
                    "only reports: it goes with neither -o, --in-place, --target-lipschitz nor "
                    "--matrices-only");
    }
    for (const std::string& limit : arguments.limits) {
        if (limit.find('=') == std::string::npos) {
            throw Error(
                ErrorKind::usage,
                "--limit",
                "would override every limit of --frontier: give it a GLOB, or leave it out");
        }
    }
    if (is_decay(arguments.method) && !arguments.until_limit) {
        throw Error(ErrorKind::usage,
                    "--frontier",
                    "one step of a decay reaches no limit: add --until-limit");
    }
    require_bound_name(arguments.bound);
}

}  // namespace

ExitCode run_frontier(const CapArguments& arguments, Console& console) {
    validate(arguments);
    const Session session(arguments.common, console);
    const auto checkpoint = session.open();
    require_apart_from_reports(arguments);
    const Configuration configuration = session.configuration(*checkpoint);
    const Architecture architecture = session.architecture(*checkpoint, configuration);
    const std::vector<TokenSequence> sequences = sequences_of(arguments.tokens, configuration);
    if (arguments.tokens.is_given()) {
        require_known_tokens(sequences, architecture, *checkpoint);
    }
    const std::vector<WeightUse> uses = weight_uses(architecture);
    const Progress progress = session.progress();
    Frontier frontier;
    frontier.method = name_of(arguments.method);
    frontier.bound = arguments.bound;
    CapTask task;
    task.settings = {arguments.method, arguments.decay, arguments.until_limit};
    task.sequence_length = arguments.sequence_length;
    frontier.points.push_back(frontier_point(*checkpoint, architecture, task, sequences, progress));
    ExitCode code = ExitCode::certified;
    for (const std::string& limit : arguments.frontier) {
        task.items = cap_items(uses, *checkpoint, limit_rules(arguments, limit));
        try {
            FrontierPoint point =
                frontier_point(*checkpoint, architecture, task, sequences, progress);
            point.limit = limit;
            frontier.points.push_back(std::move(point));
        } catch (const UnreachableLimit& error) {
            session.clear_progress();
            write_text(console.err,
                       fmt::format("lipcert: no point at {}: {}: {}\n",
                                   printable(limit),
                                   printable(error.where()),
                                   error.what()));
            code = ExitCode::limit_exceeded;
        }
    }
    frontier.model = identify(*checkpoint);
    session.clear_progress();
    if (arguments.csv) {
        session.write_file(*arguments.csv, frontier_csv(frontier));
    }
    if (arguments.svg) {
        session.write_file(*arguments.svg, frontier_svg(frontier));
    }
    session.deliver(frontier_json(frontier), render_frontier(frontier));
    return code;
}

}  // namespace lipcert
