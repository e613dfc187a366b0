#pragma once

#include "lipcert/tensor/matrix.hpp"

#include <cstddef>
#include <functional>
#include <limits>
#include <utility>

#include "support/dual.hpp"
#include "support/random.hpp"

namespace lipcert::test {

/// A map of streams in the three arithmetics that the search needs.
struct StreamFunction {
    std::function<Stream<double>(const Stream<double>&)> rounded;
    std::function<Stream<long double>(const Stream<long double>&)> precise;
    std::function<Stream<Dual>(const Stream<Dual>&)> differentiated;

    /// Of a generic callable: StreamFunction::of([&](const auto& x) { return model.blocks(x); }).
    template <class Callable>
    [[nodiscard]] static StreamFunction of(Callable callable) {
        return {callable, callable, callable};
    }
};

enum class InputNorm {
    max_token,  ///< the largest L2 norm of a token
    frobenius
};

enum class OutputNorm {
    max_token,         ///< the largest L2 norm of a token
    entry,             ///< the largest absolute entry: one logit
    entry_difference,  ///< the largest difference of two entries of one token
    frobenius
};

struct SearchOptions {
    Eigen::Index tokens = 1;
    Eigen::Index dimension = 1;
    /// Every token of both inputs lies in this L2 ball; infinite: inputs of every magnitude from
    /// 1e-7 to 1e3.
    double radius = std::numeric_limits<double>::infinity();
    InputNorm input = InputNorm::max_token;
    OutputNorm output = OutputNorm::max_token;
    std::size_t pairs = 20;    ///< random and structured pairs
    std::size_t restarts = 1;  ///< ascents on the norm of the Jacobian
    std::size_t steps = 8;     ///< of each ascent
};

/// Two inputs and what they prove: every Lipschitz constant of the function is at least `ratio`.
struct Witness {
    double ratio = 0.0;
    Matrix first;
    Matrix second;
};

/// The same value in both formats; what they differ by shows how well either is known.
struct Evaluation {
    Stream<long double> precise;
    Matrix rounded;
    long double largest = 0.0L;  ///< token that it came from, or came through
};

[[nodiscard]] long double largest_token(const Stream<long double>& stream);

/// |x - y| less an estimate of the rounding errors of x and y; at least 0, and 0 where a value
/// overflows.
[[nodiscard]] long double certain_difference(const Evaluation& x,
                                             const Evaluation& y,
                                             OutputNorm norm);

[[nodiscard]] long double distance(const Matrix& x, const Matrix& y, InputNorm norm);

/// |f(x) - f(y)| / |x - y| in extended precision, less an estimate of its rounding error; 0 for
/// equal inputs and where a value overflows.
[[nodiscard]] double difference_quotient(const StreamFunction& function,
                                         const Matrix& first,
                                         const Matrix& second,
                                         const SearchOptions& options);

/// The pair with the largest difference quotient that random, structured and adversarial search
/// find. Never an upper bound.
[[nodiscard]] Witness best_ratio(const StreamFunction& function,
                                 const SearchOptions& options,
                                 Random& random);

/// How far f reaches over the domain, from below: for radii and activations.
struct Reach {
    double largest_token = 0.0;  ///< L2 norm
    double largest_entry = 0.0;  ///< absolute value
    Matrix input;                ///< the input with the longest token
};

/// Random inputs and ascent on the longest token; `options.radius` must be finite.
[[nodiscard]] Reach reach(const StreamFunction& function,
                          const SearchOptions& options,
                          Random& random);

/// d f(x)_(i,k) / d x_(j,m), row i*width_out + k, column j*width_in + m.
[[nodiscard]] Matrix jacobian(const StreamFunction& function, const Matrix& input);

/// The operator norm of a Jacobian from below, with the perturbation (norm 1) and the output
/// direction that show it.
struct Gain {
    double value = 0.0;
    Vector perturbation;
    Vector direction;
};

[[nodiscard]] Gain largest_gain(const Matrix& jacobian,
                                const SearchOptions& options,
                                Random& random);

}  // namespace lipcert::test
