#include "lipcert/printable.hpp"
#include "lipcert/report/json_report.hpp"
#include "lipcert/report/text.hpp"

#include <algorithm>
#include <fnmatch.h>
#include <set>

#include "commands/commands.hpp"
#include "commands/report_places.hpp"
#include "commands/session.hpp"
#include <fmt/format.h>

namespace lipcert {

namespace {

bool matches_any(const std::string& name, const std::vector<std::string>& globs) {
    return std::any_of(globs.begin(), globs.end(), [&name](const std::string& glob) {
        return fnmatch(glob.c_str(), name.c_str(), 0) == 0;
    });
}

/// What the table leaves out must not look as if it were covered.
std::string not_read_line(const std::vector<TensorInfo>& tensors) {
    if (tensors.empty()) {
        return "";
    }
    std::set<std::string> types;
    for (const TensorInfo& tensor : tensors) {
        types.insert(tensor.stored_type);
    }
    return fmt::format("not read, for they hold no floats: {} ({}), such as {}\n",
                       counted(tensors.size(), "tensor"),
                       fmt::join(types, ", "),
                       printable(tensors.front().name));
}

}  // namespace

ExitCode run_norms(const NormsArguments& arguments, Console& console) {
    require_json_apart(arguments.common, {});
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
    std::vector<TensorInfo> not_read;
    for (const TensorInfo& tensor : checkpoint->tensors()) {
        if (tensor.shape.size() >= 2 && may_stay_unread(tensor) && wanted(tensor)) {
            not_read.push_back(tensor);
        }
    }
    session.deliver(
        norms_json(model, matrices, not_read),
        (arguments.common.quiet ? "certified " + counted(matrices.size(), "matrix") + "\n"
                                : render_norms(model, matrices, session.style())) +
            not_read_line(not_read));
    return ExitCode::certified;
}

}  // namespace lipcert
