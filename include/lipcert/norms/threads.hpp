#pragma once

namespace lipcert {

/// How many threads the BLAS may use for one matrix from now on; the process starts with one per
/// core. Small matrices get one thread in any case. The count belongs to the process and is lowered
/// and restored around small work, so that norms may not be computed by several threads of the
/// caller at a time.
void set_thread_count(int threads);

[[nodiscard]] int thread_count();

}  // namespace lipcert
