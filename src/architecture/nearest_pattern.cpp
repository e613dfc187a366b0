#include "architecture/nearest_pattern.hpp"

#include <algorithm>
#include <numeric>

namespace lipcert {

namespace {

/// Work in proportion to the product of two lengths, for each pair.
constexpr std::size_t kLongestCompared = 160;
constexpr std::size_t kMostDifferentNames = 500;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

}  // namespace

std::string without_numbers(const std::string& name) {
    std::string result;
    for (std::size_t i = 0; i < name.size(); ++i) {
        if (!is_digit(name[i])) {
            result += name[i];
        } else if (i == 0 || !is_digit(name[i - 1])) {
            result += "{i}";
        }
    }
    return result;
}

std::size_t edit_distance(const std::string& a, const std::string& b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
        }
    }
    return row[b.size()];
}

std::size_t NearestPattern::find(const std::string& name) {
    const std::string wanted = without_numbers(name).substr(0, kLongestCompared);
    const auto known = known_.find(wanted);
    if (known != known_.end()) {
        return known->second;
    }
    std::size_t nearest = candidates_.size();
    if (known_.size() < kMostDifferentNames) {
        std::size_t least = wanted.size() / 2 + 1;
        for (std::size_t i = 0; i < candidates_.size(); ++i) {
            const std::size_t distance =
                edit_distance(wanted, candidates_[i].substr(0, kLongestCompared));
            if (distance < least) {
                least = distance;
                nearest = i;
            }
        }
    }
    known_.emplace(wanted, nearest);
    return nearest;
}

}  // namespace lipcert
