#pragma once

#include <functional>

#include <Eigen/Core>

namespace lipcert {

/// Calls work(0), ..., work(count - 1), on as many threads as the BLAS may use, or on
/// the calling one where `operations` (of all pieces, about) are too few to be worth it; meanwhile
/// each call of the BLAS has one thread. OpenBLAS' own threads meet by spinning at every
/// step of a factorisation, which costs time slices as soon as another process wants a core; these
/// take the next piece of work, in this order, until none is left; so a piece may wait for earlier
/// ones, and for no others. What is computed must not depend on which end first. The first
/// exception of a piece is rethrown after all threads have ended.
void for_each_piece(Eigen::Index count,
                    double operations,
                    const std::function<void(Eigen::Index)>& work);

/// In a loop that waits for an earlier piece, with its count: tells the processor, and now and then
/// gives the core to whoever wants it.
void wait_briefly(unsigned look);

/// What passing over a matrix once costs, as `operations`.
[[nodiscard]] double operations_of_pass(Eigen::Index rows, Eigen::Index cols);

/// Calls work(begin, end) for consecutive ranges of rows that cover 0 ... rows - 1 of a matrix with
/// `cols` columns, as above, for work that passes over the matrix once. The ranges do not depend on
/// the number of threads.
void for_each_row_range(Eigen::Index rows,
                        Eigen::Index cols,
                        const std::function<void(Eigen::Index, Eigen::Index)>& work);

/// Calls work(i) for each row of a matrix, as above.
template <typename Work>
void for_each_row(Eigen::Index rows, Eigen::Index cols, const Work& work) {
    for_each_row_range(rows, cols, [&](Eigen::Index begin, Eigen::Index end) {
        for (Eigen::Index i = begin; i < end; ++i) {
            work(i);
        }
    });
}

/// Calls work(begin, end) for consecutive ranges of rows that cover 0 ... rows - 1, one for each
/// thread and none of less than 64 rows: for work that costs the same for every row and is done
/// best in long stretches, such as one call of the BLAS. `operations` is of all rows.
void for_each_share(Eigen::Index rows,
                    double operations,
                    const std::function<void(Eigen::Index, Eigen::Index)>& work);

}  // namespace lipcert
