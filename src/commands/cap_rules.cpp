#include "commands/cap_rules.hpp"

#include "lipcert/error.hpp"

namespace lipcert {

namespace {

/// "C" or "SELECTOR=C".
LimitRule limit_rule(const std::string& text) {
    const std::size_t mark = text.rfind('=');
    return mark == std::string::npos ? LimitRule{"", text}
                                     : LimitRule{text.substr(0, mark), text.substr(mark + 1)};
}

}  // namespace

LimitRules limit_rules(const CapArguments& arguments,
                       const std::optional<std::string>& everywhere) {
    LimitRules rules;
    rules.norm = arguments.norm;
    rules.embedding_limit = arguments.embedding_limit;
    rules.excluded = arguments.excluded;
    if (arguments.target && !rules.embedding_limit) {
        rules.embedding_limit = kNoLimit;
    }
    if (everywhere) {
        rules.limits.push_back({"", *everywhere});
    }
    for (const std::string& text : arguments.limits) {
        rules.limits.push_back(limit_rule(text));
    }
    if (rules.limits.empty() && !rules.embedding_limit) {
        throw Error(ErrorKind::usage,
                    "",
                    "how far to cap is missing: --limit C, --embedding-limit C or "
                    "--target-lipschitz X");
    }
    return rules;
}

}  // namespace lipcert
