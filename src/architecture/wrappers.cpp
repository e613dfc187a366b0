#include "architecture/wrappers.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <string_view>

#include "architecture/family_texts.hpp"

namespace lipcert {

namespace {

struct Words {
    std::vector<std::string> around, beside;
    std::map<std::string, std::string> once;  ///< endings of names, by what they are today
};

const Words& words() {
    static const Words result = [] {
        const auto document = nlohmann::json::parse(wrappers_text());
        return Words{document.at("around").get<std::vector<std::string>>(),
                     document.at("beside").get<std::vector<std::string>>(),
                     document.at("once").get<std::map<std::string, std::string>>()};
    }();
    return result;
}

/// Whether `text` is a sequence of words. No word begins with another, so that there is one way to
/// read it.
bool is_wrapper(std::string_view text) {
    while (!text.empty()) {
        const auto& around = words().around;
        const auto word = std::find_if(around.begin(), around.end(), [text](const auto& candidate) {
            return text.starts_with(candidate);
        });
        if (word == around.end()) {
            return false;
        }
        text.remove_prefix(word->size());
    }
    return true;
}

}  // namespace

std::vector<std::string> wrappers_around(const std::string& name, const Checkpoint& checkpoint) {
    std::vector<std::string> wrappers;
    for (const TensorInfo& tensor : checkpoint.tensors()) {
        if (tensor.name.ends_with(name)) {
            std::string front = tensor.name.substr(0, tensor.name.size() - name.size());
            if (is_wrapper(front)) {
                wrappers.push_back(std::move(front));
            }
        }
    }
    std::sort(wrappers.begin(), wrappers.end(), [](const auto& a, const auto& b) {
        return std::pair(a.size(), a) < std::pair(b.size(), b);
    });
    return wrappers;
}

std::string spelling_in(const Checkpoint& checkpoint, const std::string& name) {
    if (checkpoint.find(name) != nullptr) {
        return name;
    }
    for (const auto& [today, once] : words().once) {
        if (name.ends_with(today)) {
            std::string older = name.substr(0, name.size() - today.size()) + once;
            if (checkpoint.find(older) != nullptr) {
                return older;
            }
        }
    }
    return name;
}

const std::vector<std::string>& names_beside_models() {
    return words().beside;
}

}  // namespace lipcert
