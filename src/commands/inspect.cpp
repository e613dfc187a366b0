#include "lipcert/report/inspect_report.hpp"

#include "commands/commands.hpp"
#include "commands/report_places.hpp"
#include "commands/session.hpp"

namespace lipcert {

ExitCode run_inspect(const InspectArguments& arguments, Console& console) {
    require_json_apart(arguments.common, {});
    const Session session(arguments.common, console);
    const auto checkpoint = session.open();
    const Configuration configuration = session.configuration(*checkpoint);
    std::optional<FamilyDescription> description;
    if (arguments.common.architecture) {
        description = read_family(*arguments.common.architecture);
    }
    InspectedModel model{checkpoint->path(),
                         checkpoint->format(),
                         configuration.source,
                         inspect(*checkpoint, configuration, description ? &*description : nullptr),
                         norms_memory(*checkpoint),
                         std::nullopt,
                         arguments.common.max_memory};
    if (model.inspection.architecture) {
        model.certify = certify_memory(*model.inspection.architecture, *checkpoint);
    }
    const bool is_complete = model.inspection.problem.empty();
    session.deliver(inspection_json(model),
                    arguments.common.quiet
                        ? std::string(is_complete ? "complete" : "cannot be certified") + "\n"
                        : render_inspection(model, session.style()));
    return is_complete ? ExitCode::certified : ExitCode::uncertifiable;
}

}  // namespace lipcert
