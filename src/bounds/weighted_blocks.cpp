#include "bounds/weighted_blocks.hpp"

#include <cmath>
#include <map>
#include <mutex>
#include <utility>

#include "bounds/lazy.hpp"

namespace lipcert {

namespace {

constexpr int kBits = 40;

/// The least double >= root with at most 40 significant bits.
double rounded_up(double root) {
    if (!std::isfinite(root)) {
        return root;
    }
    int exponent = 0;
    const double mantissa = std::frexp(root, &exponent);
    return std::ldexp(std::ceil(std::ldexp(mantissa, kBits)), exponent - kBits);
}

}  // namespace

struct WeightedBlocks::Known {
    using Norm = Upper (*)(const std::vector<MatrixBall>&, const std::vector<double>&);
    using Norms = std::map<std::vector<double>, std::shared_ptr<Lazy<Upper>>>;

    /// The lock is for the list alone, so that different norms are bounded side by side.
    Upper find(Norms& norms, Norm bound, std::vector<double> roots) {
        for (double& root : roots) {
            root = rounded_up(root);
        }
        std::shared_ptr<Lazy<Upper>> norm;
        {
            const std::lock_guard<std::mutex> lock(mutex);
            std::shared_ptr<Lazy<Upper>>& entry = norms[roots];
            if (!entry) {
                entry = std::make_shared<Lazy<Upper>>(
                    [this, bound, roots] { return bound(blocks, roots); });
            }
            norm = entry;
        }
        return **norm;
    }

    std::vector<MatrixBall> blocks;
    std::mutex mutex;
    Norms spectral;
    Norms pairs;
};

WeightedBlocks::WeightedBlocks(std::vector<MatrixBall> blocks) : known_(std::make_shared<Known>()) {
    known_->blocks = std::move(blocks);
}

const std::vector<MatrixBall>& WeightedBlocks::blocks() const {
    return known_->blocks;
}

Upper WeightedBlocks::norm(const std::vector<double>& roots) const {
    return known_->find(known_->spectral, weighted_norm, roots);
}

Upper WeightedBlocks::pair_norm(const std::vector<double>& roots) const {
    return known_->find(known_->pairs, weighted_pair_norm, roots);
}

}  // namespace lipcert
