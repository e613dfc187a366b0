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

/// Parts of keys that name a change of the function. Each is in use in some published model.
constexpr std::array<std::string_view, 19> kTelling = {"multiplier",
                                                       "softcap",
                                                       "soft_cap",
                                                       "logit_scale",
                                                       "logits_scal",
                                                       "clip_qkv",
                                                       "qk_norm",
                                                       "qk_layernorm",
                                                       "sink",
                                                       "mup_",
                                                       "auto_map",
                                                       "query_pre_attn",
                                                       "interleave",
                                                       "attention_factor",
                                                       "mscale",
                                                       "partial_rotary",
                                                       "scale_emb",
                                                       "embedding_scale",
                                                       "deepnorm"};

/// Words that name a rotary scaling which changes the temperature of the scores, under any key.
constexpr std::array<std::string_view, 3> kTellingWords = {"yarn", "longrope", "su"};

/// The rotary scalings that only turn the angles, which is orthogonal. Where a rotary scaling is
/// named, any other word is refused, known or not.
constexpr std::array<std::string_view, 4> kTurningScalings = {
    "default", "linear", "dynamic", "llama3"};

/// A value that leaves the function as it is.
bool is_neutral(const nlohmann::json& value) {
    return value.is_null() || value == false || (value.is_number() && value == 1) ||
           (value.is_string() && (value == "" || value == "none")) ||
           (value.is_structured() && value.empty());
}

bool is_telling(std::string_view key) {
    std::string lower(key);
    std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char character) {
        return static_cast<char>(std::tolower(character));
    });
    return std::any_of(kTelling.begin(), kTelling.end(), [&lower](std::string_view part) {
        return lower.find(part) != std::string::npos;
    });
}

bool is_telling_word(const nlohmann::json& value) {
    return value.is_string() &&
           std::find(kTellingWords.begin(),
                     kTellingWords.end(),
                     value.get_ref<const std::string&>()) != kTellingWords.end();
}

/// "rope_scaling": "linear", or "rope_type" or "type" inside of an object about rotary positions.
bool names_rotary_scaling(std::string_view key, std::string_view prefix) {
    return key == "rope_scaling" || key == "rope_type" ||
           (key == "type" && prefix.find("rope") != std::string_view::npos);
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
        for (const auto& [key, value] : values.items()) {
            const std::string path = prefix + key;
            if (known_.contains(path)) {
                continue;
            }
            if ((is_telling(key) && !is_neutral(value)) || is_telling_word(value) ||
                (names_rotary_scaling(key, prefix) && !is_turning_scaling(value))) {
                refuse(path,
                       value,
                       fmt::format("changes what a model computes, and family {} does not "
                                   "describe it; describe the model with --architecture, or take "
                                   "the key out if the model's code does not read it",
                                   family_.name));
            }
            if (value.is_object()) {
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
