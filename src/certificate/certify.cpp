#include "lipcert/certificate/certify.hpp"

#include "lipcert/architecture/weight_use.hpp"
#include "lipcert/bounds/compose.hpp"
#include "lipcert/bounds/embedding_hull.hpp"
#include "lipcert/certificate/hashing_checkpoint.hpp"
#include "lipcert/error.hpp"
#include "lipcert/rounding/environment.hpp"
#include "lipcert/rounding/limit.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "certificate/matrix_bounds.hpp"
#include "certificate/model_digest.hpp"

namespace lipcert {

namespace {

/// Steps that are reported: one per matrix, one per module that `compose` announces.
class Steps {
public:
    Steps(const Progress& progress, std::size_t total) : progress_(progress), total_(total) {}

    void next(const std::string& step) {
        if (progress_) {
            progress_(step, std::min(done_, total_), total_);
        }
        ++done_;
    }

private:
    const Progress& progress_;
    std::size_t total_;
    std::size_t done_ = 0;
};

/// To be called after the last tensor was read.
ModelIdentity identity_with(const Checkpoint& checkpoint, std::string digest) {
    ModelIdentity model;
    model.path = checkpoint.path();
    model.format = checkpoint.format();
    model.sha256 = std::move(digest);
    require_unchanged(checkpoint);
    std::set<std::string_view> types;
    for (const TensorInfo& tensor : checkpoint.tensors()) {
        if (tensor.type != DataType::unsupported) {
            model.parameters += element_count(tensor);
            types.insert(name_of(tensor.type));
        }
    }
    for (const std::string_view type : types) {
        model.types += (model.types.empty() ? "" : " ") + std::string(type);
    }
    return model;
}

Limit check(const std::string& kind,
            const std::string& quantity,
            const std::string& text,
            const Upper& actual) {
    return {kind, quantity, text, actual, proves_at_most(actual, parse_limit("--" + kind, text))};
}

std::vector<Limit> check_limits(const LimitRequest& request, const Certificate& certificate) {
    std::vector<Limit> limits;
    if (request.max_lipschitz) {
        const Bound* bound = find_bound(certificate.bounds, request.bound);
        if (bound == nullptr) {
            throw Error(
                ErrorKind::usage, "--bound", "'" + request.bound + "' needs --sequence-length");
        }
        limits.push_back(
            check("max-lipschitz", request.bound, *request.max_lipschitz, bound->upper));
    }
    if (request.max_spectral_norm && certificate.matrices.empty()) {
        throw Error(
            ErrorKind::architecture, certificate.model.path, "holds no weight matrix to limit");
    }
    if (request.max_spectral_norm) {
        const auto worst =
            std::max_element(certificate.matrices.begin(),
                             certificate.matrices.end(),
                             [](const MatrixBound& a, const MatrixBound& b) {
                                 return a.norm.spectral.upper() < b.norm.spectral.upper();
                             });
        limits.push_back(check("max-spectral-norm",
                               worst->name,
                               *request.max_spectral_norm,
                               worst->norm.spectral.upper()));
    }
    if (request.max_activation) {
        limits.push_back(check("max-activation",
                               "residual stream",
                               *request.max_activation,
                               certificate.bounds.max_activation));
    }
    return limits;
}

ConditionalBounds conditional_bounds(const Conditions& conditions,
                                     const NetworkBounds& unconditional,
                                     NetworkBounds bounds) {
    keep_smaller(bounds, unconditional);  // which holds for pairs that meet conditions too
    return {conditions, std::move(bounds)};
}

/// The composed bounds, for all inputs and for those that meet conditions; with the searches that
/// led to them where they are to be kept.
void add_bounds(const Checkpoint& checkpoint,
                const CertifyOptions& options,
                Steps& steps,
                Certificate& certificate) {
    Recheck* const recheck = options.recheck;
    Searches all = recheck == nullptr ? Searches() : Searches(recheck->searches);
    Searches some = recheck == nullptr ? Searches() : Searches(recheck->conditional_searches);
    ComposeOptions compose_options;
    compose_options.sequence_length = options.sequence_length;
    compose_options.longest_stream = options.longest_stream;
    compose_options.effort = options.effort;
    compose_options.progress = [&steps](const std::string& step) { steps.next(step); };
    compose_options.searches = &all;
    certificate.bounds =
        options.inputs == InputSet::embeddings
            ? compose_on_embeddings(certificate.architecture, checkpoint, compose_options)
            : compose(certificate.architecture, checkpoint, compose_options);
    if (options.conditions) {
        compose_options.conditions = &*options.conditions;
        compose_options.searches = &some;
        certificate.conditional =
            conditional_bounds(*options.conditions,
                               certificate.bounds,
                               compose(certificate.architecture, checkpoint, compose_options));
    }
    for (const Searches* searches : {&all, &some}) {
        if (const auto disagreement = searches->disagreement();
            recheck != nullptr && disagreement) {
            recheck->disagreements.push_back(*disagreement);
        }
    }
    if (options.keep_evidence) {
        certificate.evidence =
            Evidence{"", {}, options.sequence_length, options.effort, all.found(), some.found()};
    }
}

}  // namespace

bool Certificate::within_limits() const {
    return std::all_of(
        limits.begin(), limits.end(), [](const Limit& limit) { return limit.holds; });
}

const std::vector<std::string>& bound_names() {
    static const std::vector<std::string> names = {
        "max_token_rms", "max_token_l2", "blocks_l2", "logit", "logit_difference", "frobenius"};
    return names;
}

void require_bound_name(const std::string& name) {
    const std::vector<std::string>& names = bound_names();
    if (std::find(names.begin(), names.end(), name) == names.end()) {
        std::string known;
        for (const std::string& other : names) {
            known += (known.empty() ? "" : ", ") + other;
        }
        throw Error(ErrorKind::usage,
                    "--bound",
                    "there is no bound '" + name + "'; the bounds are " + known);
    }
}

const Bound* find_bound(const NetworkBounds& bounds, const std::string& name) {
    const std::vector<std::pair<std::string, const Bound*>> known = {
        {"max_token_rms", &bounds.max_token_rms},
        {"max_token_l2", &bounds.max_token_l2},
        {"blocks_l2", &bounds.blocks_l2},
        {"logit", &bounds.logit},
        {"logit_difference", &bounds.logit_difference},
        {"frobenius", bounds.frobenius ? &*bounds.frobenius : nullptr}};
    const auto found = std::find_if(
        known.begin(), known.end(), [&name](const auto& entry) { return entry.first == name; });
    return found == known.end() ? nullptr : found->second;
}

bool may_stay_unread(const TensorInfo& tensor) {
    constexpr std::array<std::string_view, 8> kTypes = {
        "int32", "uint32", "int64", "uint64", "bool", "enumeration", "bit field", "string"};
    return tensor.type == DataType::unsupported &&
           std::find(kTypes.begin(), kTypes.end(), tensor.stored_type) != kTypes.end();
}

ModelIdentity identify(const Checkpoint& checkpoint) {
    return identity_with(checkpoint, ModelDigest(checkpoint).take());
}

std::vector<MatrixBound> certify_matrices(const Checkpoint& checkpoint,
                                          const std::function<bool(const TensorInfo&)>& wanted,
                                          const Progress& progress) {
    require_ieee_environment();
    std::vector<const TensorInfo*> matrices;
    for (const TensorInfo& tensor : checkpoint.tensors()) {
        // A matrix of short integers is likely a quantised weight: `read` refuses it by name.
        if (tensor.shape.size() >= 2 && !may_stay_unread(tensor) && (!wanted || wanted(tensor))) {
            matrices.push_back(&tensor);
        }
    }
    Steps steps(progress, matrices.size());
    return bound_matrices(
        checkpoint, matrices, nullptr, [&](const TensorInfo& next) { steps.next(next.name); });
}

void validate_limits(const LimitRequest& limits, std::optional<std::size_t> sequence_length) {
    if (limits.max_lipschitz) {
        (void)parse_limit("--max-lipschitz", *limits.max_lipschitz);
    }
    if (limits.max_spectral_norm) {
        (void)parse_limit("--max-spectral-norm", *limits.max_spectral_norm);
    }
    if (limits.max_activation) {
        (void)parse_limit("--max-activation", *limits.max_activation);
    }
    require_bound_name(limits.bound);
    if (limits.max_lipschitz && limits.bound == "frobenius" && !sequence_length) {
        throw Error(ErrorKind::usage, "--bound", "'frobenius' needs --sequence-length");
    }
}

namespace {

/// The angles of rotary embeddings decide bounds of short streams: they are asked for, not guessed.
void require_known_angles(const Architecture& architecture) {
    for (const Architecture::Parameter& parameter : architecture.parameters) {
        if (parameter.name == "rotary_base" && parameter.source == "family default") {
            throw Error(ErrorKind::architecture,
                        "--longest-stream",
                        "needs the base of the rotary angles, which the configuration does not "
                        "state: give it by --set rope_theta=" +
                            parameter.value + ", if that is what the model uses");
        }
    }
    for (const std::string& tensor : architecture.ignored) {
        if (tensor.ends_with("inv_freq")) {
            throw Error(ErrorKind::architecture,
                        tensor,
                        "holds angles of rotary embeddings, which may be others than those of the "
                        "base: --longest-stream has no proved rule for them; leave it out");
        }
    }
}

}  // namespace

void require_composable(const Architecture& architecture, const CertifyOptions& options) {
    if (options.conditions) {
        (void)resolved(*options.conditions, architecture);
    }
    if (options.longest_stream && options.sequence_length.value_or(0) > *options.longest_stream) {
        throw Error(ErrorKind::usage,
                    "--sequence-length",
                    "is above --longest-stream, to which the bounds are limited");
    }
    if (options.longest_stream) {
        require_known_angles(architecture);
    }
    if (options.inputs == InputSet::ball) {
        return;
    }
    if (options.conditions) {
        throw Error(ErrorKind::usage,
                    "--inputs embeddings",
                    "does not go with --assume: conditions are on pairs of any streams");
    }
    if (const auto obstacle = obstacle_to_embeddings(architecture)) {
        throw Error(ErrorKind::architecture,
                    "--inputs embeddings",
                    "gives no bound of its own here: " + *obstacle + "; leave it out");
    }
}

Certificate certify(const Checkpoint& checkpoint,
                    const Architecture& architecture,
                    const CertifyOptions& options) {
    validate_limits(options.limits, options.sequence_length);
    require_ieee_environment();
    require_composable(architecture, options);
    std::optional<ModelDigest> digest;
    if (options.recheck == nullptr) {
        digest.emplace(checkpoint);
    }
    const HashingCheckpoint hashing(checkpoint);
    const Checkpoint& weights = options.keep_evidence ? hashing : checkpoint;
    Certificate certificate;
    certificate.architecture = architecture;

    std::vector<Role> roles;
    std::vector<const TensorInfo*> matrices;
    for (Role& role : roles_of(architecture)) {
        const TensorInfo* tensor = weights.find(role.tensor);
        if (tensor != nullptr && is_float_matrix(*tensor)) {
            roles.push_back(std::move(role));
            matrices.push_back(tensor);
        }
    }
    std::size_t modules = 0;
    for (const Layer& layer : architecture.layers) {
        modules += layer.modules.size();
    }
    const std::size_t compositions =
        std::size_t{options.conditions ? 2U : 1U} * (options.effort == Effort::max ? 2U : 1U);
    Steps steps(options.progress, matrices.size() + modules * compositions);
    certificate.matrices = bound_matrices(
        weights, matrices, &options, [&](const TensorInfo& next) { steps.next(next.name); });
    for (std::size_t i = 0; i < roles.size(); ++i) {
        certificate.matrices[i].role = roles[i].role;
        certificate.matrices[i].layer = roles[i].layer;
    }
    add_bounds(weights, options, steps, certificate);
    certificate.model = identity_with(weights, digest ? digest->take() : options.recheck->sha256);
    certificate.limits = check_limits(options.limits, certificate);
    if (options.keep_evidence) {
        certificate.evidence->tensors = hashing.digests();
    }
    return certificate;
}

}  // namespace lipcert
