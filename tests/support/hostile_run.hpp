#pragma once

#include "lipcert/report/run_report.hpp"

#include <string>

namespace lipcert::test {

/// Markup, formulas, workflow commands, quotes, line breaks and a control sequence in one name.
inline const std::string kHostileName =
    "=a|b`c`<script>alert('x')</script>\"&,%0A]]>\n::error::gone\r\x1b[2J@user #1 [l](http://x) --";

/// One layer, two matrices with the hostile name somewhere in each text that a file decides.
inline Certificate hostile_certificate() {
    Certificate certificate;
    certificate.model = {
        "models/" + kHostileName + ".h5", "hdf5", std::string(64, 'a'), 1000, "float32"};
    certificate.architecture.family = kHostileName;
    certificate.architecture.source = "built-in";
    certificate.architecture.layers.resize(1);
    certificate.architecture.parameters = {{kHostileName, kHostileName, kHostileName}};
    NetworkBounds& bounds = certificate.bounds;
    bounds.domain.radius = Upper::exact(2.0);
    bounds.domain.radius_decimal = "2.00000e+00";
    bounds.domain.dimension = 4;
    const Bound bound{Upper::parse("1.5e400"), "R21"};
    bounds.max_token_rms = bounds.max_token_l2 = bounds.blocks_l2 = bound;
    bounds.logit = bounds.logit_difference = bound;
    bounds.max_activation = Upper::exact(7.0);
    const BlockBound block{kHostileName, bound.upper, "R21", Upper::exact(1), Upper::exact(2)};
    bounds.layers = {{0, {block}, bound.upper}};
    for (const std::string& name : {kHostileName, std::string("plain.weight")}) {
        MatrixBound matrix;
        matrix.name = name;
        matrix.role = "attention query";
        matrix.layer = 0;
        matrix.rows = 3;
        matrix.cols = 4;
        matrix.type = "float32";
        matrix.norm.spectral = Enclosure::exact(name == kHostileName ? 5.0 : 3.0);
        matrix.norm.frobenius = Enclosure::exact(6.0);
        certificate.matrices.push_back(matrix);
    }
    certificate.limits = {{"max-lipschitz", "max_token_rms", "1e264", bound.upper, false},
                          {"max-spectral-norm", kHostileName, "4", Upper::exact(5.0), false},
                          {"max-activation", "residual stream", "10", Upper::exact(7.0), true}};
    return certificate;
}

inline ModelResult result_of(const Certificate& certificate) {
    ModelResult model;
    model.path = certificate.model.path;
    model.certificate = certificate;
    model.checks = checks_of(certificate);
    return model;
}

/// The hostile certificate and a model with a hostile error.
inline RunResult hostile_run() {
    RunResult run;
    run.models.push_back(result_of(hostile_certificate()));
    ModelResult failed;
    failed.path = "broken.h5";
    failed.error = kHostileName;
    failed.error_code = ExitCode::rejected;
    run.models.push_back(failed);
    return run;
}

}  // namespace lipcert::test
