#include "lipcert/bounds/effort.hpp"

#include <algorithm>

namespace lipcert {

const std::map<std::string, Effort>& efforts_by_name() {
    static const std::map<std::string, Effort> efforts = {
        {"fast", Effort::fast}, {"default", Effort::standard}, {"max", Effort::max}};
    return efforts;
}

std::string name_of(Effort effort) {
    const auto& efforts = efforts_by_name();
    return std::find_if(efforts.begin(),
                        efforts.end(),
                        [effort](const auto& entry) { return entry.second == effort; })
        ->first;
}

}  // namespace lipcert
