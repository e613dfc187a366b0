#include "lipcert/certificate/assumptions.hpp"
#include "lipcert/report/json_report.hpp"

#include "commands/commands.hpp"
#include "commands/session.hpp"

namespace lipcert {

ExitCode run_certify(const CertifyArguments& arguments, Console& console) {
    validate_limits(arguments.limits, arguments.sequence_length);
    const Session session(arguments.common, console);
    const auto checkpoint = session.open();
    const Configuration configuration = session.configuration(*checkpoint);
    const Architecture architecture = session.architecture(*checkpoint, configuration);
    CertifyOptions options;
    options.limits = arguments.limits;
    options.sequence_length = arguments.sequence_length;
    options.progress = session.progress();
    if (arguments.assumptions) {
        options.conditions = read_conditions(*arguments.assumptions);
    }
    const Certificate certificate = certify(*checkpoint, architecture, options);
    session.clear_progress();
    session.deliver(certificate_json(certificate),
                    arguments.common.quiet ? render_verdict(certificate)
                                           : render_certificate(certificate, session.style()));
    return certificate.within_limits() || arguments.exit_zero ? ExitCode::certified
                                                              : ExitCode::limit_exceeded;
}

}  // namespace lipcert
