#include "lipcert/execution/evaluate.hpp"

#include "lipcert/error.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

namespace lipcert {

namespace {

/// Rows that one call runs at the most, so that logits and hidden layers stay small.
constexpr std::size_t kRowsAtOnce = 1024;

/// How many of the sequences from `first` on are of its length and fit into one call.
std::size_t batch_from(const std::vector<TokenSequence>& sequences, std::size_t first) {
    const std::size_t length = sequences[first].size();
    const std::size_t most = std::max<std::size_t>(1, kRowsAtOnce / (length - 1));
    std::size_t count = 1;
    while (count < most && first + count < sequences.size() &&
           sequences[first + count].size() == length) {
        ++count;
    }
    return count;
}

/// One predicted token: its logits, and the token that came.
void count_prediction(const Eigen::VectorXd& logits, Eigen::Index next, Evaluation& result) {
    Eigen::Index best = 0;
    const double largest = logits.maxCoeff(&best);
    double other = largest;
    if (best == next) {
        Eigen::VectorXd rest = logits;
        rest(next) = -std::numeric_limits<double>::infinity();
        other = rest.maxCoeff();
    }
    result.accuracy += best == next ? 1.0 : 0.0;
    result.loss += largest + std::log((logits.array() - largest).exp().sum()) - logits(next);
    result.margins.push_back(logits(next) - other);
}

}  // namespace

template <class Scalar>
Evaluation evaluate(const BasicTransformer<Scalar>& model,
                    const std::vector<TokenSequence>& sequences,
                    const std::function<void(std::size_t, std::size_t)>& progress,
                    Observer* observer) {
    std::size_t total = 0;
    for (const TokenSequence& sequence : sequences) {
        total += sequence.empty() ? 0 : sequence.size() - 1;
    }
    Evaluation result;
    for (std::size_t first = 0; first < sequences.size();) {
        if (sequences[first].size() < 2) {
            ++first;
            continue;
        }
        const std::size_t count = batch_from(sequences, first);
        const std::size_t length = sequences[first].size() - 1;
        TokenSequence seen;
        TokenSequence next;
        for (std::size_t i = first; i < first + count; ++i) {
            seen.insert(seen.end(), sequences[i].begin(), sequences[i].end() - 1);
            next.insert(next.end(), sequences[i].begin() + 1, sequences[i].end());
        }
        const Pass pass{static_cast<Eigen::Index>(length), observer};
        const Stream<Scalar> logits = model.logits(model.embed(seen, pass.sequence_length), pass);
        for (std::size_t i = 0; i < next.size(); ++i) {
            if (static_cast<Eigen::Index>(next[i]) >= logits.cols()) {
                throw Error(ErrorKind::architecture,
                            "tokens",
                            fmt::format("the model has {} outputs, which are not one for each "
                                        "token: it predicts no next token (token {})",
                                        logits.cols(),
                                        next[i]));
            }
            count_prediction(
                logits.row(static_cast<Eigen::Index>(i)).template cast<double>().transpose(),
                static_cast<Eigen::Index>(next[i]),
                result);
        }
        result.predicted += next.size();
        first += count;
        if (progress) {
            progress(result.predicted, total);
        }
    }
    if (result.predicted > 0) {
        result.loss /= static_cast<double>(result.predicted);
        result.accuracy /= static_cast<double>(result.predicted);
    }
    return result;
}

template Evaluation evaluate(const Transformer&,
                             const std::vector<TokenSequence>&,
                             const std::function<void(std::size_t, std::size_t)>&,
                             Observer*);
template Evaluation evaluate(const FastTransformer&,
                             const std::vector<TokenSequence>&,
                             const std::function<void(std::size_t, std::size_t)>&,
                             Observer*);

}  // namespace lipcert
