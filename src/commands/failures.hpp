#pragma once

#include "lipcert/commands/console.hpp"
#include "lipcert/error.hpp"

#include <string>

namespace lipcert {

/// The exception that is being handled, whatever it is, as an `Error`. To be called in a handler.
[[nodiscard]] Error current_error();

/// "tensor or file: what is wrong", printable, without a line end.
[[nodiscard]] std::string message_of(const Error& error);

/// One line on standard error, over a line of progress if there is one; the exit code it leads to.
ExitCode report_error(const Console& console, const Error& error);

}  // namespace lipcert
