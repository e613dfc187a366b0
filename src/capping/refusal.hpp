#pragma once

#include <string>

#include "capping/job.hpp"

namespace lipcert::capping {

inline constexpr const char* kRaiseLimit = "raise the limit for this matrix, or exclude it";

/// Throws UnreachableLimit: what was found, and what helps.
[[noreturn]] void refuse(const Job& job, const std::string& found, const char* remedy);

}  // namespace lipcert::capping
