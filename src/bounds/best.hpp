#pragma once

#include "lipcert/bounds/network_bounds.hpp"
#include "lipcert/rounding/bound.hpp"

#include <string>
#include <utility>
#include <vector>

namespace lipcert {

/// The least of the valid bounds of one part of a block that it is offered [R0], the rule that
/// proved it, and all that were offered.
class Best {
public:
    explicit Best(std::string part) : part_(std::move(part)) {}

    /// `rule`: as the list of alternatives names it; `winner`: as the block's own list of rules
    /// does, which already holds those that all candidates share.
    void offer(const Upper& candidate, const std::string& rule, const std::string& winner) {
        alternatives_.push_back({part_, rule, candidate});
        if (alternatives_.size() == 1 || candidate < upper_) {
            upper_ = candidate;
            rule_ = winner;
        }
    }

    void offer(const Upper& candidate, const std::string& rule) { offer(candidate, rule, rule); }

    [[nodiscard]] const Upper& upper() const { return upper_; }

    [[nodiscard]] const std::string& rule() const { return rule_; }

    [[nodiscard]] const std::vector<RuleValue>& alternatives() const { return alternatives_; }

private:
    std::string part_;
    Upper upper_ = Upper::infinity();
    std::string rule_;
    std::vector<RuleValue> alternatives_;
};

}  // namespace lipcert
