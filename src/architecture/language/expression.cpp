#include "architecture/language/expression.hpp"

#include "lipcert/error.hpp"
#include "lipcert/printable.hpp"

#include <charconv>
#include <cmath>
#include <utility>

#include <fmt/format.h>

namespace lipcert::language {

namespace {

constexpr std::size_t kLongestText = 1000;
constexpr int kDeepestNesting = 32;

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// Recursive descent over  sum = product {(+|-) product},  product = factor {(*|/) factor},
/// factor = number | name | sqrt(sum) | (sum) | -factor.
class Parser {
public:
    explicit Parser(std::string_view text) : text_(text) {}

    std::vector<Expression::Step> parse() {
        sum();
        if (position_ < text_.size()) {
            refuse("an operator was expected");
        }
        return std::move(steps_);
    }

private:
    [[noreturn]] void refuse(const std::string& message) const {
        throw Error(ErrorKind::architecture,
                    "",
                    fmt::format("the formula \"{}\" does not read: {} at column {}",
                                printable_quote(text_),
                                message,
                                position_ + 1));
    }

    void skip_spaces() {
        while (position_ < text_.size() && text_[position_] == ' ') {
            ++position_;
        }
    }

    /// The next character that is not a space, 0 at the end.
    char peek() {
        skip_spaces();
        return position_ < text_.size() ? text_[position_] : '\0';
    }

    bool accept(char expected) {
        if (peek() != expected) {
            return false;
        }
        ++position_;
        return true;
    }

    void sum() {
        product();
        while (true) {
            if (accept('+')) {
                product();
                steps_.emplace_back(Expression::Operator::add);
            } else if (accept('-')) {
                product();
                steps_.emplace_back(Expression::Operator::subtract);
            } else {
                return;
            }
        }
    }

    void product() {
        factor();
        while (true) {
            if (accept('*')) {
                factor();
                steps_.emplace_back(Expression::Operator::multiply);
            } else if (accept('/')) {
                factor();
                steps_.emplace_back(Expression::Operator::divide);
            } else {
                return;
            }
        }
    }

    void factor() {
        if (++depth_ > kDeepestNesting) {
            refuse("the nesting is too deep");
        }
        const char next = peek();
        if (accept('-')) {
            steps_.emplace_back(0L);
            factor();
            steps_.emplace_back(Expression::Operator::subtract);
        } else if (next == '(') {
            parenthesised();
        } else if (is_digit(next)) {
            number();
        } else if (is_letter(next)) {
            name();
        } else {
            refuse("a number, a name or a parenthesis was expected");
        }
        --depth_;
    }

    void parenthesised() {
        ++position_;
        sum();
        if (!accept(')')) {
            refuse("a closing parenthesis was expected");
        }
    }

    void number() {
        const char* begin = text_.data() + position_;
        const char* end = text_.data() + text_.size();
        long whole = 0;
        const auto as_whole = std::from_chars(begin, end, whole);
        double decimal = 0;
        const auto as_decimal = std::from_chars(begin, end, decimal);
        const char* const after = as_decimal.ptr;
        if (as_decimal.ec != std::errc{} || (after < end && (is_letter(*after) || *after == '.'))) {
            refuse("a number was expected");
        }
        if (as_whole.ptr == after && as_whole.ec == std::errc{}) {
            steps_.emplace_back(whole);
        } else {
            steps_.emplace_back(decimal);
        }
        position_ += static_cast<std::size_t>(after - begin);
    }

    void name() {
        const std::size_t begin = position_;
        while (position_ < text_.size() &&
               (is_letter(text_[position_]) || is_digit(text_[position_]))) {
            ++position_;
        }
        const std::string_view word = text_.substr(begin, position_ - begin);
        if (word != "sqrt") {
            steps_.emplace_back(Expression::Name{std::string(word)});
            return;
        }
        if (peek() != '(') {
            refuse("a parenthesis was expected after sqrt");
        }
        parenthesised();
        steps_.emplace_back(Expression::Operator::square_root);
    }

    std::string_view text_;
    std::size_t position_ = 0;
    int depth_ = 0;
    std::vector<Expression::Step> steps_;
};

/// Runs the postfix steps on a stack of `Number`s; `leaf` turns a whole number, a decimal or a name
/// into one.
template <typename Number, typename Leaf>
Number evaluate(const std::vector<Expression::Step>& steps, const Leaf& leaf) {
    std::vector<Number> stack;
    for (const Expression::Step& step : steps) {
        const auto* const operation = std::get_if<Expression::Operator>(&step);
        if (operation == nullptr) {
            stack.push_back(leaf(step));
            continue;
        }
        if (*operation == Expression::Operator::square_root) {
            stack.back() = sqrt(stack.back());
            continue;
        }
        const Number right = std::move(stack.back());
        stack.pop_back();
        Number& left = stack.back();
        switch (*operation) {
            case Expression::Operator::add:
                left = left + right;
                break;
            case Expression::Operator::subtract:
                left = left - right;
                break;
            case Expression::Operator::multiply:
                left = left * right;
                break;
            case Expression::Operator::divide:
            case Expression::Operator::square_root:
                left = left / right;
                break;
        }
    }
    return stack.back();
}

}  // namespace

Expression Expression::parse(std::string_view text) {
    if (text.size() > kLongestText) {
        throw Error(
            ErrorKind::architecture,
            "",
            fmt::format("a formula has {} characters; at most {}", text.size(), kLongestText));
    }
    Expression result;
    result.text_ = text;
    result.steps_ = Parser(text).parse();
    return result;
}

Expression Expression::of_integer(long value) {
    Expression result;
    result.text_ = std::to_string(value);
    result.steps_ = {value};
    return result;
}

Expression Expression::of_decimal(double value) {
    if (!std::isfinite(value)) {
        throw Error(ErrorKind::architecture, "", "a number is not finite");
    }
    Expression result;
    result.text_ = fmt::format("{}", value);
    result.steps_ = {value};
    return result;
}

Interval Expression::real(const std::function<Interval(const std::string&)>& value_of) const {
    return evaluate<Interval>(steps_, [&](const Step& step) {
        if (const auto* whole = std::get_if<long>(&step)) {
            return Interval::integer(*whole);
        }
        if (const auto* decimal = std::get_if<double>(&step)) {
            return Interval::around_decimal(*decimal);
        }
        return value_of(std::get<Name>(step).text);
    });
}

long Expression::whole(const std::function<long(const std::string&)>& value_of) const {
    const auto exact = evaluate<Rational>(steps_, [&](const Step& step) {
        if (const auto* whole = std::get_if<long>(&step)) {
            return Rational(*whole);
        }
        if (std::holds_alternative<double>(step)) {
            throw Error(ErrorKind::architecture, "", "a size cannot contain a decimal number");
        }
        return Rational(value_of(std::get<Name>(step).text));
    });
    const std::optional<long> result = exact.whole();
    if (!result) {
        throw Error(
            ErrorKind::architecture, "", fmt::format("\"{}\" is not a whole number", text_));
    }
    return *result;
}

std::vector<std::string> Expression::names() const {
    std::vector<std::string> result;
    for (const Step& step : steps_) {
        if (const auto* name = std::get_if<Name>(&step)) {
            result.push_back(name->text);
        }
    }
    return result;
}

}  // namespace lipcert::language
