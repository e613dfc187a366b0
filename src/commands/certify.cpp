#include "lipcert/report/run_report.hpp"
#include "lipcert/report/terminal_report.hpp"

#include <utility>

#include "commands/commands.hpp"
#include "commands/failures.hpp"
#include "commands/model_files.hpp"
#include "commands/outputs.hpp"
#include "commands/session.hpp"

namespace lipcert {

namespace {

Certificate certify_model(const CertifyArguments& arguments,
                          const CommonOptions& common,
                          Console& console) {
    const Session session(common, console);
    const auto checkpoint = session.open();
    const Configuration configuration = session.configuration(*checkpoint);
    const Architecture architecture = session.architecture(*checkpoint, configuration);
    Certificate certificate =
        certify(*checkpoint,
                architecture,
                {arguments.limits, arguments.sequence_length, session.progress()});
    session.clear_progress();
    return certificate;
}

/// A model that fails is reported and does not keep the others from being certified; wrong usage
/// ends the run.
ModelResult result_for(const CertifyArguments& arguments,
                       const std::filesystem::path& model,
                       Console& console) {
    CommonOptions common = arguments.common;
    common.model = model;
    ModelResult result;
    result.path = model.string();
    try {
        result.certificate = certify_model(arguments, common, console);
        result.checks = checks_of(*result.certificate);
    } catch (...) {
        const Error error = current_error();
        if (error.kind() == ErrorKind::usage) {
            throw;
        }
        result.error_code = report_error(console, error);
        result.error = message_of(error);
    }
    return result;
}

}  // namespace

ExitCode run_certify(const CertifyArguments& given, Console& console) {
    CertifyArguments arguments = given;
    arguments.models = model_files(given.models);
    const Outputs outputs(arguments, console);
    RunResult run;
    for (const std::filesystem::path& model : arguments.models) {
        run.models.push_back(result_for(arguments, model, console));
    }
    const TerminalStyle style = style_for(arguments.common, console);
    outputs.deliver(run, render_run(run, style), render_run_verdict(run));
    const ExitCode code = run.exit_code();
    return code == ExitCode::limit_exceeded && arguments.exit_zero ? ExitCode::certified : code;
}

}  // namespace lipcert
