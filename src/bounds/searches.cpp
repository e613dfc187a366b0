#include "lipcert/bounds/searches.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "bounds/search_scope.hpp"
#include <fmt/format.h>

namespace lipcert {

namespace {

thread_local Searches* current = nullptr;

}  // namespace

Searches::Searches(std::vector<FoundParameters> stated) : stated_(std::move(stated)) {}

bool Searches::fits(const FoundParameters& stated,
                    const std::string& kind,
                    std::size_t count) const {
    // A search for multipliers may find none; heads have one weight each.
    const bool may_be_empty = kind == "multiplier";
    return stated.place == place_ && stated.kind == kind &&
           ((may_be_empty && stated.values.empty()) || stated.values.size() == count) &&
           std::all_of(stated.values.begin(), stated.values.end(), [](double value) {
               return std::isfinite(value) && value > 0.0;
           });
}

std::vector<double> Searches::take(const std::string& kind,
                                   std::size_t count,
                                   const Search& search) {
    const std::size_t index = found_.size();
    if (stated_ && index < stated_->size() && fits((*stated_)[index], kind, count)) {
        found_.push_back((*stated_)[index]);
        return found_.back().values;
    }
    if (!stated_) {
        found_.push_back({place_, kind, search()});
        return found_.back().values;
    }
    if (!disagreement_) {
        disagreement_ =
            fmt::format("search {}: {} positive numbers of kind '{}' were expected at '{}'",
                        index,
                        count,
                        kind,
                        place_);
    }
    found_.push_back({place_, kind, {}});
    return {};
}

std::optional<std::string> Searches::disagreement() const {
    if (!disagreement_ && stated_ && stated_->size() > found_.size()) {
        return fmt::format(
            "{} searches are stated, but the model needs {}", stated_->size(), found_.size());
    }
    return disagreement_;
}

SearchScope::SearchScope(Searches* searches) : outer_(std::exchange(current, searches)) {}

SearchScope::~SearchScope() {
    current = outer_;
}

std::vector<double> found_parameters(const std::string& kind,
                                     std::size_t count,
                                     const Searches::Search& search) {
    return current == nullptr ? search() : current->take(kind, count, search);
}

bool is_search_stated() {
    return current != nullptr && current->is_stated();
}

std::optional<std::size_t> stated_candidate(const std::string& part,
                                            const std::function<std::size_t()>& choose) {
    bool is_chosen_here = false;
    const std::vector<double> number = found_parameters("candidate for " + part, 1, [&] {
        is_chosen_here = true;
        return std::vector<double>{static_cast<double>(choose())};
    });
    if (is_chosen_here) {
        return std::nullopt;
    }
    if (number.empty()) {
        return 1;
    }
    constexpr double kMost = 1000.0;  // far more than any part has
    const double stated = number.front();
    return stated == std::floor(stated) && stated <= kMost ? static_cast<std::size_t>(stated) : 0;
}

void take_over(const Searches& trial) {
    if (current != nullptr) {
        for (const FoundParameters& entry : trial.found()) {
            (void)current->take(entry.kind, entry.values.size(), [&entry] { return entry.values; });
        }
    }
}

}  // namespace lipcert
