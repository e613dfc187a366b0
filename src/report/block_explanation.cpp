#include "lipcert/report/block_explanation.hpp"

#include "lipcert/bounds/conditions.hpp"
#include "lipcert/error.hpp"
#include "lipcert/printable.hpp"
#include "lipcert/report/text.hpp"

#include <algorithm>
#include <cstddef>
#include <map>
#include <vector>

#include "report/phrases.hpp"
#include <fmt/format.h>

namespace lipcert {

namespace {

/// The place of `block` in the order of execution, which is that of the bounds' blocks.
std::size_t place_of(const Architecture& architecture, const std::string& block) {
    const NamedPoints points = named_points(architecture);
    std::string known;
    for (std::size_t i = 0; i < points.blocks.size(); ++i) {
        if (points.blocks[i].first == block) {
            return i;
        }
        known += (known.empty() ? "" : ", ") + points.blocks[i].first;
    }
    throw Error(ErrorKind::usage,
                "--explain",
                "the model has no block '" + printable(block) + "'; it has " +
                    (known.empty() ? "none" : printable(known)));
}

std::map<std::string, Upper> least_of_parts(const std::vector<RuleValue>& alternatives) {
    std::map<std::string, Upper> least;
    for (const RuleValue& alternative : alternatives) {
        const auto [entry, is_new] = least.emplace(alternative.part, alternative.upper);
        entry->second = is_new ? alternative.upper : min(entry->second, alternative.upper);
    }
    return least;
}

}  // namespace

void require_block(const Architecture& architecture, const std::string& block) {
    (void)place_of(architecture, block);
}

std::string block_explanation(const Certificate& certificate, const std::string& block) {
    const BlockBound& bound =
        *named_blocks(certificate.bounds).at(place_of(certificate.architecture, block)).block;
    std::string text = fmt::format(
        "{}: Lipschitz constant {} by {}, tokens of L2 norm up to {}\n\npart                  "
        "     upper   rules\n",
        printable(block),
        readable(bound.lipschitz, 6),
        bound.rule.empty() ? "no rule" : bound.rule,
        readable(bound.radius_in, 4));
    const std::map<std::string, Upper> least = least_of_parts(bound.alternatives);
    for (const RuleValue& alternative : bound.alternatives) {
        text += left(alternative.part, 20) + right(readable(alternative.upper, 6), 12) + "   " +
                alternative.rule +
                (alternative.upper == least.at(alternative.part) ? "   <- least" : "") + "\n";
    }
    return text +
           "A part is a module's own: skip path and branch scale are not in it, except for an MLP "
           "with its skip path.\n";
}

}  // namespace lipcert
