#pragma once

#include "lipcert/bounds/searches.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

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

/// Whether what this thread searches is stated beforehand.
[[nodiscard]] bool is_search_stated();

/// Which of several candidates for `part` of a block is used, each valid on its own [R0]: its
/// number, from 1 on, where that is stated. Otherwise nothing, and `choose` has been called: it
/// tries them all, each in a scope of its own, and returns the number of the one to use. Where what
/// is stated fits nothing: 0, or 1 where a candidate was not even named; the first one must need no
/// search.
[[nodiscard]] std::optional<std::size_t> stated_candidate(
    const std::string& part, const std::function<std::size_t()>& choose);

/// The searches of a candidate that was tried in a scope of its own, and is used.
void take_over(const Searches& trial);

}  // namespace lipcert
