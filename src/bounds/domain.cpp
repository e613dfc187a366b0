#include "lipcert/bounds/activation.hpp"

#include <algorithm>
#include <variant>

#include "bounds/walk.hpp"

namespace lipcert {

namespace {

/// Follows whether the stream stays in a ball when the input does not.
class Boundedness {
public:
    /// Whether the stream after `modules` is bounded, given whether it is before.
    bool after(const std::vector<Module>& modules, bool bounded) {
        for (const Module& module : modules) {
            bounded =
                std::visit([&](const auto& kind) { return after(kind, bounded); }, module.kind);
        }
        return bounded;
    }

    /// False once a module without a global Lipschitz constant has met an unbounded stream.
    [[nodiscard]] bool holds() const { return holds_; }

private:
    static bool after(const LinearMap& /*map*/, bool bounded) { return bounded; }

    static bool after(const Normalisation& /*norm*/, bool /*bounded*/) { return true; }

    static bool after(const Scale& /*scale*/, bool bounded) { return bounded; }

    static bool after(const SoftCap& /*cap*/, bool /*bounded*/) { return true; }

    bool after(const Attention& /*attention*/, bool bounded) { return needs_bounded(bounded); }

    bool after(const GatedMlp& /*mlp*/, bool bounded) { return needs_bounded(bounded); }

    bool after(const Mlp& mlp, bool bounded) { return after(mlp.activation, bounded); }

    bool after(const Elementwise& module, bool bounded) {
        return after(module.activation, bounded);
    }

    bool after(Activation activation, bool bounded) {
        return has_bounded_slope(activation) ? bounded : needs_bounded(bounded);
    }

    bool after(const Residual& residual, bool bounded) {
        const bool branch = after(residual.body, bounded);
        return branch && (bounded || residual.skip_scale.magnitude().is_zero());
    }

    bool after(const Parallel& parallel, bool bounded) {
        bool all = true;
        for (const std::vector<Module>& branch : parallel.branches) {
            all = after(branch, bounded) && all;
        }
        return all;
    }

    bool needs_bounded(bool bounded) {
        holds_ = holds_ && bounded;
        return bounded;
    }

    bool holds_ = true;
};

}  // namespace

bool holds_everywhere(const Architecture& architecture) {
    Boundedness boundedness;
    bool bounded = boundedness.after(architecture.stem, false);
    for (const Layer& layer : architecture.layers) {
        bounded = boundedness.after(layer.modules, bounded);
    }
    boundedness.after(architecture.head, bounded);
    return boundedness.holds();
}

}  // namespace lipcert
