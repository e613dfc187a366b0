#include "lipcert/comparison/difference.hpp"
#include "lipcert/report/diff_report.hpp"

#include "commands/commands.hpp"
#include "commands/measured.hpp"
#include "commands/report_places.hpp"
#include "commands/session.hpp"

namespace lipcert {

ExitCode run_diff(const DiffArguments& arguments, Console& console) {
    require_json_apart(arguments.common, {{arguments.before, "the old side"}});
    Measures before = measured(arguments.before, arguments.common, console);
    Measures now = measured(arguments.common.model, arguments.common, console);
    const Difference difference = compare(std::move(now), std::move(before), arguments.tolerance);
    const Session session(arguments.common, console);
    session.deliver(difference_json(difference),
                    arguments.common.quiet ? render_difference_verdict(difference)
                                           : render_difference(difference, session.style()));
    return difference.has_regression() && !arguments.exit_zero ? ExitCode::limit_exceeded
                                                               : ExitCode::certified;
}

}  // namespace lipcert
