#include "architecture/graph_builder.hpp"

#include "lipcert/error.hpp"

#include <utility>

#include "architecture/shape_check.hpp"
#include "architecture/wrappers.hpp"
#include <fmt/format.h>

namespace lipcert {

using namespace language;

GraphBuilder::GraphBuilder(const Family& family,
                           const Match& match,
                           const Checkpoint& checkpoint,
                           const Configuration& configuration)
    : family_(family),
      match_(match),
      checkpoint_(checkpoint),
      configuration_(configuration),
      parameters_(family, match, configuration, checkpoint.path()) {}

std::string GraphBuilder::expanded(const Pattern& pattern) const {
    return expand(pattern.text, match_, index_, layer_);
}

std::string GraphBuilder::tensor(const Pattern& pattern) {
    std::string name = spelling_in(checkpoint_, expanded(pattern));
    const TensorInfo* found = checkpoint_.find(name);
    if (pattern.optional) {
        check_stated(pattern, name, found != nullptr);
        check_consistent(pattern, name, found != nullptr);
    }
    if (found == nullptr) {
        if (!pattern.optional) {
            refuse_dangling(pattern, name);
        }
        return "";
    }
    if (found->type == DataType::unsupported) {
        throw Error(ErrorKind::input,
                    checkpoint_.path() + ": " + name,
                    fmt::format("this weight is stored as {}; float16, bfloat16, float32 or "
                                "float64 was expected: a quantised model has no certificate, its "
                                "dequantised weights have",
                                found->stored_type));
    }
    if (placed_.insert(name).second) {
        result_.placements.push_back({name, pattern.text, pattern.where});
    }
    return name;
}

std::string GraphBuilder::tensor(const std::optional<Pattern>& pattern) {
    return pattern ? tensor(*pattern) : "";
}

/// A bias that some layers have and others have not is a damaged file, not a model.
void GraphBuilder::check_consistent(const Pattern& pattern,
                                    const std::string& name,
                                    bool is_there) {
    const auto [entry, is_new] =
        optional_found_.emplace(pattern.where + pattern.text, std::pair(is_there, name));
    const auto& [was_there, first_name] = entry->second;
    if (!is_new && was_there != is_there) {
        throw Error(ErrorKind::architecture,
                    checkpoint_.path() + ": " + (is_there ? first_name : name),
                    fmt::format("there is {} but not {}; a tensor that is optional in family {} "
                                "must be in all layers or in none",
                                is_there ? name : first_name,
                                is_there ? first_name : name,
                                family_.name));
    }
}

/// A bias that the configuration announces and the file lacks would be left out of the bound; one
/// that the configuration denies is not what the model computes with.
void GraphBuilder::check_stated(const Pattern& pattern, const std::string& name, bool is_there) {
    if (pattern.flag.empty()) {
        return;
    }
    const std::optional<bool> stated = parameters_.stated_flag(pattern.flag);
    if (stated && *stated != is_there) {
        throw Error(ErrorKind::architecture,
                    checkpoint_.path() + ": " + name,
                    fmt::format("there is {} tensor {}, and {}; check the configuration against "
                                "the file",
                                is_there ? "a" : "no",
                                name,
                                parameters_.explain(pattern.flag)));
    }
}

void GraphBuilder::refuse_dangling(const Pattern& pattern, const std::string& name) {
    const std::string layer =
        index_.empty() ? "" : fmt::format(" It belongs to layer {}, and {}.", layer_, layers_text_);
    throw Error(ErrorKind::architecture,
                checkpoint_.path(),
                fmt::format("there is no tensor {} (pattern \"{}\" at {}).{} Check the "
                            "configuration against the file, or describe the model with "
                            "--architecture",
                            name,
                            pattern.text,
                            pattern.where,
                            layer));
}

void GraphBuilder::expect(const std::string& tensor,
                          std::size_t found,
                          const std::optional<Formula>& formula,
                          const std::string& what) {
    if (!formula) {
        return;
    }
    const std::size_t expected = parameters_.size(*formula, what);
    if (expected != found) {
        throw Error(ErrorKind::architecture,
                    checkpoint_.path() + ": " + tensor,
                    fmt::format("the shape of {} is {}: {} is {}; expected {} = {}, where {}",
                                tensor,
                                shape_text(*checkpoint_.find(tensor)),
                                what,
                                found,
                                formula->expression.text(),
                                expected,
                                parameters_.explain(formula->expression)));
    }
}

Interval GraphBuilder::scale(const std::optional<Formula>& formula) {
    return formula ? parameters_.real(*formula) : Interval::exact(1.0);
}

LinearMap GraphBuilder::linear(const LinearSyntax& syntax) {
    LinearMap map;
    map.weight = tensor(syntax.weight);
    if (map.weight.empty()) {
        return map;
    }
    map.layout = syntax.layout;
    map.bias = tensor(syntax.bias);
    if (syntax.slice) {
        map.slice = slice(*syntax.slice);
    }
    return map;
}

OutputSlice GraphBuilder::slice(const SliceSyntax& syntax) {
    OutputSlice result;
    result.begin = parameters_.offset(syntax.first, "the begin of a slice");
    const std::size_t length = parameters_.size(syntax.count, "the length of a slice");
    if (syntax.times) {
        result.runs = parameters_.size(*syntax.times, "how often a slice repeats");
        result.period = parameters_.size(*syntax.every, "the distance of a slice's runs");
    }
    // Counts have 31 bits: no product of two overflows.
    result.count = result.runs * length;
    if (result.runs > 1 && result.period < length) {
        throw Error(
            ErrorKind::architecture,
            syntax.where,
            fmt::format("runs of {} outputs every {} outputs overlap", length, result.period));
    }
    return result;
}

std::optional<Normalisation> GraphBuilder::norm(const NormSyntax& syntax) {
    const bool is_parameter = family_.parameters.count(syntax.kind.text) != 0;
    const std::string kind = is_parameter ? parameters_.choice(syntax.kind.text) : syntax.kind.text;
    if (kind == "none") {
        return std::nullopt;
    }
    Normalisation result;
    result.kind = kind == "layernorm"  ? NormKind::layer
                  : kind == "unitnorm" ? NormKind::unit
                                       : NormKind::rms;
    result.weight = tensor(syntax.weight);
    result.bias = tensor(syntax.bias);
    result.epsilon = parameters_.positive(syntax.epsilon, "the epsilon of a norm");
    result.weight_plus_one = syntax.plus_one;
    if (proves_at_most(result.epsilon.magnitude(), Lower::exact(1.0))) {
        return result;
    }
    throw Error(ErrorKind::architecture,
                syntax.epsilon.where,
                fmt::format("the epsilon of a norm lies above 1, where {}: this cannot be meant",
                            parameters_.explain(syntax.epsilon.expression)));
}

std::vector<Module> GraphBuilder::body(const std::vector<ModuleSyntax>& modules) {
    std::vector<Module> result;
    for (const ModuleSyntax& module : modules) {
        std::visit([&](const auto& kind) { append(result, kind); }, module.kind);
    }
    return result;
}

void GraphBuilder::append(std::vector<Module>& to, const LinearSyntax& syntax) {
    to.push_back({linear(syntax)});
}

void GraphBuilder::append(std::vector<Module>& to, const NormSyntax& syntax) {
    if (auto module = norm(syntax)) {
        to.push_back({std::move(*module)});
    }
}

void GraphBuilder::expect_heads(const Attention& attention,
                                const Formula& head_dim,
                                const Formula& heads) {
    const std::size_t width = parameters_.size(head_dim, "the width of a head");
    const auto check = [&](const LinearMap& map, std::size_t count, const std::string& what) {
        const std::size_t outputs = size_of(map, checkpoint_).outputs;
        if (outputs != count * width) {
            throw Error(ErrorKind::architecture,
                        checkpoint_.path() + ": " + map.weight,
                        fmt::format("the shape of {} is {}, which gives {} outputs; expected {} x "
                                    "head width = {} x {} = {}, where {}, {}",
                                    map.weight,
                                    shape_text(*checkpoint_.find(map.weight)),
                                    outputs,
                                    what,
                                    count,
                                    width,
                                    count * width,
                                    parameters_.explain(heads.expression),
                                    parameters_.explain(head_dim.expression)));
        }
    };
    check(attention.query, attention.heads, "heads");
    check(attention.key, attention.key_value_heads, "key-value heads");
    check(attention.value, attention.key_value_heads, "key-value heads");
}

namespace {

/// None where only a part is rotated and it is not said how much, or not into whole pairs.
std::optional<RotaryAngles> rotary_angles(const RotarySetting& rotary,
                                          double base,
                                          std::size_t head_width) {
    if (rotary.kind == Rotary::half_split) {
        return RotaryAngles{base};
    }
    if (!rotary.fraction) {
        return std::nullopt;
    }
    // The implementations cut the product off: int(head_dim * fraction).
    const auto rotated =
        static_cast<std::size_t>(static_cast<double>(head_width) * *rotary.fraction);
    return rotated >= 2 && rotated % 2 == 0 ? std::optional(RotaryAngles{base, rotated})
                                            : std::nullopt;
}

}  // namespace

void GraphBuilder::append(std::vector<Module>& to, const AttentionSyntax& syntax) {
    Attention module;
    module.heads = parameters_.size(syntax.heads, "the number of heads");
    module.key_value_heads =
        syntax.key_value_heads
            ? parameters_.size(*syntax.key_value_heads, "the number of key-value heads")
            : module.heads;
    module.query = linear(syntax.query);
    module.key = linear(syntax.key);
    module.value = linear(syntax.value);
    module.output = linear(syntax.output);
    module.score_scale = parameters_.positive(syntax.score_scale, "the scale of the scores");
    module.output_scale = scale(syntax.output_scale);
    const RotarySetting rotary = parameters_.rotary(syntax.rotary);
    module.rotary = rotary.kind;
    module.squared_distance = syntax.squared_distance;
    if (module.squared_distance && module.rotary != Rotary::none) {
        throw Error(ErrorKind::architecture,
                    syntax.rotary.where,
                    "scores that are squared distances are bounded without rotary positions only; "
                    "expected \"none\", or scores that are dot products");
    }
    module.rotary_angles = rotary.angles;
    if (rotary.kind != Rotary::none && syntax.rotary_angles &&
        parameters_.all_default(syntax.rotary_angles->unscaled)) {
        const Interval base = parameters_.positive(syntax.rotary_angles->base, "the rotary base");
        const std::size_t head_width = size_of(module.query, checkpoint_).outputs / module.heads;
        module.rotary_angles = rotary_angles(rotary, middle(base), head_width);
    }
    module.causal = parameters_.flag(syntax.causal);
    if (syntax.query_norm) {
        module.query_norm = norm(*syntax.query_norm);
    }
    if (syntax.key_norm) {
        module.key_norm = norm(*syntax.key_norm);
    }
    if (syntax.score_cap) {
        module.score_cap = parameters_.positive(*syntax.score_cap, "the cap of the scores");
    }
    if (syntax.sink) {
        module.sink = Sink{tensor(syntax.sink->scores)};
    }
    if (syntax.relative_bias) {
        module.relative_bias =
            RelativeBias{tensor(syntax.relative_bias->table),
                         parameters_.size(syntax.relative_bias->farthest, "the farthest distance")};
    }
    if (syntax.head_dim) {
        expect_heads(module, *syntax.head_dim, syntax.heads);
    }
    to.push_back({std::move(module)});
}

void GraphBuilder::append(std::vector<Module>& to, const MlpSyntax& syntax) {
    Mlp module;
    module.in = linear(syntax.in);
    module.out = linear(syntax.out);
    module.activation = parameters_.activation(syntax.activation);
    module.activation_scale = scale(syntax.scale);
    expect(module.in.weight, size_of(module.in, checkpoint_).outputs, syntax.width, "the width");
    to.push_back({std::move(module)});
}

void GraphBuilder::append(std::vector<Module>& to, const GatedMlpSyntax& syntax) {
    GatedMlp module;
    module.gate = linear(syntax.gate);
    module.up = linear(syntax.up);
    module.down = linear(syntax.down);
    module.activation = parameters_.activation(syntax.activation);
    module.activation_scale = scale(syntax.scale);
    expect(
        module.gate.weight, size_of(module.gate, checkpoint_).outputs, syntax.width, "the width");
    to.push_back({std::move(module)});
}

void GraphBuilder::append(std::vector<Module>& to, const ElementwiseSyntax& syntax) {
    to.push_back({Elementwise{parameters_.activation(syntax.activation)}});
}

void GraphBuilder::append(std::vector<Module>& to, const ResidualSyntax& syntax) {
    Residual module;
    module.body = body(syntax.body);
    module.skip_scale = scale(syntax.skip_scale);
    module.branch_scale = scale(syntax.branch_scale);
    if (syntax.projection) {
        LinearMap projection = linear(*syntax.projection);
        if (!projection.weight.empty()) {
            module.projection = std::move(projection);
        }
    }
    to.push_back({std::move(module)});
}

void GraphBuilder::append(std::vector<Module>& to, const ParallelSyntax& syntax) {
    Parallel module;
    for (const auto& branch : syntax.branches) {
        module.branches.push_back(body(branch));
    }
    to.push_back({std::move(module)});
}

void GraphBuilder::append(std::vector<Module>& to, const ScaleSyntax& syntax) {
    to.push_back({Scale{parameters_.real(syntax.factor)}});
}

void GraphBuilder::append(std::vector<Module>& to, const SoftCapSyntax& syntax) {
    to.push_back({SoftCap{parameters_.positive(syntax.cap, "a soft cap")}});
}

}  // namespace lipcert
