#pragma once

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lipcert::language {

/// A JSON value of a family file together with its place in it, so that every complaint can say
/// where: "my.json: /model/1/body/0/attention". The document must outlive the node.
class Node {
public:
    Node(const nlohmann::json& value, std::string file) : value_(&value), file_(std::move(file)) {}

    /// Throws Error{architecture} at this place.
    [[noreturn]] void refuse(const std::string& message) const;

    [[nodiscard]] std::string where() const;

    [[nodiscard]] const nlohmann::json& value() const { return *value_; }

    /// Refuses every member of this object that is none of `keys`. "note" is always allowed: it is
    /// how a family file carries comments.
    void allow_keys(std::initializer_list<std::string_view> keys) const;

    [[nodiscard]] bool has(const std::string& key) const;
    [[nodiscard]] Node at(const std::string& key) const;  ///< refuses where there is none
    [[nodiscard]] std::optional<Node> find(const std::string& key) const;

    [[nodiscard]] std::vector<Node> items() const;  ///< refuses what is not an array
    [[nodiscard]] std::vector<std::pair<std::string, Node>> members() const;
    [[nodiscard]] std::string text() const;  ///< refuses what is not a non-empty string
    [[nodiscard]] bool flag() const;

private:
    [[nodiscard]] Node child(const nlohmann::json& value, const std::string& step) const;
    void require_object() const;

    const nlohmann::json* value_;
    std::string file_;
    std::string pointer_;
};

}  // namespace lipcert::language
