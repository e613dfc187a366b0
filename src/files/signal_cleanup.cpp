#include "files/signal_cleanup.hpp"

#include "lipcert/error.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <mutex>
#include <unistd.h>

#include "files/folder.hpp"
#include <climits>

namespace lipcert {

namespace {

constexpr std::array<int, 10> kSignals{
    SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGALRM, SIGUSR1, SIGUSR2, SIGXCPU, SIGXFSZ};

/// What a handler may read at any moment: plain memory behind lock-free flags.
struct Slot {
    std::atomic<pid_t> process = 0;  ///< 0: free; a forked child is not the owner
    std::atomic<int> lock_file = -1;
    std::atomic<int> copy_file = -1;
    std::atomic<bool> has_backup = false;
    int folder = -1;
    std::array<char, NAME_MAX + 1> lock{};
    std::array<char, NAME_MAX + 1> copy{};
    std::array<char, NAME_MAX + 1> backup{};
};

static_assert(std::atomic<pid_t>::is_always_lock_free && std::atomic<bool>::is_always_lock_free &&
              std::atomic<int>::is_always_lock_free);

// Handlers belong to the process; so does what they work on.
std::array<Slot, 8> slots;
std::mutex slots_mutex;

/// How many SignalPauses there are; kEnding once a handler removes files. A handler can run in any
/// thread (those of the BLAS too), so blocking signals in one would not keep the two apart.
std::atomic<int> pauses = 0;
constexpr int kEnding = -1;
std::atomic<int> waiting_signal = 0;  ///< arrived during a pause

void set_name(std::array<char, NAME_MAX + 1>& to, const std::string& name) {
    to[name.copy(to.data(), NAME_MAX)] = '\0';
}

/// Whether the name led to the file, and is removed.
bool remove_own(int folder, const char* name, int file) {
    return leads_to(folder, name, file) && ::unlinkat(folder, name, 0) == 0;
}

void remove_files(const Slot& slot) {
    const bool was_copy_left = remove_own(slot.folder, slot.copy.data(), slot.copy_file);
    if (was_copy_left && slot.has_backup) {
        ::unlinkat(slot.folder, slot.backup.data(), 0);
    }
    remove_own(slot.folder, slot.lock.data(), slot.lock_file);
}

bool is_owner(const Slot& slot) {
    return slot.process == ::getpid();
}

/// Calls nothing but what POSIX allows in a handler.
void remove_and_end(int signal) {
    const int error_number = errno;
    if (std::any_of(slots.begin(), slots.end(), is_owner)) {
        waiting_signal = signal;
        int none = 0;
        if (!pauses.compare_exchange_strong(none, kEnding)) {
            errno = error_number;
            return;  // the last pause raises it again, or another thread is at it already
        }
        for (const Slot& slot : slots) {
            if (is_owner(slot)) {
                remove_files(slot);
            }
        }
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
            action.sa_flags = SA_RESTART;  // the handler may return
            ::sigaction(signal, &action, nullptr);
        }
    }
}

}  // namespace

SignalCleanup::SignalCleanup(int folder) {
    const std::lock_guard<std::mutex> guard(slots_mutex);
    for (slot_ = 0; slot_ < slots.size() && is_owner(slots[slot_]); ++slot_) {
    }
    if (slot_ == slots.size()) {
        throw Error(ErrorKind::internal, "", "more than eight edits at a time in one process");
    }
    Slot& slot = slots[slot_];
    slot.process = 0;  // may be that of a parent
    slot.lock_file = -1;
    slot.copy_file = -1;
    slot.has_backup = false;
    slot.folder = folder;
    slot.process = ::getpid();
    exchange_handlers(SIG_DFL, remove_and_end);
}

SignalCleanup::~SignalCleanup() {
    const std::lock_guard<std::mutex> guard(slots_mutex);
    slots[slot_].process = 0;
    if (std::any_of(slots.begin(), slots.end(), is_owner)) {
        return;
    }
    exchange_handlers(remove_and_end, SIG_DFL);
}

void SignalCleanup::add_lock(const Named& lock) {
    set_name(slots[slot_].lock, lock.name);
    slots[slot_].lock_file = lock.file;
}

void SignalCleanup::add_copy(const Named& copy) {
    set_name(slots[slot_].copy, copy.name);
    slots[slot_].copy_file = copy.file;
}

void SignalCleanup::add_backup(const std::string& name) {
    set_name(slots[slot_].backup, name);
    slots[slot_].has_backup = true;
}

SignalPause::SignalPause() {
    for (int count = pauses; count == kEnding || !pauses.compare_exchange_weak(count, count + 1);) {
        if (count == kEnding) {
            ::pause();  // for the end of the process, which is near
        }
    }
}

SignalPause::~SignalPause() {
    if (pauses.fetch_sub(1) == 1 && waiting_signal != 0) {
        ::raise(waiting_signal);
    }
}

}  // namespace lipcert
