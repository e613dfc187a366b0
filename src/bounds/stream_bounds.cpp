#include "bounds/stream_bounds.hpp"

#include "lipcert/bounds/rules.hpp"
#include "lipcert/error.hpp"

namespace lipcert {

void advance(StreamBounds& stream, const Upper& lipschitz, const std::string& rule) {
    stream.lipschitz *= lipschitz;
    stream.frobenius *= lipschitz;
    stream.rule = joined_rules({stream.rule, rule});
}

void note(const std::vector<RuleValue>& alternatives, StreamBounds& stream) {
    stream.alternatives.insert(stream.alternatives.end(), alternatives.begin(), alternatives.end());
}

void require_bounded(const StreamBounds& stream, const char* what, const std::string& where) {
    if (!stream.domain_radius.is_finite()) {
        throw Error(ErrorKind::architecture,
                    where,
                    std::string(what) +
                        " has no Lipschitz constant on unbounded inputs; expected a normalisation "
                        "before it or a bounded domain");
    }
}

void count_score(const std::optional<Upper>& score, StreamBounds& stream) {
    if (score) {
        stream.largest_score = max(stream.largest_score.value_or(Upper()), *score);
    }
}

}  // namespace lipcert
