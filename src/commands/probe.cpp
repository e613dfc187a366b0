#include "commands/probe.hpp"

#include "lipcert/checkpoint/matrix_file.hpp"
#include "lipcert/error.hpp"
#include "lipcert/printable.hpp"
#include "lipcert/report/probe_report.hpp"
#include "lipcert/report/text.hpp"

#include <chrono>
#include <utility>

#include "commands/command_line.hpp"
#include "commands/report_places.hpp"
#include "commands/token_source.hpp"
#include <fmt/format.h>

namespace lipcert {

namespace {

void validate(const ProbeArguments& arguments) {
    const bool needs_tokens =
        arguments.conditions || arguments.markdown || !arguments.attack_radii.empty();
    if (!arguments.tokens.is_given() && (needs_tokens || !arguments.witness.wanted)) {
        throw Error(ErrorKind::usage, "probe", "on what? Give --tokens or --text, or --witness");
    }
    if (arguments.markdown == "-" && arguments.common.json == "-") {
        throw Error(
            ErrorKind::usage, "--json, --markdown", "only one report can go to standard output");
    }
    if (arguments.svg && arguments.attack_radii.empty()) {
        throw Error(ErrorKind::usage, "--svg", "shows the attack: it needs --attack");
    }
    for (const double radius : arguments.attack_radii) {
        if (!(radius > 0.0 && radius < 1e300)) {
            throw Error(ErrorKind::usage, "--attack", "radii must be positive");
        }
    }
}

void require_outputs_apart(const ProbeArguments& arguments) {
    std::vector<Report> reports;
    const auto add = [&reports](const char* flag, const auto& file) {
        if (file) {
            reports.emplace_back(flag, *file);
        }
    };
    add("--json", arguments.common.json);
    add("--markdown", arguments.markdown);
    add("--assume-out", arguments.conditions);
    add("--svg", arguments.svg);
    add("--witness-out", arguments.witness.file);
    std::vector<Claimed> claimed = inputs_of(arguments.common);
    for (const Claimed& input : inputs_of(arguments.tokens)) {
        claimed.push_back(input);
    }
    require_apart(reports, std::move(claimed));
}

/// The sequences up to the limit on predicted tokens.
std::vector<TokenSequence> limited(std::vector<TokenSequence> sequences,
                                   const std::optional<std::size_t>& limit) {
    if (!limit) {
        return sequences;
    }
    std::vector<TokenSequence> result;
    std::size_t left = *limit;
    for (TokenSequence& sequence : sequences) {
        if (left == 0) {
            break;
        }
        sequence.resize(std::min(sequence.size(), left + 1));
        left -= sequence.empty() ? 0 : sequence.size() - 1;
        result.push_back(std::move(sequence));
    }
    return result;
}

std::string data_phrase(const ProbeArguments& arguments) {
    const std::string source =
        arguments.tokens.text ? arguments.tokens.text->filename().string()
                              : std::filesystem::path(*arguments.tokens.tokens).filename().string();
    return arguments.token_limit ? fmt::format("the first tokens of {}", source) : source;
}

std::string conditions_origin(const ProbeArguments& arguments, const Measurement& measurement) {
    return fmt::format("{:.4g} times the smallest values on {} tokens of {}",
                       1.0 - arguments.margin,
                       measurement.evaluation.predicted,
                       printable(data_phrase(arguments)));
}

/// "predicting tokens, 12,345 tokens/s".
std::function<void(std::size_t, std::size_t)> speed_shown(const Progress& progress) {
    const auto start = std::chrono::steady_clock::now();
    return [progress, start](std::size_t done, std::size_t total) {
        const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
        if (progress) {
            progress(fmt::format("predicting tokens, {:.0f} tokens/s",
                                 static_cast<double>(done) / taken.count()),
                     done,
                     total);
        }
    };
}

void write_files(const ProbeArguments& arguments,
                 const ProbeResult& result,
                 const Session& session) {
    if (arguments.conditions) {
        session.write_file(*arguments.conditions,
                           conditions_text(*result.measurement,
                                           arguments.margin,
                                           conditions_origin(arguments, *result.measurement)));
    }
    if (arguments.markdown && arguments.markdown != "-") {
        session.write_file(*arguments.markdown, probe_markdown(result));
    }
    if (arguments.svg) {
        session.write_file(*arguments.svg, attack_svg(result.attack));
    }
}

std::string verdict(const ProbeResult& result) {
    std::string text;
    if (result.measurement) {
        const Evaluation& evaluation = result.measurement->evaluation;
        text += fmt::format("accuracy {:.2f} %, loss {:.4f} nats over {} next tokens\n",
                            100.0 * evaluation.accuracy,
                            evaluation.loss,
                            evaluation.predicted);
    }
    if (result.witnesses) {
        const NamedWitness& network = result.witnesses->network;
        const bool proved = network.witness && network.witness->ratio;
        text += fmt::format("blocks_l2 between {} and {}\n",
                            proved ? readable(*network.witness->ratio, 4) : "0",
                            readable(network.bound, 4));
    }
    return text;
}

void store_witness(const std::filesystem::path& path, const NamedWitness& network) {
    const Witness& witness = *network.witness;
    const std::string ratio = witness.ratio ? witness.ratio->to_decimal(12) : "not proved";
    write_matrix_file(path,
                      {{"first", witness.first}, {"second", witness.second}},
                      {{"schema", "lipcert-witness-1"},
                       {"bound", network.name},
                       {"ratio", ratio},
                       {"norm", "the largest L2 norm of a token (row)"}});
}

}  // namespace

void add_witness_options(CLI::App& command, WitnessArguments& arguments) {
    command.add_flag(
        "--witness", arguments.wanted, "Search two inputs that bound the constants below");
    command.add_option("--witness-out", arguments.file, "Store the network's two inputs as HDF5")
        ->type_name("FILE")
        ->needs("--witness");
    command.add_option("--seed", arguments.seed, "Of the search (default 1)")->type_name("N");
    command.add_option("--restarts", arguments.restarts, "Ascents of the search (default 6)")
        ->check(CLI::Range(std::size_t{1}, std::size_t{10000}))
        ->type_name("N");
}

void add_probe(CLI::App& program, ProbeArguments& arguments) {
    CLI::App& command = *program.add_subcommand(
        "probe", "Run the model: measurements and lower bounds beside what is certified");
    show_examples(command,
                  {"lipcert probe model.h5 --text validation.txt --markdown row.md",
                   "lipcert probe model.h5 --tokens validation.bin --assume-out conditions.json",
                   "lipcert probe model.h5 --witness --witness-out witness.h5"});
    add_model(command, arguments.common);
    add_common_options(command, arguments.common);
    add_architecture_options(command, arguments.common);
    add_token_options(command, arguments.tokens, "Run the model on");
    command.add_option("--token-limit", arguments.token_limit, "Predict only the first N tokens")
        ->check(CLI::Range(std::size_t{1}, std::size_t{1} << 40U))
        ->type_name("N");
    command
        .add_option("--assume-out",
                    arguments.conditions,
                    "Write conditions that the data meet, for certify --assume")
        ->type_name("FILE");
    command
        .add_option("--margin",
                    arguments.margin,
                    "Conditions are this part below the smallest values seen (default 0.5)")
        ->check(CLI::Range(0.0, 0.999999))
        ->type_name("PART");
    command
        .add_option(
            "--markdown", arguments.markdown, "Write the model's row of the table, - for stdout")
        ->type_name("FILE");
    add_witness_options(command, arguments.witness);
    command
        .add_option("--attack",
                    arguments.attack_radii,
                    "Accuracy when every token may move by EPS (L2), and by measured margins")
        ->delimiter(',')
        ->allow_extra_args(false)
        ->type_name("EPS,EPS,...");
    command.add_option("--attack-steps", arguments.attack_steps, "Gradient steps (default 10)")
        ->check(CLI::Range(std::size_t{1}, std::size_t{100000}))
        ->type_name("N");
    command.add_option("--svg", arguments.svg, "The attack as a figure")->type_name("FILE");
}

Witnesses searched_witnesses(const Transformer& model,
                             const Checkpoint& checkpoint,
                             const NetworkBounds& bounds,
                             const WitnessArguments& arguments,
                             const Session& session) {
    WitnessOptions options;
    options.seed = arguments.seed;
    options.restarts = arguments.restarts;
    options.progress = session.progress();
    Witnesses found = find_witnesses(model, checkpoint, bounds, options);
    session.clear_progress();
    if (arguments.file && found.network.witness) {
        session.require_no_model(*arguments.file);
        store_witness(*arguments.file, found.network);
    }
    require_no_contradiction(found);
    return found;
}

ExitCode run_probe(const ProbeArguments& arguments, Console& console) {
    validate(arguments);
    require_outputs_apart(arguments);
    const Session session(arguments.common, console);
    const auto checkpoint = session.open();
    const Configuration configuration = session.configuration(*checkpoint);
    const Architecture architecture = session.architecture(*checkpoint, configuration);
    const std::vector<TokenSequence> sequences =
        limited(sequences_of(arguments.tokens, configuration), arguments.token_limit);
    if (arguments.tokens.is_given()) {
        require_known_tokens(sequences, architecture, *checkpoint);
    }
    ProbeResult result;
    CertifyOptions options;
    options.progress = session.progress();
    result.certificate = certify(*checkpoint, architecture, options);
    const Transformer model(architecture, *checkpoint);
    if (arguments.tokens.is_given()) {
        result.data = data_phrase(arguments);
        result.measurement = measure(model, sequences, speed_shown(session.progress()));
        result.certified =
            certified_blocks(block_extents(architecture, *checkpoint, result.certificate.bounds),
                             *result.measurement);
    }
    const NetworkBounds& bounds = result.certificate.bounds;
    if (arguments.witness.wanted) {
        result.witnesses =
            searched_witnesses(model, *checkpoint, bounds, arguments.witness, session);
        result.witness_file = arguments.witness.file ? arguments.witness.file->string() : "";
    }
    if (!arguments.attack_radii.empty()) {
        AttackOptions attack_options{arguments.attack_radii, arguments.attack_steps, {}};
        if (const Progress progress = session.progress()) {
            attack_options.progress = [progress](std::size_t done, std::size_t total) {
                progress("attacking", done, total);
            };
        }
        result.attack = attack(model, sequences, bounds, attack_options);
    }
    session.clear_progress();
    write_files(arguments, result, session);
    const std::string text = arguments.markdown == "-" ? probe_markdown(result)
                             : arguments.common.quiet  ? verdict(result)
                                                       : render_probe(result, session.style());
    session.deliver(probe_json(result), text);
    return ExitCode::certified;
}

}  // namespace lipcert
