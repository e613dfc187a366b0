#include "lipcert/bounds/rules.hpp"

#include <algorithm>
#include <sstream>

namespace lipcert {

std::string joined_rules(const std::vector<std::string>& texts) {
    std::vector<std::string> seen;
    std::string result;
    for (const std::string& text : texts) {
        std::istringstream words(text);
        std::string rule;
        while (words >> rule) {
            if (std::find(seen.begin(), seen.end(), rule) != seen.end()) {
                continue;
            }
            seen.push_back(rule);
            result += (result.empty() ? "" : " ") + rule;
        }
    }
    return result;
}

}  // namespace lipcert
