#pragma once

#include "commands/options.hpp"

namespace lipcert {

/// Refuses, before any work, a report (--json, --csv, --svg) that would take the place of the
/// model, of what `cap` writes, keeps or reads, or of another report (Error{usage}), and one whose
/// folder is missing or may not be written (Error{input}).
void require_apart_from_reports(const CapArguments& arguments);

}  // namespace lipcert
