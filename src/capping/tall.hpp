#pragma once

#include "lipcert/norms/matrix_ball.hpp"

#include "capping/job.hpp"

namespace lipcert::capping {

/// W or its transpose, whichever has at least as many rows as columns.
struct Tall {
    explicit Tall(const Job& job) : is_transposed(job.stored.rows() < job.stored.cols()) {
        matrix =
            is_transposed ? MatrixBall::of(job.stored.transpose()) : MatrixBall::of(job.stored);
    }

    /// About |W|_2 in the units of the matrix' centre.
    [[nodiscard]] double norm(const Job& job) const {
        return job.norm.spectral.upper().scaled(-matrix.exponent()).to_double();
    }

    bool is_transposed = false;
    MatrixBall matrix;
};

}  // namespace lipcert::capping
