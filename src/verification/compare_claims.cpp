#include "lipcert/verification/compare_claims.hpp"

#include "lipcert/error.hpp"
#include "lipcert/rounding/bound.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>
#include <utility>

#include "report/json_parts.hpp"

namespace lipcert {

namespace {

template <std::size_t size>
bool is_one_of(const std::array<std::string_view, size>& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_upper(std::string_view key) {
    constexpr std::array<std::string_view, 7> kKeys = {"upper",
                                                       "upper_decimal",
                                                       "log10_upper",
                                                       "radius_in",
                                                       "radius_out",
                                                       "max_activation",
                                                       "actual"};
    return is_one_of(kKeys, key);
}

/// "matrices.3.method".
bool is_method_of_matrix(std::string_view path) {
    constexpr std::string_view kBefore = "matrices.";
    constexpr std::string_view kAfter = ".method";
    if (path.size() <= kBefore.size() + kAfter.size() || !path.starts_with(kBefore) ||
        !path.ends_with(kAfter)) {
        return false;
    }
    path.remove_prefix(kBefore.size());
    path.remove_suffix(kAfter.size());
    return path.find_first_not_of("0123456789") == std::string_view::npos;
}

/// Members of a full certificate that are checked elsewhere.
bool is_checked_apart(std::string_view path) {
    return path == "evidence" || path == "digest";
}

/// Where something came from, in words.
bool is_provenance(std::string_view path, std::string_view key) {
    constexpr std::array<std::string_view, 2> kPaths = {"lipcert", "model.path"};
    return is_one_of(kPaths, path) || is_method_of_matrix(path) ||
           (key == "source" && path.starts_with("architecture."));
}

/// a <= b for certain; decimals are compared as decimals, never as the doubles near them.
bool is_at_most(const Json& a, const Json& b) {
    if (a == b) {
        return true;
    }
    if (a.is_number() && b.is_number()) {
        return a.get<double>() <= b.get<double>();
    }
    if (!a.is_string() || !b.is_string() || a == "inf") {
        return false;
    }
    try {
        return b == "inf" || proves_at_most(Upper::parse(a.get<std::string>()),
                                            Lower::parse(b.get<std::string>()));
    } catch (const Error&) {
        return false;
    }
}

class Comparison {
public:
    [[nodiscard]] std::vector<Disagreement> take() { return std::move(disagreements_); }

    void compare_equal(const std::string& path, const Json& stated, const Json& found) {
        compare_objects(path, stated, found, found);
    }

    void compare(const std::string& path,
                 const std::string& key,
                 const Json& stated,
                 const Json& proved,
                 const Json& weakest) {
        const bool are_words = stated.is_string() && proved.is_string();
        if (is_checked_apart(path) || (are_words && is_provenance(path, key))) {
            return;
        }
        if (stated.is_object() && proved.is_object()) {
            compare_objects(path, stated, proved, weakest);
        } else if (stated.is_array() && proved.is_array()) {
            compare_lists(path, stated, proved, weakest);
        } else if (is_upper(key) || key == "lower") {
            compare_ends(path, stated, proved, weakest, key == "lower");
        } else if (stated != proved) {
            add(path, stated, proved, "is not what was found");
        }
    }

private:
    void add(const std::string& path,
             const Json& stated,
             const Json& found,
             const std::string& reason) {
        disagreements_.push_back({path, json_line(stated), json_line(found), reason});
    }

    static std::string json_line(const Json& json) {
        return json.dump(-1, ' ', false, Json::error_handler_t::replace);
    }

    static std::string inside(const std::string& path, const std::string& key) {
        return path.empty() ? key : path + "." + key;
    }

    void compare_objects(const std::string& path,
                         const Json& stated,
                         const Json& proved,
                         const Json& weakest) {
        for (const auto& member : stated.items()) {
            const std::string at = inside(path, member.key());
            if (proved.contains(member.key())) {
                compare(at,
                        member.key(),
                        member.value(),
                        proved.at(member.key()),
                        weakest.at(member.key()));
            } else if (!is_checked_apart(at)) {
                disagreements_.push_back(
                    {at, json_line(member.value()), "", "is not part of this certificate"});
            }
        }
        for (const auto& member : proved.items()) {
            if (!stated.contains(member.key())) {
                disagreements_.push_back({inside(path, member.key()),
                                          "",
                                          json_line(member.value()),
                                          "is missing in the certificate"});
            }
        }
    }

    void compare_lists(const std::string& path,
                       const Json& stated,
                       const Json& proved,
                       const Json& weakest) {
        if (stated.size() != proved.size()) {
            disagreements_.push_back({path,
                                      std::to_string(stated.size()) + " entries",
                                      std::to_string(proved.size()) + " entries",
                                      "is a list of another length"});
            return;
        }
        for (std::size_t i = 0; i < stated.size(); ++i) {
            compare(inside(path, std::to_string(i)), "", stated[i], proved[i], weakest[i]);
        }
    }

    /// proved <= stated <= weakest, of a lower end the other way round.
    void compare_ends(const std::string& path,
                      const Json& stated,
                      const Json& proved,
                      const Json& weakest,
                      bool is_lower) {
        const bool holds = is_lower ? is_at_most(stated, proved) : is_at_most(proved, stated);
        const bool is_near = is_lower ? is_at_most(weakest, stated) : is_at_most(stated, weakest);
        if (!holds) {
            add(path,
                stated,
                proved,
                is_lower ? "claims more than is proved" : "claims less than is proved");
        } else if (!is_near) {
            add(path, stated, proved, "is weaker than what the evidence proves");
        }
    }

    std::vector<Disagreement> disagreements_;
};

/// +inf where no double is a bound.
double upper_of(const Json& matrix) {
    const Json& upper = matrix.at("spectral_norm").at("upper");
    return upper.is_number() ? upper.get<double>() : std::numeric_limits<double>::infinity();
}

/// What lies within the slack cannot be told apart: of norms that capping made equal the limit may
/// name any, and a limit that is met to the last digits may have been proved or not.
void accept_what_is_as_near(const Json& stated, const Json& weakest, Json& proved) {
    double largest = 0.0;
    for (const Json& matrix : proved.at("matrices")) {
        largest = std::max(largest, upper_of(matrix));
    }
    for (std::size_t i = 0; i < proved.at("limits").size(); ++i) {
        if (i >= stated.at("limits").size() || !stated.at("limits")[i].is_object()) {
            continue;
        }
        Json& limit = proved["limits"][i];
        const Json& claim = stated.at("limits")[i];
        const bool is_close = is_at_most(limit.at("limit"), weakest.at("limits")[i].at("actual"));
        if (limit.at("ok") == true && claim.value("ok", Json()) == false && is_close) {
            limit["ok"] = false;
            proved["verdict"] = "limit-exceeded";
        }
        if (limit.at("kind") != "max-spectral-norm") {
            continue;
        }
        const Json named = claim.value("quantity", Json());
        for (const Json& matrix : weakest.at("matrices")) {
            if (matrix.at("name") == named && upper_of(matrix) >= largest) {
                limit["quantity"] = named;
            }
        }
    }
}

}  // namespace

std::vector<Disagreement> compare_claims(const Json& stated,
                                         const Json& proved,
                                         const Json& weakest) {
    Json expected = proved;
    if (stated.contains("limits") && stated.at("limits").is_array()) {
        accept_what_is_as_near(stated, weakest, expected);
    }
    Comparison comparison;
    comparison.compare("", "", stated, expected, weakest);
    return comparison.take();
}

std::vector<Disagreement> compare_evidence(const Json& stated, const Json& found) {
    Comparison comparison;
    comparison.compare_equal("evidence", stated, found);
    return comparison.take();
}

}  // namespace lipcert
