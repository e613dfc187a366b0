#include "architecture/language/node.hpp"

#include "lipcert/error.hpp"
#include "lipcert/printable.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace lipcert::language {

void Node::refuse(const std::string& message) const {
    // Keys and values of the file are quoted in the message, and nobody has vetted them.
    throw Error(ErrorKind::architecture, printable(where()), printable(message));
}

std::string Node::where() const {
    return file_ + ": " + (pointer_.empty() ? "/" : pointer_);
}

void Node::require_object() const {
    if (!value_->is_object()) {
        refuse(fmt::format(
            "this is a JSON {}; an object {} was expected", value_->type_name(), "{...}"));
    }
}

void Node::allow_keys(std::initializer_list<std::string_view> keys) const {
    for (const auto& [key, node] : members()) {
        if (key == "note") {
            static_cast<void>(node.text());
        } else if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
            std::string allowed;
            for (const std::string_view name : keys) {
                allowed += (allowed.empty() ? "\"" : ", \"") + std::string(name) + "\"";
            }
            node.refuse(fmt::format("the key \"{}\" is unknown; here {} can stand", key, allowed));
        }
    }
}

bool Node::has(const std::string& key) const {
    require_object();
    return value_->contains(key);
}

Node Node::at(const std::string& key) const {
    if (!has(key)) {
        refuse(fmt::format("the key \"{}\" is missing", key));
    }
    return child(value_->at(key), key);
}

std::optional<Node> Node::find(const std::string& key) const {
    if (!has(key)) {
        return std::nullopt;
    }
    return at(key);
}

std::vector<Node> Node::items() const {
    if (!value_->is_array()) {
        refuse(fmt::format("this is a JSON {}; a list [...] was expected", value_->type_name()));
    }
    std::vector<Node> result;
    for (const auto& item : *value_) {
        result.push_back(child(item, std::to_string(result.size())));
    }
    return result;
}

std::vector<std::pair<std::string, Node>> Node::members() const {
    require_object();
    std::vector<std::pair<std::string, Node>> result;
    for (const auto& [key, item] : value_->items()) {
        result.emplace_back(key, child(item, key));
    }
    return result;
}

std::string Node::text() const {
    if (!value_->is_string() || value_->get_ref<const std::string&>().empty()) {
        refuse(fmt::format("{} stands here; a text in quotes was expected", value_->dump()));
    }
    return value_->get<std::string>();
}

bool Node::flag() const {
    if (!value_->is_boolean()) {
        refuse(fmt::format("{} stands here; true or false was expected", value_->dump()));
    }
    return value_->get<bool>();
}

Node Node::child(const nlohmann::json& value, const std::string& step) const {
    Node result = *this;
    result.value_ = &value;
    // RFC 6901: '~' and '/' inside a step are escaped.
    std::string escaped;
    for (const char c : step) {
        escaped += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
    }
    result.pointer_ += "/" + escaped;
    return result;
}

}  // namespace lipcert::language
