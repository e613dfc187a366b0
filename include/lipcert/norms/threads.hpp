#pragma once

namespace lipcert {

/// How many threads the BLAS may use for one matrix from now on; the process starts with one per
/// core. Small matrices get one thread in any case.
void set_thread_count(int threads);

}  // namespace lipcert
