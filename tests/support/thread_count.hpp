#pragma once

#include "lipcert/norms/threads.hpp"

namespace lipcert::test {

/// So many threads while it lives.
class ThreadCount {
public:
    explicit ThreadCount(int count) : before_(thread_count()) { set_thread_count(count); }

    ~ThreadCount() { set_thread_count(before_); }

    ThreadCount(const ThreadCount&) = delete;
    ThreadCount& operator=(const ThreadCount&) = delete;
    ThreadCount(ThreadCount&&) = delete;
    ThreadCount& operator=(ThreadCount&&) = delete;

private:
    int before_;
};

}  // namespace lipcert::test
