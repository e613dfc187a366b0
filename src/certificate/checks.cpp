#include "lipcert/certificate/checks.hpp"

#include "lipcert/rounding/limit.hpp"

namespace lipcert {

std::string name_of(CheckState state) {
    return state == CheckState::holds ? "holds" : "exceeded";
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
                              limit.holds ? CheckState::holds : CheckState::exceeded});
            continue;
        }
        const Lower most = parse_limit("--" + limit.kind, limit.text);
        for (const MatrixBound& matrix : certificate.matrices) {
            const Upper& norm = matrix.norm.spectral.upper();
            checks.push_back(
                {limit.kind,
                 matrix.name,
                 matrix.layer,
                 limit.text,
                 norm,
                 proves_at_most(norm, most) ? CheckState::holds : CheckState::exceeded});
        }
    }
    return checks;
}

Upper excess(const Check& check) {
    return check.actual / parse_limit(check.rule, check.limit);
}

}  // namespace lipcert
