#include "norms/parallel.hpp"

#include "lipcert/rounding/environment.hpp"

#include <algorithm>
#include <atomic>
#include <cblas.h>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <unistd.h>

#include "norms/thread_limit.hpp"

namespace lipcert {

namespace {

/// After so many looks, a thread that waits gives its core away, and looks at the clock.
constexpr unsigned kLooks = 64;

/// About a tenth of a millisecond; waking a thread that sleeps takes a fifth of that.
constexpr double kWorthThreads = 0x1p21;
/// How long a thread looks for the next job, or for the end of one, before it sleeps: the passes of
/// one norm follow each other faster than a thread wakes up.
constexpr std::chrono::microseconds kPatience(200);
/// Entries of a matrix that one thread passes over at a time, small enough for its cache.
constexpr Eigen::Index kEntriesAtOnce = 0x1 << 16;
/// Passing over an entry takes about as long as this many multiply-adds of a product.
constexpr double kOperationsOfPass = 16.0;

/// The least number of rows that make a call of the BLAS worth its packing.
constexpr Eigen::Index kRowsOfShare = 64;

Eigen::Index threads_for(double operations) {
    return operations < kWorthThreads ? 1 : openblas_get_num_threads();
}

/// Pieces that threads take one after the other.
class Pieces {
public:
    Pieces(Eigen::Index count, const std::function<void(Eigen::Index)>& work)
        : count_(count), work_(work) {}

    void take_all() noexcept {
        try {
            for (Eigen::Index i = next_++; i < count_; i = next_++) {
                work_(i);
            }
        } catch (...) {
            const std::lock_guard<std::mutex> lock(mutex_);
            if (!failure_) {
                failure_ = std::current_exception();
            }
            next_ = count_;
        }
    }

    /// For a thread of its own: rounding modes belong to a thread.
    void take_all_checked() noexcept {
        try {
            require_ieee_environment();
        } catch (...) {
            const std::lock_guard<std::mutex> lock(mutex_);
            failure_ = std::current_exception();
            next_ = count_;
            return;
        }
        take_all();
    }

    void rethrow() const {
        if (failure_) {
            std::rethrow_exception(failure_);
        }
    }

private:
    const Eigen::Index count_;
    const std::function<void(Eigen::Index)>& work_;
    std::atomic<Eigen::Index> next_ = 0;
    std::mutex mutex_;
    std::exception_ptr failure_;
};

/// Whether `condition` comes true while it is worth to wait awake. A thread that wants the core
/// gets it.
template <typename Condition>
bool comes_soon(const Condition& condition) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    for (unsigned look = 0; look % kLooks != 0 || std::chrono::steady_clock::now() < end; ++look) {
        if (condition()) {
            return true;
        }
        wait_briefly(look);
    }
    return condition();
}

/// Threads that wait for pieces, for as long as the process lives: starting one takes as long as
/// many a job. One job at a time.
class Workers {
public:
    /// Never destroyed: the threads have no end of their own, and a fork has them not at all.
    static Workers& of_process() {
        static Workers& workers = *new Workers;  // NOLINT(cppcoreguidelines-owning-memory)
        return workers;
    }

    /// Takes all pieces, with up to `others` threads beside the calling one.
    void take_all(Pieces& pieces, Eigen::Index others) {
        if (others < 1) {
            pieces.take_all();
            return;
        }
        const Turn turn(is_busy_);
        if (!turn.is_ours() || ::getpid() != process_) {
            pieces.take_all();
            return;
        }
        offer(pieces, others);
        pieces.take_all();
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            wanted_ = 0;  // whoever has not come yet is not needed
        }
        static_cast<void>(comes_soon([this] { return active_ == 0; }));
        std::unique_lock<std::mutex> lock(mutex_);
        left_.wait(lock, [this] { return active_ == 0; });
    }

private:
    /// Who comes while a job is done, also from one of its pieces, has no turn.
    class Turn {
    public:
        explicit Turn(std::atomic<bool>& is_busy)
            : is_busy_(is_busy), is_ours_(!is_busy.exchange(true)) {}

        ~Turn() {
            if (is_ours_) {
                is_busy_ = false;
            }
        }

        Turn(const Turn&) = delete;
        Turn& operator=(const Turn&) = delete;
        Turn(Turn&&) = delete;
        Turn& operator=(Turn&&) = delete;

        [[nodiscard]] bool is_ours() const { return is_ours_; }

    private:
        std::atomic<bool>& is_busy_;
        const bool is_ours_;
    };

    void offer(Pieces& pieces, Eigen::Index others) {
        const std::lock_guard<std::mutex> lock(mutex_);
        try {
            while (count_ < others) {
                std::thread([this] { work(); }).detach();
                ++count_;
            }
        } catch (const std::system_error&) {  // a limit on threads: those that there are do it
        }
        job_ = &pieces;
        wanted_ = std::min(others, count_);
        offered_.notify_all();
    }

    [[noreturn]] void work() {
        while (true) {
            static_cast<void>(comes_soon([this] { return wanted_ > 0; }));
            std::unique_lock<std::mutex> lock(mutex_);
            offered_.wait(lock, [this] { return wanted_ > 0; });
            --wanted_;
            ++active_;
            Pieces& pieces = *job_;
            lock.unlock();
            pieces.take_all_checked();
            lock.lock();
            --active_;
            left_.notify_one();
        }
    }

    const pid_t process_ = ::getpid();
    std::atomic<bool> is_busy_ = false;
    std::mutex mutex_;
    std::condition_variable offered_, left_;
    Pieces* job_ = nullptr;
    Eigen::Index count_ = 0;  ///< threads
    // Written under the lock, and looked at without it.
    std::atomic<Eigen::Index> wanted_ = 0;  ///< threads that may still take the job
    std::atomic<Eigen::Index> active_ = 0;  ///< threads that are at it
};

}  // namespace

void for_each_piece(Eigen::Index count,
                    double operations,
                    const std::function<void(Eigen::Index)>& work) {
    const Eigen::Index threads = std::min(threads_for(operations), count);
    const ThreadLimit one_each(0.0);
    Pieces pieces(count, work);
    Workers::of_process().take_all(pieces, threads - 1);
    pieces.rethrow();
}

void wait_briefly(unsigned look) {
#ifdef __x86_64__
    __builtin_ia32_pause();
#endif
    if (look % kLooks == kLooks - 1) {
        std::this_thread::yield();
    }
}

double operations_of_pass(Eigen::Index rows, Eigen::Index cols) {
    return kOperationsOfPass * static_cast<double>(rows) * static_cast<double>(cols);
}

void for_each_row_range(Eigen::Index rows,
                        Eigen::Index cols,
                        const std::function<void(Eigen::Index, Eigen::Index)>& work) {
    const Eigen::Index length =
        std::max<Eigen::Index>(kEntriesAtOnce / std::max<Eigen::Index>(cols, 1), 1);
    for_each_piece(
        (rows + length - 1) / length, operations_of_pass(rows, cols), [&](Eigen::Index piece) {
            const Eigen::Index begin = piece * length;
            work(begin, std::min(begin + length, rows));
        });
}

void for_each_share(Eigen::Index rows,
                    double operations,
                    const std::function<void(Eigen::Index, Eigen::Index)>& work) {
    const Eigen::Index threads = threads_for(operations);
    const Eigen::Index length = std::max((rows + threads - 1) / threads, kRowsOfShare);
    for_each_piece((rows + length - 1) / length, operations, [&](Eigen::Index piece) {
        const Eigen::Index begin = piece * length;
        work(begin, std::min(begin + length, rows));
    });
}

}  // namespace lipcert
