#include "bounds/module_kind.hpp"

#include <utility>
#include <variant>
#include <vector>

namespace lipcert {

namespace {

std::string name(const LinearMap& /*map*/) {
    return "linear";
}

std::string name(const Normalisation& /*norm*/) {
    return "norm";
}

std::string name(const Attention& /*attention*/) {
    return "attention";
}

std::string name(const Mlp& /*mlp*/) {
    return "mlp";
}

std::string name(const GatedMlp& /*mlp*/) {
    return "gated mlp";
}

std::string name(const Elementwise& /*module*/) {
    return "activation";
}

std::string name(const Parallel& /*parallel*/) {
    return "parallel";
}

std::string name(const Scale& /*scale*/) {
    return "scale";
}

std::string name(const SoftCap& /*cap*/) {
    return "soft-cap";
}

/// Norms, scales and single maps of a branch give way to the module that they serve.
bool is_decisive(const std::string& kind) {
    return kind == "attention" || kind == "mlp" || kind == "gated mlp" || kind == "parallel";
}

std::string name(const Residual& residual) {
    std::string found = "residual";
    for (const Module& module : residual.body) {
        std::string kind = kind_of(module);
        if (is_decisive(kind)) {
            return kind;
        }
        found = std::move(kind);
    }
    return found;
}

}  // namespace

std::string kind_of(const Module& module) {
    return std::visit([](const auto& kind) { return name(kind); }, module.kind);
}

bool reads_fold(const Module& module) {
    return std::holds_alternative<LinearMap>(module.kind) ||
           std::holds_alternative<Attention>(module.kind) ||
           std::holds_alternative<Mlp>(module.kind) ||
           std::holds_alternative<GatedMlp>(module.kind) ||
           std::holds_alternative<Parallel>(module.kind);
}

}  // namespace lipcert
