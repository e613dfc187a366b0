#include "support/tensor_names.hpp"

#include <variant>

namespace lipcert::test {

namespace {

/// The names of every tensor that a module reads.
class TensorNames {
public:
    explicit TensorNames(const Architecture& architecture) {
        add(architecture.embedding.weight);
        add(architecture.embedding.positions);
        add(architecture.embedding.types);
        if (const auto& vectors = architecture.embedding.vectors) {
            add(vectors->added);
            add(vectors->beside);
        }
        add_all(architecture.stem);
        for (const Layer& layer : architecture.layers) {
            add_all(layer.modules);
        }
        add_all(architecture.head);
        if (architecture.unembedding) {
            (*this)(*architecture.unembedding);
        }
        add_all(architecture.after_unembedding);
    }

    void operator()(const LinearMap& map) {
        add(map.weight);
        add(map.bias);
    }

    void operator()(const Normalisation& norm) {
        add(norm.weight);
        add(norm.bias);
    }

    void operator()(const Attention& attention) {
        for (const LinearMap* map :
             {&attention.query, &attention.key, &attention.value, &attention.output}) {
            (*this)(*map);
        }
        for (const auto* norm : {&attention.query_norm, &attention.key_norm}) {
            if (norm->has_value()) {
                (*this)(**norm);
            }
        }
        if (attention.sink) {
            add(attention.sink->scores);
        }
        if (attention.relative_bias) {
            add(attention.relative_bias->table);
        }
    }

    void operator()(const Mlp& mlp) {
        (*this)(mlp.in);
        (*this)(mlp.out);
    }

    void operator()(const GatedMlp& mlp) {
        (*this)(mlp.gate);
        (*this)(mlp.up);
        (*this)(mlp.down);
    }

    void operator()(const Elementwise& /*module*/) {}

    void operator()(const Residual& residual) {
        add_all(residual.body);
        if (residual.projection) {
            (*this)(*residual.projection);
        }
    }

    void operator()(const Parallel& parallel) {
        for (const std::vector<Module>& branch : parallel.branches) {
            add_all(branch);
        }
    }

    void operator()(const Scale& /*scale*/) {}

    void operator()(const SoftCap& /*cap*/) {}

    [[nodiscard]] const std::vector<std::string>& names() const { return names_; }

private:
    void add(const std::string& name) {
        if (!name.empty()) {
            names_.push_back(name);
        }
    }

    void add_all(const std::vector<Module>& modules) {
        for (const Module& module : modules) {
            std::visit(*this, module.kind);
        }
    }

    std::vector<std::string> names_;
};

}  // namespace

std::vector<std::string> tensor_names(const Architecture& architecture) {
    return TensorNames(architecture).names();
}

}  // namespace lipcert::test
