#pragma once

namespace lipcert {

/// About how many bytes `spectral_norm` needs beside a matrix of rows x cols doubles: a Gram
/// matrix of the smaller side, which is factored in place, the same in float32, a panel, and
/// blocks of the Gram matrix in the making on four threads (each further one makes up to 8 MiB).
/// The last resort of a search that fails, all eigenvectors, is not counted.
[[nodiscard]] double norm_memory(double rows, double cols);

/// About how many of these bytes the program keeps for the next matrix of the size.
[[nodiscard]] double recycled_memory(double rows, double cols);

}  // namespace lipcert
