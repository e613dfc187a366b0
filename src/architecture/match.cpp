#include "architecture/match.hpp"

#include "lipcert/error.hpp"

#include <limits>
#include <utility>
#include <vector>

#include "architecture/lookup.hpp"
#include "architecture/wrappers.hpp"
#include <fmt/format.h>

namespace lipcert {

namespace {

void replace_all(std::string& text, const std::string& placeholder, const std::string& value) {
    std::size_t position = 0;
    while ((position = text.find(placeholder, position)) != std::string::npos) {
        text.replace(position, placeholder.size(), value);
        position += value.size();
    }
}

/// Tries one wrapper and prefix. What is wrong first, or "" and the sizes in `result`.
class ShapeMatcher {
public:
    ShapeMatcher(const language::Family& family,
                 const Checkpoint& checkpoint,
                 const std::string& wrapper,
                 const std::string& prefix)
        : family_(family), checkpoint_(checkpoint) {
        result_.wrapper = wrapper;
        result_.prefix = prefix;
    }

    std::string run() {
        for (const auto& shape : family_.recognised_tensors) {
            if (std::string reason = bind(shape); !reason.empty()) {
                return reason;
            }
            ++conditions_met_;
        }
        for (const auto& shape : family_.recognised_tensors) {
            if (std::string reason = compare(shape); !reason.empty()) {
                return reason;
            }
            ++conditions_met_;
        }
        for (const language::Pattern& absent : family_.absent_tensors) {
            const std::string name = expand(absent.text, result_);
            if (checkpoint_.find(name) != nullptr) {
                return fmt::format("there is a tensor {}", name);
            }
        }
        return "";
    }

    [[nodiscard]] std::size_t conditions_met() const { return conditions_met_; }

    [[nodiscard]] const Match& result() const { return result_; }

private:
    /// Extents that are a name alone say how large that name is.
    std::string bind(const language::ShapeCondition& shape) {
        const std::string name = expand(shape.pattern.text, result_);
        const TensorInfo* tensor = checkpoint_.find(name);
        if (tensor == nullptr) {
            return fmt::format("there is no tensor {}", name);
        }
        if (tensor->shape.size() != shape.extents.size()) {
            return wrong_shape(*tensor, shape);
        }
        for (std::size_t i = 0; i < shape.extents.size(); ++i) {
            const auto names = shape.extents[i].names();
            const std::size_t extent = tensor->shape[i];
            if (names.size() != 1 || names.front() != shape.extents[i].text()) {
                continue;
            }
            if (extent > static_cast<std::size_t>(std::numeric_limits<long>::max())) {
                return wrong_shape(*tensor, shape);
            }
            const auto value = static_cast<long>(extent);
            const auto [bound, is_new] = result_.sizes.emplace(
                names.front(), Match::Size{value, "shape of " + tensor->name});
            if (!is_new && bound->second.value != value) {
                return fmt::format("{}, and {} = {} (the {})",
                                   wrong_shape(*tensor, shape),
                                   names.front(),
                                   bound->second.value,
                                   bound->second.source);
            }
        }
        return "";
    }

    std::string compare(const language::ShapeCondition& shape) {
        const std::string name = expand(shape.pattern.text, result_);
        const TensorInfo& tensor = *checkpoint_.find(name);
        for (std::size_t i = 0; i < shape.extents.size(); ++i) {
            const long expected = shape.extents[i].whole(
                [&](const std::string& size) { return result_.sizes.at(size).value; });
            if (expected < 0 || tensor.shape[i] != static_cast<std::size_t>(expected)) {
                return wrong_shape(tensor, shape);
            }
        }
        return "";
    }

    static std::string wrong_shape(const TensorInfo& tensor,
                                   const language::ShapeCondition& shape) {
        std::string expected;
        for (const auto& extent : shape.extents) {
            expected += (expected.empty() ? "" : " x ") + extent.text();
        }
        return fmt::format("{} is {}, not {}", tensor.name, shape_text(tensor), expected);
    }

    const language::Family& family_;
    const Checkpoint& checkpoint_;
    Match result_;
    std::size_t conditions_met_ = 0;
};

/// Wrappers and prefixes to try: without a wrapper first.
std::vector<std::pair<std::string, std::string>> candidates(const language::Family& family,
                                                            const Checkpoint& checkpoint) {
    std::vector<std::pair<std::string, std::string>> result;
    for (const std::string& prefix : family.prefixes) {
        result.emplace_back("", prefix);
    }
    for (const std::string& prefix : family.prefixes) {
        if (family.recognised_tensors.empty()) {
            continue;
        }
        const std::string& first = family.recognised_tensors.front().pattern.text;
        for (std::string& wrapper : wrappers_around(expand(first, {"", prefix, {}}), checkpoint)) {
            if (!wrapper.empty()) {
                result.emplace_back(std::move(wrapper), prefix);
            }
        }
    }
    return result;
}

}  // namespace

std::string expand(std::string text,
                   const Match& match,
                   const std::string& index,
                   std::size_t layer) {
    if (!index.empty()) {
        replace_all(text, "{" + index + "}", std::to_string(layer));
    }
    replace_all(text, "{prefix}", match.prefix);
    return match.wrapper + text;
}

std::variant<Match, Mismatch> match(const language::Family& family,
                                    const Checkpoint& checkpoint,
                                    const Configuration& configuration) {
    std::optional<Match> found;
    std::string reason;
    std::size_t best = 0;
    for (const auto& [wrapper, prefix] : candidates(family, checkpoint)) {
        ShapeMatcher matcher(family, checkpoint, wrapper, prefix);
        const std::string wrong = matcher.run();
        if (wrong.empty()) {
            found = matcher.result();
            break;
        }
        if (reason.empty() || matcher.conditions_met() > best) {
            reason = wrong;
            best = matcher.conditions_met();
        }
    }
    if (!found) {
        return Mismatch{reason, false};
    }
    for (const auto& requirement : family.recognised_configuration) {
        if (const auto wrong = violation(requirement, configuration)) {
            return Mismatch{*wrong, true};
        }
    }
    return *found;
}

}  // namespace lipcert
