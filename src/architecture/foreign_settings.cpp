#include "architecture/foreign_settings.hpp"

#include "lipcert/error.hpp"
#include "lipcert/printable.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>
#include <string_view>

#include <fmt/format.h>

namespace lipcert {

namespace {

/// Parts of keys that name a change of the function, each in use in some published model, and
/// whether the number 1 leaves the function as it is: a factor does; a cap, a flag or a scale that
/// stands in place of the usual one does not.
struct TellingPart {
    std::string_view text;
    bool is_factor = false;
};

constexpr std::array<TellingPart, 37> kTelling = {{
    {"attention_multiplier"},  // in place of 1/sqrt(head_dim)
    {"multiplier", true},
    {"softcap"},
    {"soft_cap"},
    {"logit_cap"},
    {"attn_cap"},
    {"logit_scale", true},
    {"logits_scal", true},
    {"clip_qkv"},
    {"qk_norm"},
    {"qk_layernorm"},
    {"sink"},
    {"mup_"},
    {"auto_map"},
    {"query_pre_attn"},
    {"interleave"},
    {"attention_factor", true},
    {"mscale", true},
    {"partial_rotary", true},
    {"scale_emb", true},
    {"embedding_scale", true},
    {"embed_scale", true},
    {"embd_scale", true},
    {"scale_depth"},
    {"attn_scale"},
    {"attention_scale"},
    {"softmax_scale"},
    {"residual_scale", true},
    {"deepnorm"},
    {"parallel_attn"},
    {"parallel_residual"},
    {"post_norm"},
    {"norm_position"},
    {"norm_first"},
    {"layer_norm_before"},
    {"unit_offset"},
    {"layernorm_1p"},
}};

/// Words that name a rotary scaling which changes the temperature of the scores, under any key.
constexpr std::array<std::string_view, 3> kTellingWords = {"yarn", "longrope", "su"};

/// The rotary scalings that only turn the angles, which is orthogonal. Where a rotary scaling is
/// named, any other word is refused, known or not.
constexpr std::array<std::string_view, 4> kTurningScalings = {
    "default", "linear", "dynamic", "llama3"};

std::string lower_case(std::string_view text) {
    std::string lower(text);
    std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char character) {
        return static_cast<char>(std::tolower(character));
    });
    return lower;
}

/// A value that says nothing, or that the feature is off.
bool is_absent(const nlohmann::json& value) {
    return value.is_null() || value == false ||
           (value.is_string() && (value == "" || value == "none")) ||
           (value.is_structured() && value.empty());
}

/// A key that names a change of the function, and a value that makes it.
bool changes_the_function(std::string_view key, const nlohmann::json& value) {
    const std::string lower = lower_case(key);
    const auto* const part =
        std::find_if(kTelling.begin(), kTelling.end(), [&lower](const TellingPart& telling) {
            return lower.find(telling.text) != std::string::npos;
        });
    if (part == kTelling.end() || is_absent(value)) {
        return false;
    }
    return !(part->is_factor && value.is_number() && value == 1);
}

bool is_telling_word(const nlohmann::json& value) {
    return value.is_string() &&
           std::find(kTellingWords.begin(),
                     kTellingWords.end(),
                     lower_case(value.get_ref<const std::string&>())) != kTellingWords.end();
}

/// "rope_scaling": "linear", or "rope_type" or "type" inside of an object about rotary positions;
/// `path` may also have come as one key with dots.
bool names_rotary_scaling(std::string_view path) {
    const std::size_t dot = path.rfind('.');
    const std::string_view key = dot == std::string_view::npos ? path : path.substr(dot + 1);
    return key == "rope_scaling" || key == "rope_type" ||
           (key == "type" && path.find("rope") != std::string_view::npos);
}

/// Also where there is none, or an object that says more.
bool is_turning_scaling(const nlohmann::json& value) {
    if (!value.is_string()) {
        return value.is_null() || value == false || value.is_object();
    }
    return std::find(kTurningScalings.begin(),
                     kTurningScalings.end(),
                     value.get_ref<const std::string&>()) != kTurningScalings.end();
}

/// The keys that the family reads or puts a condition on.
std::set<std::string> known_keys(const language::Family& family) {
    std::set<std::string> known;
    for (const auto& [name, parameter] : family.parameters) {
        for (const language::Source& source : parameter.sources) {
            if (const auto* key = std::get_if<language::ConfigurationKey>(&source)) {
                known.insert(key->key);
            }
        }
    }
    for (const auto* requirements : {&family.require, &family.recognised_configuration}) {
        for (const language::Requirement& requirement : *requirements) {
            known.insert(requirement.key);
        }
    }
    return known;
}

class Scan {
public:
    Scan(const language::Family& family,
         const Configuration& configuration,
         const std::string& where)
        : family_(family),
          source_(configuration.source),
          where_(where),
          known_(known_keys(family)) {}

    void object(const nlohmann::json& values, const std::string& prefix) const {
        for (const auto& [key, value] : values.items()) {  // of an array: its indices
            const std::string path = prefix + key;
            if (known_.contains(path)) {
                continue;
            }
            if (changes_the_function(key, value) || is_telling_word(value) ||
                (names_rotary_scaling(path) && !is_turning_scaling(value))) {
                refuse(path,
                       value,
                       fmt::format("changes what a model computes, and family {} does not "
                                   "describe it; describe the model with --architecture, or take "
                                   "the key out if the model's code does not read it",
                                   family_.name));
            }
            if (value.is_structured()) {
                object(value, path + ".");
            }
        }
    }

    /// Every key must be one that the family knows, or one of its "only_keys".
    void closed(const nlohmann::json& values) const {
        for (const auto& [key, value] : values.items()) {
            if (!known_.contains(key) &&
                std::find(family_.only_keys->begin(), family_.only_keys->end(), key) ==
                    family_.only_keys->end()) {
                refuse(key,
                       value,
                       fmt::format("is no key of family {}: a misspelt one would be lost",
                                   family_.name));
            }
        }
    }

private:
    [[noreturn]] void refuse(const std::string& path,
                             const nlohmann::json& value,
                             const std::string& message) const {
        throw Error(ErrorKind::architecture,
                    where_,
                    fmt::format("{}: \"{}\" = {} {}",
                                source_,
                                printable_quote(path),
                                printable_quote(value.dump(
                                    -1, ' ', true, nlohmann::json::error_handler_t::replace)),
                                message));
    }

    const language::Family& family_;
    const std::string& source_;
    const std::string& where_;
    std::set<std::string> known_;
};

}  // namespace

void refuse_foreign_settings(const language::Family& family,
                             const Configuration& configuration,
                             const std::string& where) {
    const Scan scan(family, configuration, where);
    if (family.only_keys) {
        scan.closed(configuration.values);
    }
    scan.object(configuration.values, "");
}

}  // namespace lipcert
