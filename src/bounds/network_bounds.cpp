#include "lipcert/bounds/network_bounds.hpp"

#include <algorithm>

namespace lipcert {

namespace {

void keep_smaller(Bound& bound, const Bound& other) {
    if (other.upper < bound.upper) {
        bound = other;
    }
}

}  // namespace

void keep_smaller(NetworkBounds& bounds, const NetworkBounds& other) {
    keep_smaller(bounds.max_token_rms, other.max_token_rms);
    keep_smaller(bounds.max_token_l2, other.max_token_l2);
    keep_smaller(bounds.blocks_l2, other.blocks_l2);
    keep_smaller(bounds.logit, other.logit);
    keep_smaller(bounds.logit_difference, other.logit_difference);
    if (bounds.frobenius && other.frobenius) {
        keep_smaller(*bounds.frobenius, *other.frobenius);
    }
    bounds.max_activation = min(bounds.max_activation, other.max_activation);
    const std::size_t layers = std::min(bounds.layers.size(), other.layers.size());
    for (std::size_t i = 0; i < layers; ++i) {
        bounds.layers[i].cumulative = min(bounds.layers[i].cumulative, other.layers[i].cumulative);
    }
}

}  // namespace lipcert
