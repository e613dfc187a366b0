#pragma once

#include "lipcert/checkpoint/checkpoint.hpp"
#include "lipcert/checkpoint/configuration.hpp"
#include "lipcert/commands/console.hpp"
#include "lipcert/report/terminal_report.hpp"

#include <memory>
#include <string>
#include <vector>

#include "commands/options.hpp"

namespace lipcert {

/// How this console shows a report under these options.
[[nodiscard]] TerminalStyle style_for(const CommonOptions& options, const Console& console);

/// What commands share: opening the model, its configuration with --set applied, progress, and
/// writing reports.
class Session {
public:
    Session(const CommonOptions& options, Console& console);

    [[nodiscard]] std::unique_ptr<Checkpoint> open() const;
    [[nodiscard]] Configuration configuration(const Checkpoint& checkpoint) const;
    [[nodiscard]] Architecture architecture(const Checkpoint& checkpoint,
                                            const Configuration& configuration) const;
    /// A line on the terminal's standard error that is rewritten as work goes on; empty elsewhere.
    [[nodiscard]] Progress progress() const;
    /// Wipes the line of `progress`.
    void clear_progress() const;
    [[nodiscard]] TerminalStyle style() const;

    /// Writes --json (a file appears complete or not at all), then `text` to standard output unless
    /// the JSON went there.
    void deliver(const std::string& json, const std::string& text) const;

    /// A further report. Throws Error{usage} where `path` is the model, Error{input} where it
    /// cannot be written.
    void write_file(const std::filesystem::path& path, const std::string& text) const;

    /// Throws Error{usage} where `path` is the model.
    void require_no_model(const std::filesystem::path& path) const;

    /// The model as it is named and, once it is open, the files behind it.
    [[nodiscard]] std::vector<std::filesystem::path> models() const;

private:
    const CommonOptions& options_;
    Console& console_;
    mutable std::vector<std::string> model_files_;  ///< of what `open` opened; no report goes there
};

}  // namespace lipcert
