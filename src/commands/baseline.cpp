#include "lipcert/comparison/baseline.hpp"

#include "lipcert/error.hpp"
#include "lipcert/printable.hpp"
#include "lipcert/report/diff_report.hpp"
#include "lipcert/report/text.hpp"

#include "commands/commands.hpp"
#include "commands/measured.hpp"
#include "commands/report_file.hpp"
#include "commands/report_places.hpp"
#include <fmt/format.h>

namespace lipcert {

namespace {

std::string create(const BaselineArguments& arguments, const Measures& measures) {
    std::error_code ignored;
    if (std::filesystem::exists(arguments.file, ignored)) {
        throw Error(ErrorKind::usage,
                    arguments.file.string(),
                    "exists: `lipcert baseline update` lowers it; remove it to accept anything");
    }
    const Baseline baseline = new_baseline(measures);
    write_report_file(arguments.file, baseline_text(baseline), {arguments.common.model});
    return fmt::format("{} accepted as they are\n", counted(baseline.entries.size(), "value"));
}

std::string update(const BaselineArguments& arguments, const Measures& measures) {
    const BaselineUpdate result =
        shrink(read_baseline_file(arguments.file), measures, arguments.tolerance);
    write_report_file(arguments.file, baseline_text(result.baseline), {arguments.common.model});
    return fmt::format("{} lowered, {} dropped, {} worse than the baseline, which stays\n",
                       result.lowered,
                       result.dropped,
                       result.exceeded);
}

}  // namespace

ExitCode run_baseline(const BaselineArguments& arguments, Console& console) {
    require_apart({{"FILE", arguments.file}}, inputs_of(arguments.common));
    require_json_apart(arguments.common, {{arguments.file, "the baseline"}});
    const Measures measures = measured(arguments.common.model, arguments.common, console);
    const std::string done =
        arguments.action == "create" ? create(arguments, measures) : update(arguments, measures);
    if (!arguments.common.quiet) {
        write_text(console.out, printable(arguments.file.string()) + ": " + done);
    }
    return ExitCode::certified;
}

}  // namespace lipcert
