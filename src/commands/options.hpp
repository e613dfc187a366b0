#pragma once

#include "lipcert/capping/cap_items.hpp"
#include "lipcert/capping/cap_matrix.hpp"
#include "lipcert/certificate/certify.hpp"
#include "lipcert/checkpoint/checkpoint_edit.hpp"
#include "lipcert/comparison/measures.hpp"
#include "lipcert/execution/tokens.hpp"
#include "lipcert/report/terminal_report.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace lipcert {

enum class ColorChoice { automatic, always, never };

/// What every command takes.
struct CommonOptions {
    std::filesystem::path model;
    std::optional<std::string> json;  ///< a path, or "-" for standard output
    bool quiet = false;
    bool verbose = false;
    ColorChoice color = ColorChoice::automatic;
    std::optional<int> threads;
    std::optional<std::uint64_t> max_memory;  ///< bytes
    std::optional<std::filesystem::path> configuration;
    std::optional<std::filesystem::path> architecture;
    std::vector<std::string> settings;      ///< KEY=VALUE, over the configuration
    std::size_t top = 5;                    ///< matrices to show; 0: all
    MatrixOrder order = MatrixOrder::norm;  ///< which come first
};

/// Reports beside the terminal view and --json, each a path or "-" for standard output.
struct OutputOptions {
    std::optional<std::string> markdown, html, junit, sarif, csv;
    std::string format = "terminal";
};

/// The search for lower bounds.
struct WitnessArguments {
    bool wanted = false;
    std::optional<std::filesystem::path> file;  ///< where to store the network's two inputs
    std::uint64_t seed = 1;
    std::size_t restarts = 6;
};

struct CertifyArguments {
    CommonOptions common;  ///< its `model` is set for one of `models` after the other
    std::vector<std::filesystem::path> models;
    OutputOptions outputs;
    LimitRequest limits;
    std::optional<std::size_t> sequence_length;
    std::optional<std::filesystem::path> assumptions;  ///< conditions to bound pairs under
    Effort effort = Effort::standard;
    InputSet inputs = InputSet::ball;
    std::optional<std::size_t> longest_stream;
    std::optional<std::string> explained;  ///< a block whose rules are shown side by side
    bool exit_zero = false;
    std::optional<std::filesystem::path> baseline;
    double tolerance = kComparisonTolerance;  ///< of the baseline, relative
    std::optional<std::string> certificate;   ///< the full form, a path or "-"
    WitnessArguments witness;
};

struct VerifyArguments {
    CommonOptions common;
    std::filesystem::path certificate;
};

/// `common.model` is the new side.
struct DiffArguments {
    CommonOptions common;
    std::filesystem::path before;
    double tolerance = kComparisonTolerance;  ///< relative
    bool exit_zero = false;
};

/// `common.model` is what the baseline is made from.
struct BaselineArguments {
    CommonOptions common;
    std::string action;  ///< "create" or "update"
    std::filesystem::path file;
    double tolerance = kComparisonTolerance;  ///< relative
};

struct NormsArguments {
    CommonOptions common;
    std::vector<std::string> tensors;   ///< globs; empty: all
    std::vector<std::string> excluded;  ///< globs
};

struct InspectArguments {
    CommonOptions common;
};

/// Where tokens come from: none, one of the files, windows of `context` tokens.
struct TokenSource {
    std::optional<std::string> tokens;          ///< FILE or FILE:/dataset
    TokenWidth width = TokenWidth::uint16;      ///< of a file without a header
    std::optional<std::filesystem::path> text;  ///< for character-level models
    std::optional<std::size_t> context;

    [[nodiscard]] bool is_given() const { return tokens || text; }

    [[nodiscard]] std::optional<std::filesystem::path> token_file() const {
        return tokens ? std::optional(file_of_tokens(*tokens)) : std::nullopt;
    }
};

struct ProbeArguments {
    CommonOptions common;
    TokenSource tokens;
    std::optional<std::size_t> token_limit;           ///< predict the first so many tokens
    std::optional<std::filesystem::path> conditions;  ///< where to write them
    double margin = 0.5;                              ///< of the conditions
    std::optional<std::string> markdown;              ///< a path, or "-" for standard output
    WitnessArguments witness;
    std::vector<double> attack_radii;
    std::size_t attack_steps = 10;
    std::optional<std::filesystem::path> svg;
};

struct CapArguments {
    CommonOptions common;
    EditTarget destination;  ///< without an output: --in-place, or nothing is written
    bool in_place = false;
    bool dry_run = false;
    bool matrices_only = false;
    CapMethod method = CapMethod::normalize;
    std::vector<std::string> limits;  ///< "C" or "SELECTOR=C"
    LimitNorm norm = LimitNorm::l2;
    std::optional<std::string> embedding_limit;
    std::vector<std::string> excluded;
    std::optional<std::string> target;
    std::string bound = "max_token_rms";
    std::optional<std::size_t> sequence_length;
    double decay = 0.1;
    bool until_limit = false;
    std::vector<std::string> frontier;  ///< limits; then nothing is written but reports
    std::optional<std::filesystem::path> csv, svg;
    TokenSource tokens;  ///< what the frontier measures accuracy on
};

}  // namespace lipcert
