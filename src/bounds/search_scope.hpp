#pragma once

#include "lipcert/bounds/searches.hpp"

namespace lipcert {

/// While it lives, the searches of this thread go through `searches` (null: they are just made).
/// What is found decides no verdict and no rule, only how sharp a bound is; handed down through
/// every function between a composition and its searches it would be a parameter of most of them.
class SearchScope {
public:
    explicit SearchScope(Searches* searches);
    SearchScope(const SearchScope&) = delete;
    SearchScope& operator=(const SearchScope&) = delete;
    SearchScope(SearchScope&&) = delete;
    SearchScope& operator=(SearchScope&&) = delete;
    ~SearchScope();

private:
    Searches* outer_;
};

/// What `search` finds, or what the scope answers in its place.
[[nodiscard]] std::vector<double> found_parameters(const std::string& kind,
                                                   std::size_t count,
                                                   const Searches::Search& search);

}  // namespace lipcert
