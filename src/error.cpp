#include "lipcert/error.hpp"

namespace lipcert {

ExitCode exit_code(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::architecture:
            return ExitCode::uncertifiable;
        case ErrorKind::usage:
            return ExitCode::usage;
        case ErrorKind::input:
        case ErrorKind::environment:
        case ErrorKind::internal:
            break;
    }
    return ExitCode::rejected;
}

}  // namespace lipcert
