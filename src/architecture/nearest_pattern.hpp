#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace lipcert {

/// A tensor's name with every number in it as {i}: what names of all layers have in common.
[[nodiscard]] std::string without_numbers(const std::string& name);

/// How many single characters must be added, removed or replaced to make one text of the other.
[[nodiscard]] std::size_t edit_distance(const std::string& a, const std::string& b);

/// Finds the candidate that is most like a name.
class NearestPattern {
public:
    /// Candidates with {i} for numbers.
    explicit NearestPattern(std::vector<std::string> candidates)
        : candidates_(std::move(candidates)) {}

    /// The index of the nearest candidate; their number where more than half of the name would have
    /// to change, or after hundreds of different names.
    [[nodiscard]] std::size_t find(const std::string& name);

private:
    std::vector<std::string> candidates_;
    std::map<std::string, std::size_t> known_;
};

}  // namespace lipcert
