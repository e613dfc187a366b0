#include "lipcert/execution/measurement.hpp"

#include "lipcert/bounds/conditions.hpp"
#include "lipcert/error.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

namespace lipcert {

namespace {

/// Keeps the extremes. Scores and normalisations come before the end of the block they belong to.
class Extremes : public Observer {
public:
    explicit Extremes(const Architecture& architecture) {
        const NamedPoints points = named_points(architecture);
        for (const auto& [name, block] : points.blocks) {
            index_[block] = blocks_.size();
            blocks_.push_back({name, {}, {}, {}});
        }
        for (const auto& [name, norm] : points.normalisations) {
            norm_index_[norm] = smallest_rms_.size();
            smallest_rms_.emplace_back(name, std::numeric_limits<double>::infinity());
        }
    }

    void after_block(const Module& block, const Extent& extent) override {
        BlockMeasurement& at = blocks_[index_.at(&block)];
        at.extent = {extent.width,
                     std::max(at.extent.largest_entry, extent.largest_entry),
                     std::max(at.extent.largest_rms, extent.largest_rms)};
        if (score_) {
            at.largest_score = std::max(at.largest_score.value_or(0.0), *score_);
        }
        if (norm_rms_) {
            at.smallest_norm_rms = std::min(at.smallest_norm_rms.value_or(*norm_rms_), *norm_rms_);
        }
        score_.reset();
        norm_rms_.reset();
    }

    void at_norm(const Normalisation& norm, double smallest) override {
        double& known = smallest_rms_[norm_index_.at(&norm)].second;
        known = std::min(known, smallest);
        norm_rms_ = std::min(norm_rms_.value_or(smallest), smallest);
    }

    void at_scores(const Attention& /*attention*/, double largest) override {
        score_ = std::max(score_.value_or(0.0), largest);
    }

    [[nodiscard]] std::vector<BlockMeasurement> take_blocks() { return std::move(blocks_); }

    [[nodiscard]] std::vector<std::pair<std::string, double>> take_smallest_rms() {
        return std::move(smallest_rms_);
    }

private:
    std::map<const Module*, std::size_t> index_;
    std::map<const Normalisation*, std::size_t> norm_index_;
    std::vector<BlockMeasurement> blocks_;
    std::vector<std::pair<std::string, double>> smallest_rms_;
    std::optional<double> score_, norm_rms_;  ///< since the last block ended
};

void measure_embeddings(const Transformer& model,
                        const std::vector<TokenSequence>& sequences,
                        Measurement& result) {
    for (const TokenSequence& sequence : sequences) {
        if (sequence.size() < 2) {
            continue;
        }
        const std::span<const std::size_t> seen(sequence.data(), sequence.size() - 1);
        const Matrix stream = model.embed(seen);
        const double length = stream.rowwise().norm().maxCoeff();
        result.largest_embedding_entry =
            std::max(result.largest_embedding_entry, stream.cwiseAbs().maxCoeff());
        result.largest_embedding_rms = std::max(
            result.largest_embedding_rms, length / std::sqrt(static_cast<double>(stream.cols())));
    }
}

}  // namespace

Measurement measure(const Transformer& model,
                    const std::vector<TokenSequence>& sequences,
                    const std::function<void(std::size_t, std::size_t)>& progress) {
    Measurement result;
    measure_embeddings(model, sequences, result);
    Extremes extremes(model.architecture());
    result.evaluation = evaluate(model, sequences, progress, &extremes);
    if (result.evaluation.predicted == 0) {
        throw Error(ErrorKind::input,
                    "tokens",
                    "there are fewer than two in a row, so no next token is predicted");
    }
    result.blocks = extremes.take_blocks();
    result.smallest_rms = extremes.take_smallest_rms();
    return result;
}

std::string conditions_text(const Measurement& measurement,
                            double margin,
                            const std::string& data) {
    nlohmann::ordered_json json;
    json["schema"] = "lipcert-conditions-1";
    json["data"] = data;
    json["minimum_rms"] = nlohmann::ordered_json::object();
    for (const auto& [name, smallest] : measurement.smallest_rms) {
        // Towards the condition that more inputs meet; what data show to be 0 is not assumed.
        // What running in float64 loses is far below the billionth part.
        constexpr double kLostInRunning = 1e-9;
        const double floor =
            std::nextafter((1.0 - margin) * (1.0 - kLostInRunning) * smallest, 0.0);
        if (floor > 0.0) {
            json["minimum_rms"][name] = floor;
        }
    }
    if (json["minimum_rms"].empty()) {
        throw Error(ErrorKind::architecture,
                    "--assume-out",
                    "the model has no normalisation that keeps away from zero on these tokens, so "
                    "there is nothing to assume");
    }
    return json.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace lipcert
