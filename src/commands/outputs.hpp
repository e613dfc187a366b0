#pragma once

#include "lipcert/commands/console.hpp"
#include "lipcert/report/run_report.hpp"

#include <filesystem>
#include <string>
#include <vector>

#include "commands/options.hpp"
#include <CLI/CLI.hpp>

namespace lipcert {

/// The flags of every report that `certify` writes beside the terminal view, --json aside.
void add_output_options(CLI::App& command, OutputOptions& outputs);

/// Writes the reports of one run. Which one goes to standard output, and that no two go to the same
/// place, is checked when it is built: before any work is done.
class Outputs {
public:
    /// Throws Error{usage} for two reports in one place, or one in the place of an input.
    Outputs(const CertifyArguments& arguments, Console& console);

    /// Files first, then the terminal: `view` to standard output, or, where a report goes there,
    /// `verdict` to standard error. One report that cannot be written does not keep the others from
    /// being written; then the first failure is thrown.
    void deliver(const RunResult& run, const std::string& view, const std::string& verdict) const;

    /// No report takes the place of these files of a model: what an index or a folder leads to.
    void keep(const std::vector<std::filesystem::path>& files);

private:
    struct Target {
        std::string flag, path;
        std::string (*render)(const RunResult&);
    };

    void require_targets_apart() const;
    void write(const Target& target, const RunResult& run) const;
    void write_view(const std::string& view, const std::string& verdict) const;
    void write_github(const RunResult& run) const;

    const CertifyArguments& arguments_;
    Console& console_;
    std::vector<Target> targets_;
    std::vector<std::filesystem::path> kept_;
    bool stdout_taken_ = false;
};

}  // namespace lipcert
