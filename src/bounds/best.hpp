#pragma once

#include "lipcert/bounds/network_bounds.hpp"
#include "lipcert/rounding/bound.hpp"

#include <concepts>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bounds/search_scope.hpp"

namespace lipcert {

/// The least of the valid bounds of one part of a block that it is offered [R0], the rule that
/// proved it, and all that were tried. Functions are called by `decide`; where it is stated which
/// candidate is used, only that one is.
class Best {
public:
    explicit Best(std::string part) : part_(std::move(part)) {}

    /// `bound`: gives a Bound, or std::optional<Bound>: nothing where the rule proves nothing.
    template <std::invocable Function>
    void offer(const Function& bound) {
        candidates_.push_back({bound, ""});
    }

    /// `bound`: gives an Upper.
    template <std::invocable Function>
    void offer(const Function& bound, const std::string& rule) {
        offer([bound, rule] { return Bound{bound(), rule}; });
    }

    /// `rule`: as the list of alternatives names it; `winner`: as the block's own list of rules
    /// does.
    void offer(const Upper& candidate, const std::string& rule, const std::string& winner) {
        candidates_.push_back({[bound = Bound{candidate, rule}] { return bound; }, winner});
    }

    void offer(const Upper& candidate, const std::string& rule) { offer(candidate, rule, rule); }

    /// To be called once, while all that the functions refer to is there.
    Best& decide() {
        std::vector<Searches> trials(candidates_.size());
        const std::optional<std::size_t> stated = stated_candidate(part_, [&] {
            for (std::size_t i = 0; i < candidates_.size(); ++i) {
                const SearchScope scope(&trials[i]);
                consider(i);
            }
            return least_ + 1;
        });
        if (stated && *stated >= 1 && *stated <= candidates_.size()) {
            consider(*stated - 1);
        } else if (!stated && !candidates_.empty()) {
            take_over(trials[least_]);
        }
        return *this;
    }

    /// +inf where nothing was proved, or before `decide`.
    [[nodiscard]] const Upper& upper() const { return upper_; }

    [[nodiscard]] const std::string& rule() const { return rule_; }

    [[nodiscard]] const std::vector<RuleValue>& alternatives() const { return alternatives_; }

private:
    struct Candidate {
        std::function<std::optional<Bound>()> bound;
        std::string winner;  ///< empty: the rule of the bound
    };

    void consider(std::size_t index) {
        const Candidate& candidate = candidates_[index];
        const std::optional<Bound> bound = candidate.bound();
        if (!bound) {
            return;
        }
        alternatives_.push_back({part_, bound->rule, bound->upper});
        if (alternatives_.size() == 1 || bound->upper < upper_) {
            upper_ = bound->upper;
            rule_ = candidate.winner.empty() ? bound->rule : candidate.winner;
            least_ = index;
        }
    }

    std::string part_;
    std::vector<Candidate> candidates_;
    std::size_t least_ = 0;
    Upper upper_ = Upper::infinity();
    std::string rule_;
    std::vector<RuleValue> alternatives_;
};

}  // namespace lipcert
