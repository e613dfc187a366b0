#include "lipcert/architecture/description.hpp"
#include "lipcert/architecture/weight_use.hpp"
#include "lipcert/bounds/compose.hpp"
#include "lipcert/checkpoint/memory_checkpoint.hpp"
#include "lipcert/error.hpp"

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "architecture/language/parser.hpp"
#include "architecture/language/patterns.hpp"

namespace {

using lipcert::Matrix;
namespace language = lipcert::language;

/// The input as a stream of small decisions; zeros behind its end.
class Decisions {
public:
    explicit Decisions(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

    std::size_t below(std::size_t count) {
        const std::size_t next = position_ < bytes_.size() ? bytes_[position_++] : 0;
        return next % count;
    }

private:
    std::span<const std::uint8_t> bytes_;
    std::size_t position_ = 0;
};

const std::vector<language::Family>& families() {
    static const std::vector<language::Family>& result = *[] {
        auto* parsed = new std::vector<language::Family>;  // lives as long as the process
        for (const lipcert::FamilyDescription& family : lipcert::built_in_families()) {
            parsed->push_back(language::parse_family(family.document, family.name));
        }
        return parsed;
    }();
    return result;
}

void replace(std::string& text, const std::string& placeholder, const std::string& value) {
    for (std::size_t at = text.find(placeholder); at != std::string::npos;
         at = text.find(placeholder)) {
        text.replace(at, placeholder.size(), value);
    }
}

/// Under nested keys too: "config.num_layers".
void set_key(nlohmann::json& values, const std::string& key, const nlohmann::json& value) {
    const std::size_t dot = key.find('.');
    if (dot == std::string::npos) {
        values[key] = value;
    } else {
        nlohmann::json& inner = values[key.substr(0, dot)];
        if (!inner.is_object()) {
            inner = nlohmann::json::object();
        }
        set_key(inner, key.substr(dot + 1), value);
    }
}

nlohmann::json value_for(const language::ParameterSyntax& parameter, Decisions& decisions) {
    const std::array<nlohmann::json, 8> values = {
        2, 1, 4, 1e-5, "gelu", true, nullptr, decisions.below(2) == 0 ? "silu" : "relu"};
    switch (parameter.kind) {
        case language::ParameterKind::count:
            return values.at(decisions.below(3));
        case language::ParameterKind::choice:
            return parameter.among.at(decisions.below(parameter.among.size()));
        default:
            return values.at(decisions.below(values.size()));
    }
}

nlohmann::json draw_configuration(const language::Family& family, Decisions& decisions) {
    nlohmann::json values = nlohmann::json::object();
    for (const auto& [name, parameter] : family.parameters) {
        for (const language::Source& source : parameter.sources) {
            const auto* key = std::get_if<language::ConfigurationKey>(&source);
            if (key != nullptr && decisions.below(8) != 7) {
                set_key(values, key->key, value_for(parameter, decisions));
            }
        }
    }
    for (const language::Requirement& requirement : family.recognised_configuration) {
        const auto& allowed = requirement.allowed;
        set_key(values, requirement.key, allowed.at(decisions.below(allowed.size())));
    }
    return values;
}

void draw_tensor(lipcert::MemoryCheckpoint& model, const std::string& name, Decisions& decisions) {
    constexpr std::array<Eigen::Index, 6> kExtents = {4, 8, 12, 2, 1, 3};
    const auto extent = [&] { return kExtents.at(decisions.below(kExtents.size())); };
    const std::size_t form = decisions.below(16);
    if (form == 15 || model.find(name) != nullptr) {
        return;
    }
    if (form >= 8) {
        model.add_vector(name, lipcert::Vector::Constant(extent(), 0.5));
        return;
    }
    const Eigen::Index rows = extent();
    Matrix values = Matrix::Identity(rows, extent());
    values(0, 0) = std::ldexp(1.0, static_cast<int>(form) - 4);
    model.add(name, values);
}

}  // namespace

/// Tensors and settings that are nearly those of a built-in family: an Error, or a graph in which
/// every tensor has a place or is ignored, and finite or infinite bounds that are no NaN.
// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Decisions decisions({data, size});
    const language::Family& family = families().at(decisions.below(families().size()));
    const std::string prefix = family.prefixes.at(decisions.below(family.prefixes.size()));
    lipcert::MemoryCheckpoint model;
    const std::size_t layers = 1 + decisions.below(2);
    const lipcert::Configuration configuration{draw_configuration(family, decisions),
                                               "config.json"};
    for (const language::Pattern& pattern : language::patterns_of(family)) {
        for (std::size_t layer = 0; layer < layers; ++layer) {
            std::string name = pattern.text;
            replace(name, "{prefix}", prefix);
            replace(name, "{i}", std::to_string(layer));
            draw_tensor(model, name, decisions);
        }
    }
    try {
        const lipcert::Architecture graph = lipcert::architecture_of(model, configuration);
        std::set<std::string> known(graph.ignored.begin(), graph.ignored.end());
        for (const lipcert::WeightUse& use : lipcert::weight_uses(graph)) {
            if (model.find(use.tensor) == nullptr) {
                std::abort();
            }
            known.insert(use.tensor);
        }
        if (known.size() != model.tensors().size()) {
            std::abort();
        }
        lipcert::ComposeOptions options;
        options.effort = lipcert::Effort::fast;
        const lipcert::NetworkBounds bounds = lipcert::compose(graph, model, options);
        if (std::isnan(bounds.max_token_l2.upper.log10())) {
            std::abort();
        }
    } catch (const lipcert::Error&) {
        return 0;
    }
    return 0;
}
