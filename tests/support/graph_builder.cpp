#include "support/graph_builder.hpp"

namespace lipcert::test {

std::string GraphBuilder::next_name() {
    return "tensor" + std::to_string(count_++);
}

std::string GraphBuilder::store(const Matrix& values) {
    std::string name = next_name();
    checkpoint_.add(name, values);
    return name;
}

std::string GraphBuilder::store(const Vector& values) {
    std::string name = next_name();
    checkpoint_.add_vector(name, values);
    return name;
}

LinearMap GraphBuilder::linear(const Matrix& weight, const Vector& bias) {
    LinearMap map;
    map.weight = store(weight);
    map.bias = bias.size() == 0 ? std::string() : store(bias);
    return map;
}

Normalisation GraphBuilder::norm(NormKind kind,
                                 double epsilon,
                                 const Vector& gamma,
                                 const Vector& beta) {
    Normalisation norm;
    norm.kind = kind;
    norm.epsilon = Interval::exact(epsilon);
    norm.weight = gamma.size() == 0 ? std::string() : store(gamma);
    norm.bias = beta.size() == 0 ? std::string() : store(beta);
    return norm;
}

ForwardModel GraphBuilder::model(std::vector<Module> modules, const ForwardOptions& options) const {
    return {one_layer(std::move(modules)), checkpoint_, options};
}

Residual residual(std::vector<Module> body, double skip, double branch) {
    Residual result;
    result.body = std::move(body);
    result.skip_scale = Interval::exact(skip);
    result.branch_scale = Interval::exact(branch);
    return result;
}

Architecture one_layer(std::vector<Module> modules) {
    Architecture architecture;
    architecture.family = "test";
    architecture.layers.push_back({0, std::move(modules)});
    return architecture;
}

}  // namespace lipcert::test
