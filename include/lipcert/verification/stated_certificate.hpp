#pragma once

#include "lipcert/certificate/certify.hpp"

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace lipcert {

/// The multipliers of 100 MLPs with 65,536 hidden units take less.
constexpr std::size_t kLargestCertificate = std::size_t{256} << 20U;

/// A certificate as somebody handed it over: nothing in it is taken for true.
class StatedCertificate {
public:
    /// `where` goes into messages. Throws Error{input} for a text that is not JSON or no full
    /// certificate.
    StatedCertificate(const std::string& text, const std::string& where);

    [[nodiscard]] const std::string& where() const { return where_; }

    [[nodiscard]] const nlohmann::ordered_json& json() const { return json_; }

    /// Whether the text is exactly what lipcert writes for these data: no second member of the same
    /// name that only some readers see, no other spelling of a number.
    [[nodiscard]] bool is_canonical() const { return is_canonical_; }

    [[nodiscard]] std::string sha256() const;
    [[nodiscard]] std::vector<TensorDigest> tensors() const;
    [[nodiscard]] LimitRequest limits() const;
    [[nodiscard]] std::optional<std::size_t> sequence_length() const;
    /// Of certificates that do not say: the default.
    [[nodiscard]] Effort effort() const;
    [[nodiscard]] InputSet inputs() const;
    [[nodiscard]] std::optional<std::size_t> longest_stream() const;
    /// The hypotheses of conditional bounds, where there are any.
    [[nodiscard]] std::optional<Conditions> conditions() const;
    [[nodiscard]] Recheck recheck() const;

private:
    std::string where_;
    nlohmann::ordered_json json_;
    bool is_canonical_ = false;
};

}  // namespace lipcert
