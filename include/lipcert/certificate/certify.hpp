#pragma once

#include "lipcert/bounds/effort.hpp"
#include "lipcert/certificate/certificate.hpp"
#include "lipcert/checkpoint/checkpoint.hpp"
#include "lipcert/checkpoint/configuration.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace lipcert {

/// Called with what is about to be done, how much of it is done and how much there is.
using Progress = std::function<void(const std::string& step, std::size_t done, std::size_t total)>;

/// What a user wants to hold. Numbers are text, so that "1e264" keeps its value; each must be a
/// positive decimal.
struct LimitRequest {
    std::optional<std::string> max_lipschitz;
    std::string bound = "max_token_rms";  ///< which bound max_lipschitz is held against
    std::optional<std::string> max_spectral_norm;
    std::optional<std::string> max_activation;
};

/// The names that `LimitRequest::bound` may have.
[[nodiscard]] const std::vector<std::string>& bound_names();

/// Throws Error{usage} that lists them where `name` is none of them.
void require_bound_name(const std::string& name);

/// The bound of that name; nullptr where it was not computed (frobenius without a sequence length).
[[nodiscard]] const Bound* find_bound(const NetworkBounds& bounds, const std::string& name);

/// Parses every limit before any work is done, for a typing error must not cost an hour. Throws
/// Error{usage} for a limit that is not a positive number, names no bound, or is on the Frobenius
/// norm without a sequence length.
void validate_limits(const LimitRequest& limits, std::optional<std::size_t> sequence_length);

/// What another certificate states, to be proved again: its searches are not made anew, and each
/// norm is proved by another method than it names.
struct Recheck {
    std::vector<FoundParameters> searches;
    std::vector<FoundParameters> conditional_searches;
    std::map<std::string, NormMethod> methods;  ///< by tensor
    std::string sha256;  ///< of the model: whoever asks has compared it since the model was opened
    /// Set by `certify`: how what is stated does not fit the model.
    std::vector<std::string> disagreements;
};

/// The streams that bounds are about where the model does not allow all of them.
enum class InputSet {
    ball,       ///< every token in the ball that contains the embeddings
    embeddings  ///< every token a mixture of embeddings, plus one of positions [R29]
};

struct CertifyOptions {
    LimitRequest limits;
    std::optional<std::size_t> sequence_length;  ///< > 0: also bound the Frobenius norm
    Progress progress;                           ///< may be empty
    Effort effort = Effort::standard;
    InputSet inputs = InputSet::ball;
    std::optional<std::size_t> longest_stream;  ///< > 0: bounds of no longer streams [R43]
    std::optional<Conditions> conditions;       ///< also bound the pairs that meet them [R37]
    bool keep_evidence = false;  ///< state what another run needs to prove the bounds again
    Recheck* recheck = nullptr;  ///< null: a certificate of its own
};

/// A wrong name or options that do not fit must not cost an hour: throws Error{input} for
/// conditions on places that the model does not have, Error{usage} for conditions on mixtures of
/// embeddings, Error{architecture} where these give no bound of their own.
void require_composable(const Architecture& architecture, const CertifyOptions& options);

/// Norms of every weight matrix, the composed bounds, the verdict on the limits.
/// Throws Error{usage} for a limit that is not a positive number or names no bound, what
/// `require_composable` throws, and whatever
/// the layers below throw for a model that cannot be certified.
[[nodiscard]] Certificate certify(const Checkpoint& checkpoint,
                                  const Architecture& architecture,
                                  const CertifyOptions& options);

/// Integers of 32 or 64 bits (token positions, counters; also what packs quantised weights), truth
/// values, text: a table of the norms of float matrices may leave such a tensor out if it says so.
/// Shorter integers and 8-bit floats are one weight each as a rule, and are not left out.
[[nodiscard]] bool may_stay_unread(const TensorInfo& tensor);

/// Enclosures of every float matrix that `wanted` accepts (all where it is empty), in the order of
/// the file; what `may_stay_unread` holds for is left out. Throws Error{input} for a matrix of any
/// other type that is not read.
[[nodiscard]] std::vector<MatrixBound> certify_matrices(
    const Checkpoint& checkpoint,
    const std::function<bool(const TensorInfo&)>& wanted,
    const Progress& progress);

/// Name, format, hash, size and element types of the file behind `checkpoint`. To be called after
/// the last tensor was read: throws Error{input} where the file has changed since it was opened.
[[nodiscard]] ModelIdentity identify(const Checkpoint& checkpoint);

}  // namespace lipcert
