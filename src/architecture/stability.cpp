#include "lipcert/architecture/stability.hpp"

#include <algorithm>
#include <array>

namespace lipcert {

namespace {

struct Measures {
    bool layer_norm = false;
    bool rms_norm = false;
    bool query_key_norm = false;
    bool score_cap = false;
    bool sink = false;
    bool soft_cap = false;

    void operator()(const LinearMap& /*module*/) {}

    void operator()(const Normalisation& module) {
        (module.kind == NormKind::layer ? layer_norm : rms_norm) = true;
    }

    void operator()(const Attention& module) {
        query_key_norm = query_key_norm || module.query_norm || module.key_norm;
        score_cap = score_cap || module.score_cap;
        sink = sink || module.sink;
    }

    void operator()(const Mlp& /*module*/) {}

    void operator()(const GatedMlp& /*module*/) {}

    void operator()(const Elementwise& /*module*/) {}

    void operator()(const Residual& module) { walk(module.body); }

    void operator()(const Parallel& module) {
        for (const auto& branch : module.branches) {
            walk(branch);
        }
    }

    void operator()(const Scale& /*module*/) {}

    void operator()(const SoftCap& /*module*/) { soft_cap = true; }

    void walk(const std::vector<Module>& modules) {
        for (const Module& module : modules) {
            std::visit([this](const auto& kind) { (*this)(kind); }, module.kind);
        }
    }
};

}  // namespace

std::vector<std::string> stability_measures(const Architecture& architecture) {
    Measures measures;
    measures.walk(architecture.stem);
    for (const Layer& layer : architecture.layers) {
        measures.walk(layer.modules);
    }
    measures.walk(architecture.head);
    Measures after;
    after.walk(architecture.after_unembedding);

    const std::array<std::pair<bool, const char*>, 7> found = {
        {{measures.layer_norm, "layer_norm"},
         {measures.rms_norm, "rms_norm"},
         {measures.query_key_norm, "qk_norm"},
         {measures.score_cap, "score_soft_cap"},
         {measures.sink, "attention_sink"},
         {after.soft_cap, "logit_soft_cap"},
         {measures.soft_cap, "soft_cap"}}};
    std::vector<std::string> result;
    for (const auto& [is_there, name] : found) {
        if (is_there) {
            result.emplace_back(name);
        }
    }
    return result;
}

}  // namespace lipcert
