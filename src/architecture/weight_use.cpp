#include "lipcert/architecture/weight_use.hpp"

#include <initializer_list>
#include <set>
#include <string>
#include <utility>

namespace lipcert {

namespace {

/// Collects the readings of tensors in the order of execution.
class UseWalk {
public:
    std::vector<WeightUse> run(const Architecture& architecture) {
        table(architecture.embedding.weight, "embedding");
        table(architecture.embedding.positions, "position");
        table(architecture.embedding.types, "token type");
        walk(architecture.stem);
        if (const auto& vectors = architecture.embedding.vectors) {
            vector(vectors->added, {"added constant", "added constant"});
            vector(vectors->beside, {"constant token", "constant token"});
        }
        for (const Layer& layer : architecture.layers) {
            layer_ = layer.index;
            walk(layer.modules);
        }
        layer_.reset();
        walk(architecture.head);
        if (architecture.unembedding) {
            linear(*architecture.unembedding, {"unembedding", "unembedding"});
            uses_.back().kind = WeightKind::unembedding;
            bias(*architecture.unembedding, {"unembedding", "unembedding"});
        }
        walk(architecture.after_unembedding);
        return std::move(uses_);
    }

private:
    using NamedMap = std::pair<const LinearMap*, std::string>;

    struct Names {
        std::string role;
        std::string tensor_role;
    };

    void table(const std::string& tensor, const std::string& role) {
        if (!tensor.empty()) {
            uses_.push_back({tensor, WeightKind::table, role, role, {}, Layout::out_in, {}});
        }
    }

    void vector(const std::string& tensor, const Names& names) {
        if (!tensor.empty()) {
            uses_.push_back({tensor,
                             WeightKind::vector,
                             names.role,
                             names.tensor_role,
                             layer_,
                             Layout::out_in,
                             {}});
        }
    }

    void linear(const LinearMap& map, const Names& names) {
        uses_.push_back({map.weight,
                         WeightKind::map,
                         names.role,
                         names.tensor_role,
                         layer_,
                         map.layout,
                         map.slice});
    }

    void bias(const LinearMap& map, const Names& names) {
        vector(map.bias, {names.role + " bias", names.tensor_role + " bias"});
    }

    void affine(const LinearMap& map, const Names& names) {
        linear(map, names);
        bias(map, names);
    }

    void affine(const LinearMap& map, const std::string& role) { affine(map, Names{role, role}); }

    /// Maps that read the same input; those that share a tensor are "fused query key value".
    void side_by_side(std::initializer_list<NamedMap> maps) {
        for (const auto& [map, role] : maps) {
            std::string names;
            std::size_t sharing = 0;
            for (const auto& [other, other_role] : maps) {
                if (other->weight == map->weight) {
                    names += (names.empty() ? "" : " ") + other_role;
                    ++sharing;
                }
            }
            affine(*map, Names{role, sharing > 1 ? "fused " + names : role});
        }
    }

    void norm(const Normalisation& norm, const std::string& role) {
        vector(norm.weight, {role, role});
        vector(norm.bias, {role + " bias", role + " bias"});
    }

    void operator()(const LinearMap& map) { affine(map, "linear"); }

    void operator()(const Normalisation& module) { norm(module, "norm"); }

    void operator()(const Attention& module) {
        side_by_side({{&module.query, "query"}, {&module.key, "key"}, {&module.value, "value"}});
        if (module.query_norm) {
            norm(*module.query_norm, "query norm");
        }
        if (module.key_norm) {
            norm(*module.key_norm, "key norm");
        }
        if (module.sink) {
            vector(module.sink->scores, {"attention sink", "attention sink"});
        }
        if (module.relative_bias) {
            vector(module.relative_bias->table, {"relative bias", "relative bias"});
        }
        affine(module.output, "attention output");
    }

    void operator()(const Mlp& module) {
        affine(module.in, "mlp in");
        affine(module.out, "mlp out");
    }

    void operator()(const GatedMlp& module) {
        side_by_side({{&module.gate, "gate"}, {&module.up, "up"}});
        affine(module.down, "down");
    }

    void operator()(const Elementwise& /*module*/) {}

    void operator()(const Residual& module) {
        walk(module.body);
        if (module.projection) {
            affine(*module.projection, "skip projection");
        }
    }

    void operator()(const Parallel& module) {
        for (const auto& branch : module.branches) {
            walk(branch);
        }
    }

    void operator()(const Scale& /*module*/) {}

    void operator()(const SoftCap& /*module*/) {}

    void walk(const std::vector<Module>& modules) {
        for (const Module& module : modules) {
            std::visit([this](const auto& kind) { (*this)(kind); }, module.kind);
        }
    }

    std::vector<WeightUse> uses_;
    std::optional<std::size_t> layer_;
};

}  // namespace

std::vector<WeightUse> weight_uses(const Architecture& architecture) {
    return UseWalk().run(architecture);
}

std::vector<Role> roles_of(const Architecture& architecture) {
    std::vector<Role> roles;
    std::set<std::string> seen;
    for (const WeightUse& use : weight_uses(architecture)) {
        if (seen.insert(use.tensor).second) {
            roles.push_back({use.tensor, use.tensor_role, use.layer});
        }
    }
    return roles;
}

}  // namespace lipcert
