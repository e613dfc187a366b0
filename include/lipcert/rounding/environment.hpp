#pragma once

namespace lipcert {

/// Throws Error{environment} unless the calling thread rounds to nearest, keeps subnormal inputs
/// and results, and computes in double without extra precision: the assumptions of every proof in
/// docs/theorems.md. A single library linked with -ffast-math can break them for the whole process,
/// so this runs before anything is certified.
void require_ieee_environment();

}  // namespace lipcert
