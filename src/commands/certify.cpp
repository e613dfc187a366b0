#include "lipcert/certificate/assumptions.hpp"
#include "lipcert/comparison/baseline.hpp"
#include "lipcert/report/block_explanation.hpp"
#include "lipcert/report/run_report.hpp"
#include "lipcert/report/terminal_report.hpp"

#include <optional>
#include <utility>

#include "commands/commands.hpp"
#include "commands/failures.hpp"
#include "commands/measured.hpp"
#include "commands/model_files.hpp"
#include "commands/outputs.hpp"
#include "commands/probe.hpp"
#include "commands/session.hpp"

namespace lipcert {

namespace {

void certify_model(const CertifyArguments& arguments,
                   const CommonOptions& common,
                   Console& console,
                   Outputs& outputs,
                   ModelResult& result) {
    const Session session(common, console);
    const auto checkpoint = session.open();
    outputs.keep(session.models());
    const Configuration configuration = session.configuration(*checkpoint);
    const Architecture architecture = session.architecture(*checkpoint, configuration);
    CertifyOptions options;
    options.limits = arguments.limits;
    options.sequence_length = arguments.sequence_length;
    options.progress = session.progress();
    options.keep_evidence = arguments.certificate.has_value();
    options.effort = arguments.effort;
    options.inputs = arguments.inputs;
    options.longest_stream = arguments.longest_stream;
    if (arguments.explained) {
        require_block(architecture, *arguments.explained);  // a wrong name must not cost an hour
    }
    if (arguments.assumptions) {
        options.conditions = read_conditions(*arguments.assumptions);
    }
    Certificate certificate = certify(*checkpoint, architecture, options);
    session.clear_progress();
    if (certificate.evidence) {
        certificate.evidence->configuration_sha256 = configuration_digest(configuration);
    }
    if (arguments.witness.wanted) {
        const Transformer model(architecture, *checkpoint);
        result.witnesses =
            searched_witnesses(model, *checkpoint, certificate.bounds, arguments.witness, session);
    }
    result.checks = checks_of(certificate);
    // Last: where anything before has failed, there is no certificate.
    result.certificate = std::move(certificate);
}

void apply(const CertifyArguments& arguments, const Baseline& baseline, ModelResult& result) {
    BaselineVerdict verdict = apply_baseline(std::move(result.checks),
                                             measures_of(*result.certificate),
                                             baseline,
                                             arguments.tolerance,
                                             today());
    result.checks = std::move(verdict.checks);
    result.baseline = arguments.baseline->string();
    result.notices = std::move(verdict.notices);
}

/// A model that fails is reported and does not keep the others from being certified; wrong usage
/// ends the run.
ModelResult result_for(const CertifyArguments& arguments,
                       const std::filesystem::path& model,
                       Console& console,
                       Outputs& outputs) {
    CommonOptions common = arguments.common;
    common.model = model;
    ModelResult result;
    result.path = model.string();
    try {
        certify_model(arguments, common, console, outputs, result);
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

ExitCode run_certify(const CertifyArguments& arguments, Console& console) {
    validate_limits(arguments.limits, arguments.sequence_length);
    CertifyArguments expanded = arguments;
    expanded.models = model_files(arguments.models);
    Outputs outputs(expanded, console);
    if (expanded.witness.file && expanded.models.size() != 1) {
        throw Error(ErrorKind::usage, "--witness-out", "is of one model; name one");
    }
    std::optional<Baseline> baseline;
    if (expanded.baseline) {
        if (expanded.models.size() != 1) {
            throw Error(ErrorKind::usage, "--baseline", "is of one model; name one");
        }
        baseline = read_baseline_file(*expanded.baseline);
    }
    if (expanded.inputs == InputSet::embeddings && expanded.witness.wanted) {
        throw Error(ErrorKind::usage,
                    "--witness",
                    "does not go with --inputs embeddings: its inputs are searched in the whole "
                    "ball, which a bound of mixtures of embeddings is not about");
    }
    if (expanded.certificate && expanded.models.size() != 1) {
        throw Error(ErrorKind::usage, "--certificate", "is of one model; name one");
    }
    RunResult run;
    for (const std::filesystem::path& model : expanded.models) {
        run.models.push_back(result_for(expanded, model, console, outputs));
        if (baseline && run.models.back().certificate) {
            apply(expanded, *baseline, run.models.back());
        }
    }
    const TerminalStyle style = style_for(expanded.common, console);
    std::string view = render_run(run, style);
    for (const ModelResult& model : run.models) {
        if (expanded.explained && model.certificate) {
            view += "\n" + block_explanation(*model.certificate, *expanded.explained);
        }
    }
    outputs.deliver(run, view, render_run_verdict(run));
    const ExitCode code = run.exit_code();
    return code == ExitCode::limit_exceeded && expanded.exit_zero ? ExitCode::certified : code;
}

}  // namespace lipcert
