#include "lipcert/architecture/inspection.hpp"

#include "lipcert/architecture/weight_use.hpp"
#include "lipcert/error.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "architecture/language/parser.hpp"
#include "architecture/language/patterns.hpp"
#include "architecture/lookup.hpp"
#include "architecture/match.hpp"
#include "architecture/nearest_pattern.hpp"
#include "architecture/parameters.hpp"
#include "architecture/placement.hpp"
#include "architecture/wrappers.hpp"

namespace lipcert {

namespace {

using Place = InspectedTensor::Place;

std::string message_of(const Error& error) {
    return error.where().empty() ? error.what() : error.where() + ": " + error.what();
}

/// A pattern as one model would use it.
struct ModelPattern {
    std::string name;  ///< with the prefix, {i} for the layer
    const language::Pattern* pattern = nullptr;
};

/// How a family that does not fit all the way would take the tensors.
class Survey {
public:
    Survey(const language::Family& family, const Checkpoint& checkpoint)
        : patterns_(language::patterns_of(family)) {
        for (const std::string& prefix : family.prefixes) {
            for (const std::string& wrapper : wrappers(family, prefix, checkpoint)) {
                const Match match{wrapper, prefix, {}};
                std::vector<ModelPattern> tried = expanded(match);
                const std::size_t taken = count(tried, checkpoint);
                if (used_.empty() || taken > taken_) {
                    used_ = std::move(tried);
                    taken_ = taken;
                    match_ = match;
                }
            }
        }
        for (const language::IgnoredSyntax& ignored : family.ignore) {
            ignored_.push_back(expand(ignored.pattern.text, match_));
        }
    }

    [[nodiscard]] std::size_t taken() const { return taken_; }

    /// The place of every tensor, by patterns alone.
    [[nodiscard]] std::vector<InspectedTensor> tensors(const Checkpoint& checkpoint) const {
        std::vector<std::string> names;
        names.reserve(used_.size());
        for (const ModelPattern& used : used_) {
            names.push_back(without_numbers(used.name));
        }
        NearestPattern nearest(std::move(names));
        std::vector<InspectedTensor> result;
        for (const TensorInfo& info : checkpoint.tensors()) {
            InspectedTensor tensor;
            tensor.info = info;
            std::size_t found = pattern_for(info.name);
            if (found < used_.size()) {
                tensor.place = Place::placed;
            } else if (is_ignored(info.name)) {
                tensor.place = Place::ignored;
            } else {
                found = nearest.find(info.name);
            }
            if (found < used_.size() && tensor.place != Place::ignored) {
                tensor.pattern = used_[found].pattern->text;
                tensor.where = used_[found].pattern->where;
            }
            result.push_back(std::move(tensor));
        }
        return result;
    }

private:
    static std::vector<std::string> wrappers(const language::Family& family,
                                             const std::string& prefix,
                                             const Checkpoint& checkpoint) {
        std::vector<std::string> result = {""};
        for (const language::ShapeCondition& shape : family.recognised_tensors) {
            for (std::string& wrapper :
                 wrappers_around(expand(shape.pattern.text, {"", prefix, {}}), checkpoint)) {
                result.push_back(std::move(wrapper));
            }
        }
        return result;
    }

    [[nodiscard]] std::vector<ModelPattern> expanded(const Match& match) const {
        std::vector<ModelPattern> result;
        result.reserve(patterns_.size());
        for (const language::Pattern& pattern : patterns_) {
            result.push_back({expand(pattern.text, match), &pattern});
        }
        return result;
    }

    static std::size_t count(const std::vector<ModelPattern>& patterns,
                             const Checkpoint& checkpoint) {
        const auto& tensors = checkpoint.tensors();
        return static_cast<std::size_t>(
            std::count_if(tensors.begin(), tensors.end(), [&](const TensorInfo& tensor) {
                return std::any_of(patterns.begin(), patterns.end(), [&](const auto& pattern) {
                    return matches(pattern.name, tensor.name);
                });
            }));
    }

    [[nodiscard]] std::size_t pattern_for(const std::string& name) const {
        const auto found = std::find_if(used_.begin(), used_.end(), [&name](const auto& pattern) {
            return matches(pattern.name, name);
        });
        return static_cast<std::size_t>(found - used_.begin());
    }

    [[nodiscard]] bool is_ignored(const std::string& name) const {
        const auto is_it = [&name](const std::string& pattern) { return matches(pattern, name); };
        const auto& beside = names_beside_models();
        return std::any_of(ignored_.begin(), ignored_.end(), is_it) ||
               std::any_of(beside.begin(), beside.end(), is_it);
    }

    std::vector<language::Pattern> patterns_;
    std::vector<ModelPattern> used_;
    std::vector<std::string> ignored_;
    Match match_;
    std::size_t taken_ = 0;
};

/// Of a complete model: what the builder has noted.
std::vector<InspectedTensor> placed_tensors(const Architecture& architecture,
                                            const Checkpoint& checkpoint) {
    std::map<std::string, const Architecture::Placement*> patterns;
    for (const Architecture::Placement& placement : architecture.placements) {
        patterns.emplace(placement.tensor, &placement);
    }
    std::vector<InspectedTensor> result;
    std::set<std::string> seen;
    for (Role& role : roles_of(architecture)) {
        InspectedTensor tensor;
        tensor.info = *checkpoint.find(role.tensor);
        tensor.place = Place::placed;
        tensor.role = std::move(role.role);
        tensor.layer = role.layer;
        if (const auto found = patterns.find(role.tensor); found != patterns.end()) {
            tensor.pattern = found->second->pattern;
            tensor.where = found->second->where;
        }
        seen.insert(role.tensor);
        result.push_back(std::move(tensor));
    }
    for (const TensorInfo& info : checkpoint.tensors()) {
        if (!seen.contains(info.name)) {
            InspectedTensor tensor;
            tensor.info = info;
            tensor.place = Place::ignored;
            result.push_back(std::move(tensor));
        }
    }
    return result;
}

/// Parameters none of whose sources is there. A flag may stay open: the file decides.
std::vector<MissingParameter> missing_parameters(const language::Family& family,
                                                 const Configuration& configuration) {
    std::vector<MissingParameter> missing;
    for (const auto& [name, parameter] : family.parameters) {
        MissingParameter candidate{name, {}};
        bool is_there = parameter.kind == language::ParameterKind::flag;
        for (const language::Source& source : parameter.sources) {
            const auto* key = std::get_if<language::ConfigurationKey>(&source);
            if (key == nullptr) {
                is_there = true;
                continue;
            }
            candidate.keys.push_back(key->key);
            const nlohmann::json* value = find_key(configuration, key->key);
            is_there = is_there ||
                       (value != nullptr &&
                        (parameter.kind == language::ParameterKind::rotary || !value->is_null()));
        }
        if (!is_there) {
            missing.push_back(std::move(candidate));
        }
    }
    return missing;
}

/// The family that is recognised, or the one whose patterns take the most tensors.
void survey(Inspection& result,
            const std::vector<const FamilyDescription*>& families,
            const Checkpoint& checkpoint,
            const Configuration& configuration) {
    std::size_t most = 0;
    for (const FamilyDescription* description : families) {
        const language::Family syntax =
            language::parse_family(description->document, description->source);
        const auto fit = match(syntax, checkpoint, configuration);
        const bool is_recognised = std::holds_alternative<Match>(fit);
        const Survey found(syntax, checkpoint);
        if (found.taken() <= most && !is_recognised) {
            continue;
        }
        if (result.is_recognised && !is_recognised) {
            continue;
        }
        most = found.taken();
        result.family = description->name;
        result.is_recognised = is_recognised;
        result.tensors = found.tensors(checkpoint);
        result.missing = missing_parameters(syntax, configuration);
        result.parameters.clear();
        if (is_recognised) {
            Parameters parameters(syntax, std::get<Match>(fit), configuration, checkpoint.path());
            parameters.resolve_what_is_there();
            result.parameters = parameters.resolved();
        }
    }
}

}  // namespace

Inspection inspect(const Checkpoint& checkpoint,
                   const Configuration& configuration,
                   const FamilyDescription* description) {
    Inspection result;
    try {
        result.architecture = description != nullptr
                                  ? build_architecture(*description, checkpoint, configuration)
                                  : architecture_of(checkpoint, configuration);
        result.family = result.architecture->family;
        result.is_recognised = true;
        result.parameters = result.architecture->parameters;
        result.tensors = placed_tensors(*result.architecture, checkpoint);
        return result;
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::architecture && error.kind() != ErrorKind::input) {
            throw;
        }
        result.problem = message_of(error);
    }
    std::vector<const FamilyDescription*> families;
    if (description != nullptr) {
        families.push_back(description);
    } else {
        for (const FamilyDescription& family : built_in_families()) {
            families.push_back(&family);
        }
    }
    survey(result, families, checkpoint, configuration);
    if (result.tensors.empty()) {
        for (const TensorInfo& info : checkpoint.tensors()) {
            InspectedTensor tensor;
            tensor.info = info;
            result.tensors.push_back(std::move(tensor));
        }
    }
    return result;
}

}  // namespace lipcert
