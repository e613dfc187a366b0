#include "lipcert/bounds/block_extents.hpp"

#include "bounds/module_kind.hpp"
#include "bounds/walk.hpp"

namespace lipcert {

namespace {

/// Walks the blocks again from the radii that were proved for them.
class Extents {
public:
    Extents(const Checkpoint& checkpoint, std::size_t dimension)
        : walk_(checkpoint, Upper::exact(1.0), Effort::fast, {}) {
        stream_.width = dimension;
    }

    void pass(const std::vector<Module>& modules,
              const std::vector<BlockBound>& bounds,
              bool fold_read_next) {
        for (std::size_t i = 0; i < modules.size(); ++i) {
            const bool keep = i + 1 < modules.size() ? reads_fold(modules[i + 1]) : fold_read_next;
            BlockExtent extent{&modules[i], &bounds[i], {}, stream_.fold.has_value(), false};
            stream_.ball_radius = bounds[i].radius_in;
            stream_.domain_radius = bounds[i].radius_in;
            stream_.largest_score.reset();
            stream_ = walk_.through(stream_, modules[i], kind_of(modules[i]));
            if (!keep) {
                stream_ = Walk::materialised(stream_);
            }
            extent.largest_score = stream_.largest_score;
            extent.ends_folded = stream_.fold.has_value();
            extents_.push_back(std::move(extent));
        }
    }

    [[nodiscard]] std::vector<BlockExtent> take() { return std::move(extents_); }

private:
    Walk walk_;
    StreamBounds stream_;
    std::vector<BlockExtent> extents_;
};

}  // namespace

std::vector<BlockExtent> block_extents(const Architecture& architecture,
                                       const Checkpoint& checkpoint,
                                       const NetworkBounds& bounds) {
    Extents extents(checkpoint, bounds.domain.dimension);
    const bool unembeds = architecture.unembedding.has_value();
    extents.pass(architecture.stem, bounds.stem, false);
    for (std::size_t i = 0; i < architecture.layers.size(); ++i) {
        const bool last = i + 1 == architecture.layers.size();
        extents.pass(architecture.layers[i].modules,
                     bounds.layers[i].blocks,
                     last && architecture.head.empty() && unembeds);
    }
    extents.pass(architecture.head, bounds.head, unembeds);
    return extents.take();
}

}  // namespace lipcert
