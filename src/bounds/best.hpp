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
            const auto bounds = try_all(trials);
            for (std::size_t i = 0; i < candidates_.size(); ++i) {
                consider(i, bounds[i]);
            }
            return least_ + 1;
        });
        if (stated && *stated >= 1 && *stated <= candidates_.size()) {
            consider(*stated - 1, candidates_[*stated - 1].bound());
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

    /// Each with its searches in a scope of its own.
    std::vector<std::optional<Bound>> try_all(std::vector<Searches>& trials) const {
        std::vector<std::optional<Bound>> bounds(candidates_.size());
        const auto attempt = [&](std::size_t i) {
            const SearchScope scope(&trials[i]);
            bounds[i] = candidates_[i].bound();
        };
        if (side_by_side_) {
            for_each_piece(static_cast<Eigen::Index>(candidates_.size()),
                           std::numeric_limits<double>::infinity(),
                           [&](Eigen::Index i) { attempt(static_cast<std::size_t>(i)); });
        } else {
            for (std::size_t i = 0; i < candidates_.size(); ++i) {
                attempt(i);
            }
        }
        return bounds;
    }

    void consider(std::size_t index, const std::optional<Bound>& bound) {
        if (!bound) {
            return;
        }
        const Candidate& candidate = candidates_[index];
        alternatives_.push_back({part_, bound->rule, bound->upper});
        if (alternatives_.size() == 1 || bound->upper < upper_) {
            upper_ = bound->upper;
            rule_ = candidate.winner.empty() ? bound->rule : candidate.winner;
            least_ = index;
        }
    }

    std::string part_;
    bool side_by_side_;
    std::vector<Candidate> candidates_;
    std::size_t least_ = 0;
    Upper upper_ = Upper::infinity();
    std::string rule_;
    std::vector<RuleValue> alternatives_;
};

}  // namespace lipcert
