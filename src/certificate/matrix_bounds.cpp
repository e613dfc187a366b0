#include "certificate/matrix_bounds.hpp"

#include "lipcert/norms/second_proof.hpp"
#include "lipcert/rounding/limit.hpp"

#include <limits>
#include <utility>

#include "norms/parallel.hpp"

namespace lipcert {

namespace {

/// What is read before norms are formed: 32 MB of doubles, or one matrix.
constexpr Eigen::Index kEntriesAtOnce = 0x1 << 22;

MatrixBound bound_matrix(const Matrix& values,
                         const TensorInfo& tensor,
                         const CertifyOptions* options) {
    MatrixBound result;
    result.name = tensor.name;
    result.rows = static_cast<std::size_t>(values.rows());
    result.cols = static_cast<std::size_t>(values.cols());
    result.type = name_of(tensor.type);
    if (options == nullptr || options->recheck == nullptr) {
        result.norm = spectral_norm(values);
        return result;
    }
    const std::map<std::string, NormMethod>& methods = options->recheck->methods;
    const auto made_by = methods.find(tensor.name);
    std::optional<Lower> goal;
    if (options->limits.max_spectral_norm) {
        goal = parse_limit("--max-spectral-norm", *options->limits.max_spectral_norm);
    }
    result.norm.method = made_by == methods.end() ? NormMethod::elementary : made_by->second;
    const SecondProof proof = second_proof(values, result.norm.method, goal);
    result.norm.spectral = proof.spectral;
    result.norm.frobenius = proof.frobenius;
    return result;
}

/// Matrices that are in memory together.
struct Batch {
    std::vector<const TensorInfo*> tensors;
    std::vector<Matrix> values;
    Eigen::Index entries = 0;
};

void bound_batch(Batch batch, const CertifyOptions* options, std::vector<MatrixBound>& bounds) {
    std::vector<MatrixBound> found(batch.values.size());
    const auto bound_one = [&](std::size_t i) {
        found[i] = bound_matrix(batch.values[i], *batch.tensors[i], options);
    };
    if (found.size() == 1) {
        bound_one(0);
    } else {
        for_each_piece(static_cast<Eigen::Index>(found.size()),
                       std::numeric_limits<double>::infinity(),
                       [&](Eigen::Index i) { bound_one(static_cast<std::size_t>(i)); });
    }
    for (MatrixBound& bound : found) {
        bounds.push_back(std::move(bound));
    }
}

}  // namespace

std::vector<MatrixBound> bound_matrices(
    const Checkpoint& checkpoint,
    const std::vector<const TensorInfo*>& tensors,
    const CertifyOptions* options,
    const std::function<void(const TensorInfo&)>& before_reading) {
    std::vector<MatrixBound> bounds;
    Batch batch;
    for (const TensorInfo* tensor : tensors) {
        const auto entries = static_cast<Eigen::Index>(element_count(*tensor));
        // Before the next one is read: of large matrices one is in memory at a time.
        if (batch.entries > 0 && batch.entries + entries > kEntriesAtOnce) {
            bound_batch(std::exchange(batch, {}), options, bounds);
        }
        before_reading(*tensor);
        batch.values.push_back(checkpoint.read(*tensor));
        batch.tensors.push_back(tensor);
        batch.entries += entries;
    }
    if (!batch.values.empty()) {
        bound_batch(std::move(batch), options, bounds);
    }
    return bounds;
}

}  // namespace lipcert
