#include "lipcert/certificate/checks.hpp"

#include "lipcert/rounding/limit.hpp"

namespace lipcert {

std::string name_of(CheckState state) {
    switch (state) {
        case CheckState::holds:
            return "holds";
        case CheckState::known:
            return "known";
        case CheckState::waived:
            return "waived";
        case CheckState::worse:
            return "worse";
        case CheckState::exceeded:
            break;
    }
    return "exceeded";
}

std::vector<Check> checks_of(const Certificate& certificate) {
    std::vector<Check> checks;
    for (const Limit& limit : certificate.limits) {
        if (limit.kind != "max-spectral-norm") {
            checks.push_back({limit.kind,
                              limit.quantity,
                              {},
                              limit.text,
                              limit.actual,
                              limit.holds ? CheckState::holds : CheckState::exceeded,
                              {}});
            continue;
        }
        const Lower most = parse_limit("--" + limit.kind, limit.text);
        for (const MatrixBound& matrix : certificate.matrices) {
            const Upper& norm = matrix.norm.spectral.upper();
            checks.push_back({limit.kind,
                              matrix.name,
                              matrix.layer,
                              limit.text,
                              norm,
                              proves_at_most(norm, most) ? CheckState::holds : CheckState::exceeded,
                              {}});
        }
    }
    return checks;
}

Upper excess(const Check& check) {
    // A baseline can hold 0 and inf, which are no limits.
    return check.actual / (check.limit == "inf" ? Lower() : Lower::parse(check.limit));
}

}  // namespace lipcert
