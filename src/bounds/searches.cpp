#include "lipcert/bounds/searches.hpp"

#include <algorithm>
#include <cmath>
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
    if (stated_ && !disagreement_) {
        disagreement_ =
            fmt::format("search {}: {} positive numbers of kind '{}' were expected at '{}'",
                        index,
                        count,
                        kind,
                        place_);
    }
    found_.push_back({place_, kind, search()});
    return found_.back().values;
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

}  // namespace lipcert
