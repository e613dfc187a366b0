#include "lipcert/rounding/limit.hpp"

#include "lipcert/error.hpp"

namespace lipcert {

Lower parse_limit(const std::string& flag, const std::string& text) {
    Lower limit;
    try {
        limit = Lower::parse(text);
    } catch (const Error& error) {
        throw Error(ErrorKind::usage, flag, error.what());
    }
    if (limit.is_zero()) {
        throw Error(ErrorKind::usage, flag, "a limit must be positive, found '" + text + "'");
    }
    return limit;
}

}  // namespace lipcert
