#pragma once

#include <cstddef>
#include <string>

namespace lipcert {

/// While it lives, the signals that usually end a process (SIGINT, SIGTERM, SIGHUP, SIGQUIT,
/// SIGPIPE, SIGALRM, SIGUSR1, SIGUSR2, SIGXCPU, SIGXFSZ) first remove the copy, the lock and,
/// unless the copy has become the file, the backup; then they end the process as ever, in whichever
/// thread they arrive. A signal that the program ignores or handles itself is left alone. Nothing
/// can be done about SIGKILL.
class SignalCleanup {
public:
    /// An open file and its name in the folder; the name is removed only as long as it leads to it.
    struct Named {
        std::string name;
        int file;
    };

    /// Throws Error{internal} for the ninth at a time.
    explicit SignalCleanup(int folder);
    SignalCleanup(const SignalCleanup&) = delete;
    SignalCleanup& operator=(const SignalCleanup&) = delete;
    SignalCleanup(SignalCleanup&&) = delete;
    SignalCleanup& operator=(SignalCleanup&&) = delete;
    ~SignalCleanup();

    void add_lock(const Named& lock);
    void add_copy(const Named& copy);
    void add_backup(const std::string& name);

private:
    std::size_t slot_;
};

/// A scope in which files are made, renamed or removed, together with what is noted about them for
/// the signals: one that arrives meanwhile, in any thread, ends the process when the scope does.
/// Once a signal is at work no such scope begins any more.
class SignalPause {
public:
    SignalPause();
    SignalPause(const SignalPause&) = delete;
    SignalPause& operator=(const SignalPause&) = delete;
    SignalPause(SignalPause&&) = delete;
    SignalPause& operator=(SignalPause&&) = delete;
    ~SignalPause();
};

}  // namespace lipcert
