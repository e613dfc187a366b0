#pragma once

#include <csignal>
#include <cstddef>
#include <string>

namespace lipcert {

/// While it lives, the signals that usually end a process (SIGINT, SIGTERM, SIGHUP, SIGQUIT,
/// SIGPIPE, SIGXCPU, SIGXFSZ) first remove the copy, the lock and, unless the copy has become the
/// file, the backup; then they end the process as ever. A signal that the program ignores or
/// handles itself is left alone. Nothing can be done about SIGKILL.
class SignalCleanup {
public:
    /// Names in the open folder. Throws Error{internal} for the ninth at a time.
    SignalCleanup(int folder, const std::string& copy, const std::string& lock);
    SignalCleanup(const SignalCleanup&) = delete;
    SignalCleanup& operator=(const SignalCleanup&) = delete;
    SignalCleanup(SignalCleanup&&) = delete;
    SignalCleanup& operator=(SignalCleanup&&) = delete;
    ~SignalCleanup();

    void add_backup(const std::string& name);

private:
    std::size_t slot_;
};

/// Keeps those signals from this thread for the length of a scope.
class SignalPause {
public:
    SignalPause();
    SignalPause(const SignalPause&) = delete;
    SignalPause& operator=(const SignalPause&) = delete;
    SignalPause(SignalPause&&) = delete;
    SignalPause& operator=(SignalPause&&) = delete;
    ~SignalPause();

private:
    sigset_t before_{};
};

}  // namespace lipcert
