#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace lipcert {

/// The free parameters of a bound that a search ended with: roots of head weights c [R20] [R21], a
/// diagonal multiplier T [R10] or its ratio to T0 [R10'], the number of the candidate that is used
/// for a part of a block. Whatever they are, what is proved with them holds [R0].
struct FoundParameters {
    std::string place;           ///< "layer 3 attention"
    std::string kind;            ///< "head-weights", "multiplier" or "candidate for query"
    std::vector<double> values;  ///< empty: the search found nothing that could be used

    friend bool operator==(const FoundParameters&, const FoundParameters&) = default;
};

/// The searches of one composition in the order in which they are made: recorded, so that a
/// certificate can state what they found, or answered from such a statement, so that nothing is
/// searched again.
class Searches {
public:
    using Search = std::function<std::vector<double>()>;

    /// Searches, and remembers.
    Searches() = default;
    /// Answers from what is stated, and never searches. Where it does not fit (another place, kind
    /// or count, a number that is not positive and finite) it finds none and says `disagreement`.
    explicit Searches(std::vector<FoundParameters> stated);

    /// What follows happens at this module.
    void enter(const std::string& place) { place_ = place; }

    /// `count` positive numbers, or none.
    [[nodiscard]] std::vector<double> take(const std::string& kind,
                                           std::size_t count,
                                           const Search& search);

    [[nodiscard]] const std::vector<FoundParameters>& found() const { return found_; }

    [[nodiscard]] bool is_stated() const { return stated_.has_value(); }

    /// The first way in which the statement did not fit, one that is left over included.
    [[nodiscard]] std::optional<std::string> disagreement() const;

private:
    [[nodiscard]] bool fits(const FoundParameters& stated,
                            const std::string& kind,
                            std::size_t count) const;

    std::string place_;
    std::vector<FoundParameters> found_;
    std::optional<std::vector<FoundParameters>> stated_;
    std::optional<std::string> disagreement_;
};

}  // namespace lipcert
