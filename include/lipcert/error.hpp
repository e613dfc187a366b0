#pragma once

#include <stdexcept>
#include <string>

namespace lipcert {

/// What the process returns; the meaning does not depend on the output format, and an error beats a
/// finding.
enum class ExitCode : int {
    certified = 0,       ///< everything certified and within every limit
    limit_exceeded = 1,  ///< a limit is exceeded, or a regression
    rejected = 2,        ///< unreadable, corrupt, non-finite or refused input; I/O; internal error
    uncertifiable = 3,   ///< nothing could be certified: unknown architecture, missing parameter
    usage = 4            ///< wrong command line or configuration
};

/// Why something failed. Each kind leads to one exit code: see `exit_code`.
enum class ErrorKind {
    input,         ///< the file (or a tensor in it) is unreadable, corrupt, hostile or non-finite
    environment,   ///< the machine cannot be trusted: rounding mode, flushed subnormals, wrong BLAS
    architecture,  ///< the model is not recognised, or a value that decides the bound is missing
    usage,         ///< the command line is wrong
    internal       ///< a broken invariant of lipcert itself
};

[[nodiscard]] ExitCode exit_code(ErrorKind kind);

/// The only exception that lipcert throws on purpose. `message` says what was found, what was
/// expected and what to do; `where` is the file and tensor (may be empty).
class Error : public std::runtime_error {
public:
    Error(ErrorKind kind, std::string where, const std::string& message)
        : std::runtime_error(message), kind_(kind), where_(std::move(where)) {}

    [[nodiscard]] ErrorKind kind() const { return kind_; }

    [[nodiscard]] const std::string& where() const { return where_; }

private:
    ErrorKind kind_;
    std::string where_;
};

}  // namespace lipcert
