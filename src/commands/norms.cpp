#include "lipcert/report/json_report.hpp"
#include "lipcert/report/text.hpp"

#include <algorithm>
#include <fnmatch.h>

#include "commands/commands.hpp"
#include "commands/session.hpp"

namespace lipcert {

namespace {

bool matches_any(const std::string& name, const std::vector<std::string>& globs) {
    return std::any_of(globs.begin(), globs.end(), [&name](const std::string& glob) {
        return fnmatch(glob.c_str(), name.c_str(), 0) == 0;
    });
}

}  // namespace

ExitCode run_norms(const NormsArguments& arguments, Console& console) {
    const Session session(arguments.common, console);
    const auto checkpoint = session.open();
    const auto wanted = [&arguments](const TensorInfo& tensor) {
        return (arguments.tensors.empty() || matches_any(tensor.name, arguments.tensors)) &&
               !matches_any(tensor.name, arguments.excluded);
    };
    const std::vector<MatrixBound> matrices =
        certify_matrices(*checkpoint, wanted, session.progress());
    session.clear_progress();
    if (matrices.empty()) {
        throw Error(ErrorKind::architecture,
                    checkpoint->path(),
                    "holds no float matrix" +
                        std::string(arguments.tensors.empty() && arguments.excluded.empty()
                                        ? ""
                                        : " that --tensor and --exclude leave over"));
    }
    const ModelIdentity model = identify(*checkpoint);
    session.deliver(norms_json(model, matrices),
                    arguments.common.quiet
                        ? "certified " + counted(matrices.size(), "matrix") + "\n"
                        : render_norms(model, matrices, session.style()));
    return ExitCode::certified;
}

}  // namespace lipcert
