#include "norms/start_vectors.hpp"

namespace lipcert::estimate {

Matrix StartVectors::next(Eigen::Index count, Eigen::Index size) {
    Matrix result(count, size);
    for (double& entry : result.reshaped<Eigen::RowMajor>()) {
        state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
        entry = static_cast<double>(static_cast<std::int64_t>(state_)) * 0x1p-63;
    }
    return result;
}

}  // namespace lipcert::estimate
