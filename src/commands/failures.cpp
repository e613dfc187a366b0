#include "commands/failures.hpp"

#include "lipcert/printable.hpp"

#include <exception>
#include <new>
#include <string>

namespace lipcert {

Error current_error() {
    try {
        throw;
    } catch (const Error& error) {
        return error;
    } catch (const std::bad_alloc&) {
        return {ErrorKind::input, "", "out of memory: the model needs more than there is"};
    } catch (const std::exception& error) {
        return {ErrorKind::internal, "", error.what()};
    }
}

std::string message_of(const Error& error) {
    // The place can be a file's or tensor's name.
    return (error.where().empty() ? "" : printable(error.where()) + ": ") + printable(error.what());
}

ExitCode report_error(const Console& console, const Error& error) {
    if (console.err_is_terminal) {
        std::fputs("\r\x1b[K", console.err);
    }
    std::fputs(("lipcert: error: " + message_of(error) + "\n").c_str(), console.err);
    return exit_code(error.kind());
}

}  // namespace lipcert
