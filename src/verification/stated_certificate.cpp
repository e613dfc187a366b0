#include "lipcert/verification/stated_certificate.hpp"

#include "lipcert/certificate/assumptions.hpp"
#include "lipcert/certificate/longest_stream.hpp"
#include "lipcert/error.hpp"
#include "lipcert/norms/second_proof.hpp"
#include "lipcert/printable.hpp"

#include "checkpoint/json_text.hpp"
#include "report/json_parts.hpp"

namespace lipcert {

namespace {

/// Of a limit, as somebody wrote it.
constexpr std::size_t kLongestDecimal = 1000;

std::vector<FoundParameters> searches_in(const Json& list) {
    std::vector<FoundParameters> searches;
    for (const Json& entry : list) {
        searches.push_back({entry.at("place").get<std::string>(),
                            entry.at("kind").get<std::string>(),
                            entry.at("values").get<std::vector<double>>()});
    }
    return searches;
}

/// `read`, with what JSON says of members that are missing or of another type as our own error.
template <typename Read>
auto reading(const std::string& where, const Read& read) {
    try {
        return read();
    } catch (const Json::exception& error) {
        throw Error(ErrorKind::input,
                    where,
                    std::string("is a damaged certificate: ") + printable_quote(error.what()));
    }
}

}  // namespace

StatedCertificate::StatedCertificate(const std::string& text, const std::string& where)
    : where_(where) {
    // The limits on size, depth and repeated members of everything that is read as JSON.
    (void)parse_json_object(text, where, kLargestCertificate);
    json_ = reading(where, [&text] { return Json::parse(text); });
    is_canonical_ = json_text(json_) == text;
    if (json_.value("schema", Json()) != "lipcert-certificate-1") {
        throw Error(ErrorKind::input, where, "is no certificate of lipcert");
    }
    if (!json_.contains("evidence")) {
        throw Error(ErrorKind::input,
                    where,
                    "holds no evidence to check; `lipcert certify --certificate FILE` writes it");
    }
}

std::string StatedCertificate::sha256() const {
    return reading(where_, [this] { return json_.at("model").at("sha256").get<std::string>(); });
}

std::vector<TensorDigest> StatedCertificate::tensors() const {
    return reading(where_, [this] {
        std::vector<TensorDigest> tensors;
        for (const Json& entry : json_.at("evidence").at("tensors")) {
            tensors.push_back({entry.at("name").get<std::string>(),
                               entry.at("shape").get<std::vector<std::size_t>>(),
                               entry.at("dtype").get<std::string>(),
                               entry.at("sha256").get<std::string>()});
        }
        return tensors;
    });
}

LimitRequest StatedCertificate::limits() const {
    return reading(where_, [this] {
        LimitRequest request;
        for (const Json& limit : json_.at("limits")) {
            const std::string kind = limit.at("kind").get<std::string>();
            const std::string text = limit.at("limit").get<std::string>();
            if (text.size() > kLongestDecimal) {
                throw Error(ErrorKind::input,
                            "limits",
                            "state a number of " + std::to_string(text.size()) +
                                " characters, expected at most " + std::to_string(kLongestDecimal));
            }
            if (kind == "max-lipschitz") {
                request.max_lipschitz = text;
                request.bound = limit.at("quantity").get<std::string>();
            } else if (kind == "max-spectral-norm") {
                request.max_spectral_norm = text;
            } else if (kind == "max-activation") {
                request.max_activation = text;
            }
        }
        return request;
    });
}

std::optional<std::size_t> StatedCertificate::sequence_length() const {
    return reading(where_, [this] {
        const Json& length = json_.at("evidence").at("sequence_length");
        if (!length.is_null() && !length.is_number_unsigned()) {
            throw Error(ErrorKind::input,
                        where_,
                        "evidence.sequence_length is neither null nor a number of tokens");
        }
        return length.is_null() ? std::nullopt : std::optional(length.get<std::size_t>());
    });
}

Effort StatedCertificate::effort() const {
    return reading(where_, [this] {
        const Json& evidence = json_.at("evidence");
        const std::string name =
            evidence.contains("effort") ? evidence.at("effort").get<std::string>() : "default";
        const auto found = efforts_by_name().find(name);
        if (found == efforts_by_name().end()) {
            throw Error(ErrorKind::input, "evidence.effort", "is no effort: fast, default, max");
        }
        return found->second;
    });
}

InputSet StatedCertificate::inputs() const {
    return reading(where_, [this] {
        return json_.at("domain").at("kind") == "embeddings" ? InputSet::embeddings
                                                             : InputSet::ball;
    });
}

std::optional<std::size_t> StatedCertificate::longest_stream() const {
    return reading(where_, [this]() -> std::optional<std::size_t> {
        const Json& domain = json_.at("domain");
        if (!domain.contains("longest_stream")) {
            return std::nullopt;
        }
        const Json& tokens = domain.at("longest_stream");
        if (!tokens.is_number_unsigned() || tokens == 0 || tokens > kLongestStream) {
            throw Error(ErrorKind::input,
                        where_,
                        "domain.longest_stream is no number of tokens from 1 to " +
                            std::to_string(kLongestStream));
        }
        return tokens.get<std::size_t>();
    });
}

std::optional<Conditions> StatedCertificate::conditions() const {
    if (!json_.contains("conditional")) {
        return std::nullopt;
    }
    const Json document = reading(where_, [this] {
        const Json& conditional = json_.at("conditional");
        Json result;
        result["schema"] = "lipcert-conditions-1";
        result["data"] = conditional.at("data");
        for (const Json& condition : conditional.at("domain").at("conditions")) {
            const char* kind = condition.contains("minimum_rms") ? "minimum_rms" : "maximum_norm";
            result[kind][condition.at("at").get<std::string>()] = condition.at(kind);
        }
        return result;
    });
    return parse_conditions(document.dump(), where_);
}

Recheck StatedCertificate::recheck() const {
    return reading(where_, [this] {
        Recheck recheck;
        recheck.sha256 = sha256();
        recheck.searches = searches_in(json_.at("evidence").at("searches"));
        recheck.conditional_searches = searches_in(json_.at("evidence").at("conditional_searches"));
        for (const Json& matrix : json_.at("matrices")) {
            const std::string name = matrix.at("name").get<std::string>();
            const auto method = norm_method_named(matrix.at("method").get<std::string>());
            if (method) {
                recheck.methods.emplace(name, *method);
            } else {
                recheck.disagreements.push_back("matrix '" + printable_quote(name) +
                                                "': there is no such method");
            }
        }
        return recheck;
    });
}

}  // namespace lipcert
