#include "lipcert/certificate/slack.hpp"

#include <vector>

namespace lipcert {

namespace {

void loosen(Upper& bound) {
    bound *= Upper::exact(1.0 + 0x1p-20);
}

void loosen(Enclosure& norm) {
    norm = {norm.lower() * Lower::exact(1.0 - 0x1p-24), norm.upper() * Upper::exact(1.0 + 0x1p-24)};
}

void loosen(std::vector<BlockBound>& blocks) {
    for (BlockBound& block : blocks) {
        loosen(block.lipschitz);
        loosen(block.radius_in);
        loosen(block.radius_out);
    }
}

/// The domain stays: it is no bound but what the bounds are about.
void loosen(NetworkBounds& bounds) {
    for (Bound* bound : {&bounds.max_token_rms,
                         &bounds.max_token_l2,
                         &bounds.blocks_l2,
                         &bounds.logit,
                         &bounds.logit_difference}) {
        loosen(bound->upper);
    }
    if (bounds.frobenius) {
        loosen(bounds.frobenius->upper);
    }
    loosen(bounds.max_activation);
    loosen(bounds.stem);
    loosen(bounds.head);
    for (LayerBound& layer : bounds.layers) {
        loosen(layer.blocks);
        loosen(layer.cumulative);
    }
    if (bounds.reference_formula) {
        loosen(*bounds.reference_formula);
    }
    if (bounds.reference_repaired) {
        loosen(bounds.reference_repaired->upper);
    }
}

}  // namespace

Certificate with_slack(Certificate certificate) {
    loosen(certificate.bounds);
    if (certificate.conditional) {
        loosen(certificate.conditional->bounds);
    }
    for (MatrixBound& matrix : certificate.matrices) {
        loosen(matrix.norm.spectral);
        loosen(matrix.norm.frobenius);
    }
    for (Limit& limit : certificate.limits) {
        loosen(limit.actual);
        if (limit.holds) {
            limit.actual = min(limit.actual, Upper::parse(limit.text));
        }
    }
    return certificate;
}

}  // namespace lipcert
