#include "architecture/placement.hpp"

#include "lipcert/architecture/description.hpp"
#include "lipcert/architecture/weight_use.hpp"
#include "lipcert/error.hpp"

#include <algorithm>
#include <set>

#include "architecture/parameters.hpp"
#include "architecture/wrappers.hpp"
#include <fmt/format.h>

namespace lipcert {

namespace {

constexpr std::size_t kListed = 5;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// One step of a pattern: a character, any text, or any number.
enum class Step { character, text, number };

struct PatternStep {
    Step kind = Step::character;
    char character = 0;
};

std::vector<PatternStep> steps_of(const std::string& pattern) {
    std::vector<PatternStep> steps;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (pattern[i] == '*') {
            steps.push_back({Step::text, 0});
        } else if (pattern[i] == '{') {
            steps.push_back({Step::number, 0});
            i = std::min(pattern.find('}', i), pattern.size());
        } else {
            steps.push_back({Step::character, pattern[i]});
        }
    }
    return steps;
}

/// A counter or an index table; every other stored thing could be a weight.
bool is_small_integer_tensor(const TensorInfo& tensor) {
    const auto begins_with = [&](const char* text) {
        return tensor.stored_type.rfind(text, 0) == 0;
    };
    return tensor.type == DataType::unsupported && tensor.shape.size() <= 1 &&
           (begins_with("int") || begins_with("uint") || begins_with("bool"));
}

/// What the family says about tensors that bear nothing, with its formulas evaluated for one model.
class IgnoredTensors {
public:
    IgnoredTensors(const language::Family& family,
                   const Match& match,
                   const Configuration& configuration,
                   const Checkpoint& checkpoint)
        : family_(family),
          match_(match),
          checkpoint_(checkpoint),
          parameters_(family, match, configuration, checkpoint.path()) {}

    bool contain(const TensorInfo& tensor) {
        return is_beside(tensor) ||
               std::any_of(family_.ignore.begin(), family_.ignore.end(), [&](const auto& ignored) {
                   return is_named(ignored, tensor) &&
                          (!ignored.shape || tensor.shape == extents(*ignored.shape)) &&
                          (!ignored.is_vector || tensor.shape.size() == 1) &&
                          (!ignored.copy_of || is_copy(tensor, *ignored.copy_of));
               });
    }

    /// "; of that name only 1 x 1 x 8 x 8 is ignored", or nothing.
    std::string explain(const TensorInfo& tensor) {
        std::string shapes;
        for (const language::IgnoredSyntax& ignored : family_.ignore) {
            if (ignored.shape && is_named(ignored, tensor)) {
                TensorInfo expected;
                expected.shape = extents(*ignored.shape);
                shapes += (shapes.empty() ? "" : " or ") + shape_text(expected);
            }
            if (ignored.copy_of && is_named(ignored, tensor)) {
                return fmt::format("; under this name only a copy of {} is ignored",
                                   expand(ignored.copy_of->text, match_));
            }
        }
        return shapes.empty() ? "" : fmt::format("; under this name only {} is ignored", shapes);
    }

private:
    /// What training leaves beside a model: moments of an optimiser have the shapes of weights.
    [[nodiscard]] bool is_beside(const TensorInfo& tensor) const {
        const auto& names = names_beside_models();
        return std::any_of(names.begin(), names.end(), [&tensor](const std::string& pattern) {
            return matches(pattern, tensor.name);
        });
    }

    [[nodiscard]] bool is_named(const language::IgnoredSyntax& ignored,
                                const TensorInfo& tensor) const {
        return matches(expand(ignored.pattern.text, match_), tensor.name);
    }

    /// The same numbers under another name: programs that load one or the other run one model.
    [[nodiscard]] bool is_copy(const TensorInfo& tensor, const language::Pattern& original) const {
        const TensorInfo* other = checkpoint_.find(expand(original.text, match_));
        return other != nullptr && other->shape == tensor.shape &&
               checkpoint_.read(*other) == checkpoint_.read(tensor);
    }

    std::vector<std::size_t> extents(const std::vector<language::Formula>& formulas) {
        std::vector<std::size_t> result;
        result.reserve(formulas.size());
        for (const language::Formula& formula : formulas) {
            result.push_back(parameters_.size(formula, "the extent of an ignored tensor"));
        }
        return result;
    }

    const language::Family& family_;
    const Match& match_;
    const Checkpoint& checkpoint_;
    Parameters parameters_;
};

}  // namespace

bool matches(const std::string& pattern, const std::string& name) {
    // reachable[j]: the steps so far describe the first j characters of the name.
    std::vector<bool> reachable(name.size() + 1, false);
    reachable[0] = true;
    for (const PatternStep& step : steps_of(pattern)) {
        std::vector<bool> next(name.size() + 1, false);
        for (std::size_t j = 0; j <= name.size(); ++j) {
            if (step.kind == Step::text) {
                next[j] = reachable[j] || (j > 0 && next[j - 1]);
            } else if (j > 0 && step.kind == Step::number) {
                next[j] = is_digit(name[j - 1]) && (reachable[j - 1] || next[j - 1]);
            } else if (j > 0) {
                next[j] = reachable[j - 1] && name[j - 1] == step.character;
            }
        }
        reachable = std::move(next);
    }
    return reachable[name.size()];
}

std::vector<std::string> ignored_tensors(const language::Family& family,
                                         const Match& match,
                                         const Configuration& configuration,
                                         const Architecture& architecture,
                                         const Checkpoint& checkpoint) {
    std::set<std::string> placed;
    for (const Role& role : roles_of(architecture)) {
        placed.insert(role.tensor);
    }
    IgnoredTensors bearing_nothing(family, match, configuration, checkpoint);
    std::vector<std::string> ignored;
    std::vector<const TensorInfo*> left_over;
    for (const TensorInfo& tensor : checkpoint.tensors()) {
        if (placed.count(tensor.name) != 0) {
            continue;
        }
        if (bearing_nothing.contain(tensor) || is_small_integer_tensor(tensor)) {
            ignored.push_back(tensor.name);
        } else {
            left_over.push_back(&tensor);
        }
    }
    if (left_over.empty()) {
        return ignored;
    }
    std::string list;
    for (std::size_t i = 0; i < std::min(kListed, left_over.size()); ++i) {
        const TensorInfo& tensor = *left_over[i];
        list += fmt::format("{}{} ({}, {}{})",
                            i == 0 ? "" : ", ",
                            tensor.name,
                            shape_text(tensor),
                            tensor.stored_type,
                            bearing_nothing.explain(tensor));
    }
    throw Error(ErrorKind::architecture,
                checkpoint.path(),
                fmt::format("{} tensor{} no place in family {}: {}{}. A certificate that skips a "
                            "weight would be false: describe the whole model with --architecture, "
                            "where \"ignore\" names what bears nothing",
                            left_over.size(),
                            left_over.size() == 1 ? " has" : "s have",
                            family.name,
                            list,
                            left_over.size() > kListed ? ", ..." : ""));
}

}  // namespace lipcert
