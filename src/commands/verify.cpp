#include "lipcert/verification/verify.hpp"

#include "lipcert/error.hpp"

#include "commands/commands.hpp"
#include "commands/report_places.hpp"
#include "commands/session.hpp"
#include "files/regular_file.hpp"

namespace lipcert {

namespace {

std::string text_of(const std::filesystem::path& path) {
    RegularFile file(path);
    if (file.size() > kLargestCertificate) {
        throw Error(ErrorKind::input, path.string(), "is too large for a certificate");
    }
    return file.read(0, file.size());
}

}  // namespace

ExitCode run_verify(const VerifyArguments& arguments, Console& console) {
    require_json_apart(arguments.common, {{arguments.certificate, "the certificate"}});
    const StatedCertificate stated(text_of(arguments.certificate), arguments.certificate.string());
    const Session session(arguments.common, console);
    const auto checkpoint = session.open();
    const Configuration configuration = session.configuration(*checkpoint);
    const Architecture architecture = session.architecture(*checkpoint, configuration);
    const Verification verification =
        verify(stated, *checkpoint, architecture, configuration, session.progress());
    session.clear_progress();
    session.deliver(verification_json(verification),
                    render_verification(verification, arguments.common.quiet));
    return verification.is_confirmed() ? ExitCode::certified : ExitCode::limit_exceeded;
}

}  // namespace lipcert
