#include "lipcert/bounds/conditions.hpp"

#include "lipcert/error.hpp"
#include "lipcert/printable.hpp"

#include <algorithm>
#include <set>
#include <variant>

#include "bounds/module_kind.hpp"

namespace lipcert {

namespace {

/// Walks the graph in the order of execution and names what it meets.
class Namer {
public:
    void section(const std::vector<Module>& modules, const std::string& where) {
        for (const Module& module : modules) {
            const std::string label = where + " " + kind_of(module);
            points_.blocks.emplace_back(unique(label, block_names_), &module);
            visit(module, label);
        }
    }

    [[nodiscard]] NamedPoints take() { return std::move(points_); }

private:
    static std::string unique(const std::string& name, std::set<std::string>& taken) {
        std::string candidate = name;
        for (std::size_t count = 2; !taken.insert(candidate).second; ++count) {
            candidate = name + " #" + std::to_string(count);
        }
        return candidate;
    }

    void add(const Normalisation& norm, const std::string& place) {
        const std::string name = norm.weight.empty() ? place : norm.weight;
        points_.normalisations.emplace_back(unique(name, norm_names_), &norm);
    }

    void visit(const Module& module, const std::string& label) {
        std::visit([&](const auto& kind) { enter(kind, label); }, module.kind);
    }

    void enter(const Normalisation& norm, const std::string& label) {
        add(norm, label.ends_with(" norm") ? label : label + " norm");
    }

    void enter(const Attention& attention, const std::string& label) {
        if (attention.query_norm) {
            add(*attention.query_norm, label + " query norm");
        }
        if (attention.key_norm) {
            add(*attention.key_norm, label + " key norm");
        }
    }

    void enter(const Residual& residual, const std::string& label) {
        for (const Module& module : residual.body) {
            visit(module, label);
        }
    }

    void enter(const Parallel& parallel, const std::string& label) {
        for (const std::vector<Module>& branch : parallel.branches) {
            for (const Module& module : branch) {
                visit(module, label);
            }
        }
    }

    // Modules that hold no normalisation.
    void enter(const LinearMap& /*map*/, const std::string& /*label*/) {}

    void enter(const Mlp& /*mlp*/, const std::string& /*label*/) {}

    void enter(const GatedMlp& /*mlp*/, const std::string& /*label*/) {}

    void enter(const Elementwise& /*module*/, const std::string& /*label*/) {}

    void enter(const Scale& /*scale*/, const std::string& /*label*/) {}

    void enter(const SoftCap& /*cap*/, const std::string& /*label*/) {}

    NamedPoints points_;
    std::set<std::string> norm_names_;
    std::set<std::string> block_names_;
};

template <class Place>
const Place* place_of(const std::vector<std::pair<std::string, const Place*>>& places,
                      const std::string& name,
                      const char* what) {
    const auto found = std::find_if(
        places.begin(), places.end(), [&](const auto& place) { return place.first == name; });
    if (found != places.end()) {
        return found->second;
    }
    std::string known;
    for (const auto& place : places) {
        known += (known.empty() ? "" : ", ") + printable_quote(place.first);
    }
    throw Error(ErrorKind::input,
                "condition on '" + printable_quote(name) + "'",
                std::string("the model has no ") + what + " of this name; it has " +
                    (known.empty() ? "none" : known));
}

}  // namespace

NamedPoints named_points(const Architecture& architecture) {
    Namer namer;
    namer.section(architecture.stem, "stem");
    for (const Layer& layer : architecture.layers) {
        namer.section(layer.modules, "layer " + std::to_string(layer.index));
    }
    namer.section(architecture.head, "head");
    return namer.take();
}

ResolvedConditions resolved(const Conditions& conditions, const Architecture& architecture) {
    const NamedPoints points = named_points(architecture);
    ResolvedConditions result;
    for (const auto& [name, minimum] : conditions.minimum_rms) {
        result.minimum_rms.emplace(place_of(points.normalisations, name, "normalisation"),
                                   minimum.value);
    }
    for (const auto& [name, maximum] : conditions.maximum_norm) {
        result.maximum_norm.emplace(place_of(points.blocks, name, "block"), maximum.value);
    }
    return result;
}

}  // namespace lipcert
