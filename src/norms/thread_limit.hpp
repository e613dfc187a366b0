#pragma once

namespace lipcert {

/// Keeps the BLAS to one thread for a call that is not worth more, and restores the count
/// afterwards. OpenBLAS' workers wait for each other by spinning: where another process has their
/// core, every step of a short call costs whole time slices of the scheduler (measured with three
/// busy processes on two cores: a Cholesky factor of 768 rows in 600 ms instead of 20). The count
/// is the process's: two of these on different threads may restore each other's.
class ThreadLimit {
public:
    /// `multiply_adds`: of the longest stretch that the threads work on without a meeting.
    explicit ThreadLimit(double multiply_adds);
    ~ThreadLimit();
    ThreadLimit(const ThreadLimit&) = delete;
    ThreadLimit& operator=(const ThreadLimit&) = delete;
    ThreadLimit(ThreadLimit&&) = delete;
    ThreadLimit& operator=(ThreadLimit&&) = delete;

private:
    int threads_before_;
};

}  // namespace lipcert
