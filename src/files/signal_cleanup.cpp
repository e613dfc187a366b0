#include "files/signal_cleanup.hpp"

#include "lipcert/error.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <unistd.h>

#include <climits>

namespace lipcert {

namespace {

constexpr std::array<int, 7> kSignals{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGXCPU, SIGXFSZ};

/// What a handler may read at any moment: plain memory behind lock-free flags.
struct Slot {
    std::atomic<pid_t> process = 0;  ///< 0: free; a forked child is not the owner
    std::atomic<bool> has_backup = false;
    int folder = -1;
    std::array<char, NAME_MAX + 1> copy{};
    std::array<char, NAME_MAX + 1> lock{};
    std::array<char, NAME_MAX + 1> backup{};
};

static_assert(std::atomic<pid_t>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

// Handlers belong to the process; so does what they work on.
std::array<Slot, 8> slots;
std::mutex slots_mutex;

void set_name(std::array<char, NAME_MAX + 1>& to, const std::string& name) {
    to[name.copy(to.data(), NAME_MAX)] = '\0';
}

/// Calls nothing but what POSIX allows in a handler.
void remove_and_end(int signal) {
    const int error_number = errno;
    for (const Slot& slot : slots) {
        if (slot.process != ::getpid()) {
            continue;
        }
        const bool was_copy_left = ::unlinkat(slot.folder, slot.copy.data(), 0) == 0;
        if (was_copy_left && slot.has_backup) {
            ::unlinkat(slot.folder, slot.backup.data(), 0);
        }
        ::unlinkat(slot.folder, slot.lock.data(), 0);
    }

    struct sigaction usual {};

    usual.sa_handler = SIG_DFL;
    ::sigaction(signal, &usual, nullptr);
    ::raise(signal);  // waits until this handler has returned
    errno = error_number;
}

sigset_t all_signals() {
    sigset_t set{};
    ::sigemptyset(&set);
    for (const int signal : kSignals) {
        ::sigaddset(&set, signal);
    }
    return set;
}

/// Puts `to` where `from` is, for each of the signals.
void exchange_handlers(void (*from)(int), void (*to)(int)) {
    for (const int signal : kSignals) {
        struct sigaction current {};

        if (::sigaction(signal, nullptr, &current) == 0 && (current.sa_flags & SA_SIGINFO) == 0 &&
            current.sa_handler == from) {
            struct sigaction action {};

            action.sa_handler = to;
            action.sa_mask = all_signals();
            ::sigaction(signal, &action, nullptr);
        }
    }
}

}  // namespace

SignalCleanup::SignalCleanup(int folder, const std::string& copy, const std::string& lock) {
    const std::lock_guard<std::mutex> guard(slots_mutex);
    for (slot_ = 0; slot_ < slots.size() && slots[slot_].process == ::getpid(); ++slot_) {
    }
    if (slot_ == slots.size()) {
        throw Error(ErrorKind::internal, "", "more than eight edits at a time in one process");
    }
    Slot& slot = slots[slot_];
    slot.process = 0;  // may be that of a parent
    slot.has_backup = false;
    slot.folder = folder;
    set_name(slot.copy, copy);
    set_name(slot.lock, lock);
    slot.process = ::getpid();
    exchange_handlers(SIG_DFL, remove_and_end);
}

SignalCleanup::~SignalCleanup() {
    const std::lock_guard<std::mutex> guard(slots_mutex);
    slots[slot_].process = 0;
    for (const Slot& slot : slots) {
        if (slot.process == ::getpid()) {
            return;
        }
    }
    exchange_handlers(remove_and_end, SIG_DFL);
}

void SignalCleanup::add_backup(const std::string& name) {
    set_name(slots[slot_].backup, name);
    slots[slot_].has_backup = true;
}

SignalPause::SignalPause() {
    const sigset_t set = all_signals();
    ::pthread_sigmask(SIG_BLOCK, &set, &before_);
}

SignalPause::~SignalPause() {
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

}  // namespace lipcert
