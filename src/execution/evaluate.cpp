#include "lipcert/execution/evaluate.hpp"

#include <cmath>
#include <span>

namespace lipcert {

namespace {

/// log sum exp of a row of logits.
double log_partition(const Eigen::Ref<const Eigen::RowVectorXd>& logits) {
    const double largest = logits.maxCoeff();
    return largest + std::log((logits.array() - largest).exp().sum());
}

}  // namespace

Evaluation evaluate(const Transformer& model,
                    const std::vector<TokenSequence>& sequences,
                    const std::function<void(std::size_t, std::size_t)>& progress) {
    std::size_t total = 0;
    for (const TokenSequence& sequence : sequences) {
        total += sequence.empty() ? 0 : sequence.size() - 1;
    }
    Evaluation result;
    std::size_t right = 0;
    for (const TokenSequence& sequence : sequences) {
        if (sequence.size() < 2) {
            continue;
        }
        const std::span<const std::size_t> seen(sequence.data(), sequence.size() - 1);
        const Matrix logits = model.logits(model.embed(seen));
        for (Eigen::Index i = 0; i < logits.rows(); ++i) {
            const auto next = static_cast<Eigen::Index>(sequence[static_cast<std::size_t>(i) + 1]);
            Eigen::Index best = 0;
            logits.row(i).maxCoeff(&best);
            right += best == next ? 1U : 0U;
            result.loss += log_partition(logits.row(i)) - logits(i, next);
        }
        result.predicted += seen.size();
        if (progress) {
            progress(result.predicted, total);
        }
    }
    if (result.predicted > 0) {
        result.loss /= static_cast<double>(result.predicted);
        result.accuracy = static_cast<double>(right) / static_cast<double>(result.predicted);
    }
    return result;
}

}  // namespace lipcert
