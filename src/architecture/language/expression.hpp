#pragma once

#include "lipcert/rounding/interval.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "architecture/language/rational.hpp"

namespace lipcert::language {

/// A formula over named hyper-parameters, as family files write it: + - * / sqrt( ) numbers and
/// names. It has two readings: as a real (an interval, rounded outward) and as a size (exact).
class Expression {
public:
    /// Throws Error{architecture} that quotes `text` and the column of what is wrong: an unknown
    /// character, a missing operand or parenthesis, more than 1000 characters, nesting above 32.
    [[nodiscard]] static Expression parse(std::string_view text);
    [[nodiscard]] static Expression of_integer(long value);
    [[nodiscard]] static Expression of_decimal(double value);

    /// Contains the real value for every choice of reals in the intervals of the names. Whole
    /// numbers are exact; a decimal holds both itself and its nearest double.
    /// Throws Error{architecture} for a division by zero or the root of a negative.
    [[nodiscard]] Interval real(const std::function<Interval(const std::string&)>& value_of) const;

    /// The exact value. Throws Error{architecture} where it is not a whole number, where it needs a
    /// decimal or a root, and on overflow.
    [[nodiscard]] long whole(const std::function<long(const std::string&)>& value_of) const;

    /// The names that the formula reads, in order of appearance, repeated ones repeated.
    [[nodiscard]] std::vector<std::string> names() const;

    [[nodiscard]] const std::string& text() const { return text_; }

    enum class Operator { add, subtract, multiply, divide, square_root };

    struct Name {
        std::string text;
    };

    /// One step of the formula in postfix order.
    using Step = std::variant<long, double, Name, Operator>;

private:
    std::string text_;
    std::vector<Step> steps_;
};

}  // namespace lipcert::language
