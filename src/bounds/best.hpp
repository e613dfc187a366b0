#pragma once

#include "lipcert/bounds/network_bounds.hpp"
#include "lipcert/rounding/bound.hpp"

#include <concepts>
#include <cstddef>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bounds/search_scope.hpp"
#include "norms/parallel.hpp"

namespace lipcert {

/// The least of the valid bounds of one part of a block that it is offered [R0], the rule that
/// proved it, and all that were tried. Functions are called by `decide`; where it is stated which
/// candidate is used, only that one is.
class Best {
public:
    /// 128 MB of doubles: from there on products keep all threads busy, and memory is what counts.
    static constexpr Eigen::Index kManyEntries = 0x1 << 24;

    /// `entries`: of all matrices that the candidates work on; where they are few, the functions
    /// are called side by side.
    explicit Best(std::string part, Eigen::Index entries = kManyEntries)
        : part_(std::move(part)), side_by_side_(entries < kManyEntries) {}

    /// `bound`: gives a Bound, or std::optional<Bound>: nothing where the rule proves nothing.
    template <std::invocable Function>
    void offer(const Function& bound) {
        candidates_.push_back({bound, "", nullptr});
    }

    /// `bound`: gives an Upper.
    template <std::invocable Function>
    void offer(const Function& bound, const std::string& rule) {
        offer([bound, rule] { return Bound{bound(), rule}; });
    }

    /// `rule`: as the list of alternatives names it; `winner`: as the block's own list of rules
    /// does.
    void offer(const Upper& candidate, const std::string& rule, const std::string& winner) {
        candidates_.push_back(
            {[bound = Bound{candidate, rule}] { return bound; }, winner, nullptr});
    }

    void offer(const Upper& candidate, const std::string& rule) { offer(candidate, rule, rule); }

    /// `glance`: gives std::optional<Bound>. Where it gives a bound, proved with little work, the
    /// candidate will not be the least: that bound stands in the list, and `bound` is not called.
    /// It must search nothing, and what it gives must not depend on threads. Where the candidate is
    /// stated, `bound` is called and `glance` is not.
    template <std::invocable Glance, std::invocable Function>
    void offer_after(const Glance& glance, const Function& bound) {
        candidates_.push_back({bound, "", glance});
    }

    /// To be called once, while all that the functions refer to is there.
    Best& decide() {
        std::vector<Searches> trials(candidates_.size());
        const std::optional<std::size_t> stated = stated_candidate(part_, [&] {
            const auto bounds = try_all(trials);
            for (std::size_t i = 0; i < candidates_.size(); ++i) {
                consider(i, bounds[i]);
            }
            return least_.value_or(0) + 1;
        });
        if (stated && *stated >= 1 && *stated <= candidates_.size()) {
            consider(*stated - 1, {candidates_[*stated - 1].bound()});
        } else if (!stated && !candidates_.empty()) {
            take_over(trials[least_.value_or(0)]);
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
        std::string winner;                            ///< empty: the rule of the bound
        std::function<std::optional<Bound>()> glance;  ///< empty: none
    };

    struct Attempt {
        std::optional<Bound> bound;
        bool is_glance = false;  ///< which is listed, but not used
    };

    static Attempt try_one(const Candidate& candidate) {
        if (candidate.glance) {
            if (std::optional<Bound> bound = candidate.glance()) {
                return {std::move(bound), true};
            }
        }
        return {candidate.bound()};
    }

    /// Each with its searches in a scope of its own.
    std::vector<Attempt> try_all(std::vector<Searches>& trials) const {
        std::vector<Attempt> bounds(candidates_.size());
        const auto in_own_scope = [&](std::size_t i) {
            const SearchScope scope(&trials[i]);
            bounds[i] = try_one(candidates_[i]);
        };
        if (side_by_side_) {
            for_each_piece(static_cast<Eigen::Index>(candidates_.size()),
                           std::numeric_limits<double>::infinity(),
                           [&](Eigen::Index i) { in_own_scope(static_cast<std::size_t>(i)); });
        } else {
            for (std::size_t i = 0; i < candidates_.size(); ++i) {
                in_own_scope(i);
            }
        }
        return bounds;
    }

    void consider(std::size_t index, const Attempt& attempt) {
        if (!attempt.bound) {
            return;
        }
        const Bound& bound = *attempt.bound;
        alternatives_.push_back({part_, bound.rule, bound.upper});
        if (!attempt.is_glance && (!least_ || bound.upper < upper_)) {
            const Candidate& candidate = candidates_[index];
            upper_ = bound.upper;
            rule_ = candidate.winner.empty() ? bound.rule : candidate.winner;
            least_ = index;
        }
    }

    std::string part_;
    bool side_by_side_;
    std::vector<Candidate> candidates_;
    std::optional<std::size_t> least_;
    Upper upper_ = Upper::infinity();
    std::string rule_;
    std::vector<RuleValue> alternatives_;
};

}  // namespace lipcert
