#include "commands/session.hpp"

#include "lipcert/architecture/description.hpp"
#include "lipcert/checkpoint/assumed_type.hpp"
#include "lipcert/checkpoint/memory_limit.hpp"
#include "lipcert/error.hpp"
#include "lipcert/norms/threads.hpp"
#include "lipcert/printable.hpp"

#include <algorithm>
#include <chrono>

#include "commands/progress_line.hpp"
#include "commands/report_file.hpp"
#include "norms/large_matrix.hpp"
#include <fmt/format.h>

namespace lipcert {

namespace {

/// `text` as JSON where it is a number, true, false, null or quoted; a plain word is a string.
nlohmann::json setting_value(const std::string& text) {
    const nlohmann::json parsed = nlohmann::json::parse(text, nullptr, false);
    return parsed.is_discarded() || parsed.is_structured() ? nlohmann::json(text) : parsed;
}

/// What the user names beside the model is a part of the command: a mistake in it is one of usage.
template <typename Action>
auto as_usage(const Action& action) {
    try {
        return action();
    } catch (const Error& error) {
        throw Error(ErrorKind::usage, error.where(), error.what());
    }
}

}  // namespace

TerminalStyle style_for(const CommonOptions& options, const Console& console) {
    TerminalStyle style;
    style.width = console.width;
    style.verbose = options.verbose;
    style.top = options.top;
    style.order = options.order;
    style.color =
        options.color == ColorChoice::always || (options.color == ColorChoice::automatic &&
                                                 console.out_is_terminal && console.color_allowed);
    return style;
}

Session::Session(const CommonOptions& options, Console& console)
    : options_(options), console_(console) {
    keep_freed_memory();
    set_memory_limit(options.max_memory);
    if (options.threads) {
        set_thread_count(*options.threads);
    }
}

std::unique_ptr<Checkpoint> Session::open() const {
    std::unique_ptr<Checkpoint> checkpoint = open_checkpoint(options_.model);
    model_files_ = checkpoint->files();
    const std::vector<TensorInfo>& tensors = checkpoint->tensors();
    const auto is_assumed = [](const TensorInfo& tensor) {
        return tensor.stored_type == kAssumedBfloat16;
    };
    const auto first = std::find_if(tensors.begin(), tensors.end(), is_assumed);
    if (first != tensors.end()) {
        const auto count = std::count_if(first, tensors.end(), is_assumed);
        const std::string warning = fmt::format(
            "{}: {} opaque, 2 bytes, of no stated type, read as bfloat16 as early Keras 3 wrote "
            "it: {}{}",
            printable(checkpoint->path()),
            count == 1 ? "1 tensor is" : fmt::format("{} tensors are", count),
            printable(first->name),
            count == 1 ? "" : ", ...");
        std::fputs(("lipcert: warning: " + warning + "\n").c_str(), console_.err);
    }
    return checkpoint;
}

Configuration Session::configuration(const Checkpoint& checkpoint) const {
    const auto find = [&] { return find_configuration(checkpoint, options_.configuration); };
    Configuration configuration = options_.configuration ? as_usage(find) : find();
    for (const std::string& setting : options_.settings) {
        const std::size_t mark = setting.find('=');
        if (mark == std::string::npos || mark == 0) {
            throw Error(ErrorKind::usage, "--set", "expected KEY=VALUE, found '" + setting + "'");
        }
        if (!is_printable(setting)) {
            throw Error(ErrorKind::usage, "--set", "'" + setting + "' is not printable UTF-8 text");
        }
        configuration.values[setting.substr(0, mark)] = setting_value(setting.substr(mark + 1));
    }
    if (!options_.settings.empty()) {
        configuration.source += " and --set";
    }
    return configuration;
}

Architecture Session::architecture(const Checkpoint& checkpoint,
                                   const Configuration& configuration) const {
    if (options_.architecture) {
        const FamilyDescription family =
            as_usage([this] { return read_family(*options_.architecture); });
        return build_architecture(family, checkpoint, configuration);
    }
    return architecture_of(checkpoint, configuration);
}

Progress Session::progress() const {
    if (!console_.err_is_terminal || options_.quiet) {
        return {};
    }
    const auto start = std::chrono::steady_clock::now();
    return [this, start](const std::string& step, std::size_t done, std::size_t total) {
        const std::string line = progress_line(
            step, done, total, std::chrono::steady_clock::now() - start, console_.err_width);
        std::fputs(("\r\x1b[K" + line).c_str(), console_.err);
        std::fflush(console_.err);
    };
}

void Session::clear_progress() const {
    if (console_.err_is_terminal && !options_.quiet) {
        std::fputs("\r\x1b[K", console_.err);
        std::fflush(console_.err);
    }
}

TerminalStyle Session::style() const {
    return style_for(options_, console_);
}

void Session::deliver(const std::string& json, const std::string& text) const {
    if (options_.json && *options_.json == "-") {
        write_text(console_.out, json);
        return;
    }
    if (options_.json) {
        write_file(*options_.json, json);
    }
    write_text(console_.out, text);
}

std::vector<std::filesystem::path> Session::models() const {
    std::vector<std::filesystem::path> models = {options_.model};
    models.insert(models.end(), model_files_.begin(), model_files_.end());
    return models;
}

void Session::require_no_model(const std::filesystem::path& path) const {
    lipcert::require_no_model(path, models());
}

void Session::write_file(const std::filesystem::path& path, const std::string& text) const {
    write_report_file(path, text, models());
}

}  // namespace lipcert
