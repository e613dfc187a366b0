#include "lipcert/execution/attack.hpp"

#include "lipcert/execution/linearise.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "execution/ascent.hpp"

namespace lipcert {

namespace {

using Eigen::Index;

/// One predicted token of a run.
struct Prediction {
    double margin = 0.0;  ///< of the right logit over the largest other one
    Index rival = 0;
};

Prediction prediction(const Matrix& logits, Index position, Index next) {
    // Of infinities and of what is no number nothing is right.
    if (!logits.row(position).allFinite()) {
        return {-std::numeric_limits<double>::infinity(), next};
    }
    Prediction result{std::numeric_limits<double>::infinity(), next};
    for (Index k = 0; k < logits.cols(); ++k) {
        const double margin = logits(position, next) - logits(position, k);
        if (k != next && margin < result.margin) {
            result = {margin, k};
        }
    }
    return result;
}

/// Attacks one sequence.
class Victim {
public:
    Victim(const Transformer& model, const TokenSequence& sequence, double domain_radius)
        : model_(model),
          next_(sequence.begin() + 1, sequence.end()),
          clean_(model.embed({sequence.data(), sequence.size() - 1})),
          domain_radius_(domain_radius),
          alive_(next_.size(), true) {
        const Matrix logits = model.logits(clean_);
        largest_logit_ = logits.cwiseAbs().maxCoeff();
        strike(logits);
        for (std::size_t i = 0; i < next_.size(); ++i) {
            margins_.push_back(prediction(logits, static_cast<Index>(i), next_index(i)).margin);
        }
    }

    /// How many predictions, by their measured margins, no perturbation within `radius` changes.
    [[nodiscard]] std::size_t certified(double radius, const Upper& logit_difference) const {
        const double needed = (Upper::exact(radius) * logit_difference).to_double();
        return static_cast<std::size_t>(
            std::count_if(margins_.begin(), margins_.end(), [&](double margin) {
                return margin - 1e-6 * (margin + largest_logit_) > needed;
            }));
    }

    /// Ascent on the rivals' lead; what a smaller radius made wrong stays wrong.
    void attack_within(double radius, std::size_t steps) {
        Matrix change = Matrix::Zero(clean_.rows(), clean_.cols());
        const double step = 2.5 * radius / static_cast<double>(steps);
        for (std::size_t k = 0; k < steps && survivors() > 0; ++k) {
            const Linearisation at = linearise_logits(model_, clean_ + change);
            strike(at.value);
            const Matrix gradient = at.pull(rivals_lead(at.value));
            for (Index token = 0; token < gradient.rows(); ++token) {
                const double norm = gradient.row(token).norm();
                if (norm > 0.0 && std::isfinite(norm)) {
                    change.row(token) += (step / norm) * gradient.row(token);
                }
            }
            clip(change, radius);
            Matrix perturbed = clean_ + change;
            clip(perturbed, domain_radius_);
            change = perturbed - clean_;
            clip(change, radius);
        }
        strike(model_.logits(clean_ + change));
    }

    [[nodiscard]] std::size_t survivors() const {
        return static_cast<std::size_t>(std::count(alive_.begin(), alive_.end(), true));
    }

private:
    [[nodiscard]] Index next_index(std::size_t i) const { return static_cast<Index>(next_[i]); }

    /// Counts as wrong what these logits make wrong.
    void strike(const Matrix& logits) {
        for (std::size_t i = 0; i < next_.size(); ++i) {
            const Prediction now = prediction(logits, static_cast<Index>(i), next_index(i));
            alive_[i] = alive_[i] && now.margin > 0.0;
        }
    }

    /// The gradient of the sum of rival - right over what still stands.
    [[nodiscard]] Matrix rivals_lead(const Matrix& logits) const {
        Matrix gradient = Matrix::Zero(logits.rows(), logits.cols());
        for (std::size_t i = 0; i < next_.size(); ++i) {
            if (alive_[i]) {
                const auto row = static_cast<Index>(i);
                gradient(row, prediction(logits, row, next_index(i)).rival) += 1.0;
                gradient(row, next_index(i)) -= 1.0;
            }
        }
        return gradient;
    }

    const Transformer& model_;
    TokenSequence next_;
    Matrix clean_;
    double domain_radius_;
    double largest_logit_ = 0.0;
    std::vector<bool> alive_;
    std::vector<double> margins_;
};

}  // namespace

std::vector<AttackPoint> attack(const Transformer& model,
                                const std::vector<TokenSequence>& sequences,
                                const NetworkBounds& bounds,
                                const AttackOptions& options) {
    std::vector<AttackPoint> points;
    for (const double radius : options.radii) {
        points.push_back({radius, 0.0, 0.0});
    }
    std::sort(points.begin(), points.end(), [](const AttackPoint& a, const AttackPoint& b) {
        return a.radius < b.radius;
    });
    const double domain_radius = bounds.domain.everything
                                     ? std::numeric_limits<double>::infinity()
                                     : bounds.domain.radius.value().to_double(Rounding::down);
    std::size_t predicted = 0;
    for (std::size_t i = 0; i < sequences.size(); ++i) {
        if (sequences[i].size() >= 2) {
            Victim victim(model, sequences[i], domain_radius);
            predicted += sequences[i].size() - 1;
            for (AttackPoint& point : points) {
                victim.attack_within(point.radius, options.steps);
                point.attacked += static_cast<double>(victim.survivors());
                point.certified += static_cast<double>(
                    victim.certified(point.radius, bounds.logit_difference.upper));
            }
        }
        if (options.progress) {
            options.progress(i + 1, sequences.size());
        }
    }
    for (AttackPoint& point : points) {
        point.attacked /= static_cast<double>(std::max<std::size_t>(predicted, 1));
        point.certified /= static_cast<double>(std::max<std::size_t>(predicted, 1));
    }
    return points;
}

}  // namespace lipcert
