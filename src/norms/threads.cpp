#include "lipcert/norms/threads.hpp"

#include <cblas.h>

#include "norms/thread_limit.hpp"

namespace lipcert {

namespace {

/// About ten milliseconds of one core, two or three time slices.
constexpr double kWorthThreads = 0x1p28;

}  // namespace

void set_thread_count(int threads) {
    openblas_set_num_threads(threads);
}

int thread_count() {
    return openblas_get_num_threads();
}

ThreadLimit::ThreadLimit(double multiply_adds) : threads_before_(openblas_get_num_threads()) {
    if (multiply_adds < kWorthThreads) {
        openblas_set_num_threads(1);
    }
}

ThreadLimit::~ThreadLimit() {
    openblas_set_num_threads(threads_before_);
}

}  // namespace lipcert
