#pragma once

#include "lipcert/commands/console.hpp"
#include "lipcert/comparison/baseline.hpp"
#include "lipcert/comparison/measures.hpp"

#include <filesystem>
#include <string>

#include "commands/options.hpp"

namespace lipcert {

/// The measures of `source`: a stored certificate (JSON), or a checkpoint, which is certified under
/// `common`.
[[nodiscard]] Measures measured(const std::filesystem::path& source,
                                const CommonOptions& common,
                                Console& console);

[[nodiscard]] Measures measures_of(const Certificate& certificate);

[[nodiscard]] Baseline read_baseline_file(const std::filesystem::path& path);

/// "2026-11-25" in UTC; the day of SOURCE_DATE_EPOCH where that is set.
[[nodiscard]] std::string today();

}  // namespace lipcert
