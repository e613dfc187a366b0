#include "lipcert/execution/evaluate.hpp"

#include "lipcert/error.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "norms/parallel.hpp"
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

struct Prediction {
    bool right = false;
    double loss = 0.0, margin = 0.0;
};

/// `logits` of one position, and the token that came there.
template <class Row>
Prediction prediction(const Row& logits, Eigen::Index next) {
    Eigen::Index best = 0;
    const auto largest = logits.maxCoeff(&best);
    auto other = largest;
    if (best == next) {
        using Scalar = typename Row::Scalar;
        const auto before = logits.head(next);
        const auto behind = logits.tail(logits.size() - next - 1);
        other = -std::numeric_limits<Scalar>::infinity();
        other = before.size() == 0 ? other : std::max(other, before.maxCoeff());
        other = behind.size() == 0 ? other : std::max(other, behind.maxCoeff());
    }
    const auto spread = static_cast<double>((logits.array() - largest).exp().sum());
    const auto value = static_cast<double>(logits(next));
    return {best == next,
            static_cast<double>(largest) - value + std::log(spread),
            value - static_cast<double>(other)};
}

/// Adds the predictions of `next` by one row of logits each.
template <class Scalar>
void count_predictions(const Stream<Scalar>& logits,
                       const TokenSequence& next,
                       Evaluation& result) {
    for (const std::size_t token : next) {
        if (static_cast<Eigen::Index>(token) >= logits.cols()) {
            throw Error(ErrorKind::architecture,
                        "tokens",
                        fmt::format("the model has {} outputs, which are not one for each "
                                    "token: it predicts no next token (token {})",
                                    logits.cols(),
                                    token));
        }
    }
    std::vector<Prediction> predictions(next.size());
    for_each_row_range(logits.rows(), logits.cols(), [&](Eigen::Index begin, Eigen::Index end) {
        for (Eigen::Index row = begin; row < end; ++row) {
            const auto i = static_cast<std::size_t>(row);
            predictions[i] = prediction(logits.row(row), static_cast<Eigen::Index>(next[i]));
        }
    });
    for (const Prediction& made : predictions) {
        result.accuracy += made.right ? 1.0 : 0.0;
        result.loss += made.loss;
        result.margins.push_back(made.margin);
    }
    result.predicted += next.size();
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
        count_predictions<Scalar>(logits, next, result);
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
