#include "commands/command_line.hpp"

#include "lipcert/certificate/longest_stream.hpp"

#include <map>

#include "commands/outputs.hpp"
#include "commands/probe.hpp"
#include "commands/token_source.hpp"

namespace lipcert {

namespace {

const std::map<std::string, ColorChoice> color_names = {{"auto", ColorChoice::automatic},
                                                        {"always", ColorChoice::always},
                                                        {"never", ColorChoice::never}};

const std::map<std::string, CapMethod> method_names = {
    {"normalize", CapMethod::normalize},
    {"hard-cap", CapMethod::hard_cap},
    {"soft-cap", CapMethod::soft_cap},
    {"hammer", CapMethod::hammer},
    {"weight-decay", CapMethod::weight_decay},
    {"spectral-decay", CapMethod::spectral_decay},
    {"orthogonalize", CapMethod::orthogonalize}};

const std::map<std::string, MatrixOrder> order_names = {{"norm", MatrixOrder::norm},
                                                        {"name", MatrixOrder::name},
                                                        {"stored", MatrixOrder::stored},
                                                        {"stable-rank", MatrixOrder::stable_rank},
                                                        {"width", MatrixOrder::width}};

const std::map<std::string, LimitNorm> norm_names = {{"l2", LimitNorm::l2},
                                                     {"rms", LimitNorm::rms}};

const std::map<std::string, InputSet> input_names = {{"ball", InputSet::ball},
                                                     {"embeddings", InputSet::embeddings}};

/// Which matrices a table shows.
void add_table_options(CLI::App& command, CommonOptions& options) {
    command
        .add_option("-n,--top",
                    options.top,
                    "Matrices to show, 0 for all (default: 5 with an architecture, else all)")
        ->type_name("N");
    command
        .add_option("--sort",
                    options.order,
                    "Which come first: norm, name, stored, stable-rank (the smallest) or width "
                    "(the least certain)")
        ->transform(CLI::CheckedTransformer(order_names).description(""))
        ->type_name("BY");
}

void add_tolerance(CLI::App& command, double& tolerance) {
    command
        .add_option("--tolerance",
                    tolerance,
                    "What is worse by less than this part counts as the same (default 1e-5)")
        ->check(CLI::Range(0.0, 1.0))
        ->type_name("R");
}

/// Which of the composed bounds a limit is on.
void add_bound_options(CLI::App& command, std::string& bound, std::optional<std::size_t>& length) {
    command
        .add_option("--bound",
                    bound,
                    "The bound that is limited: max_token_rms (default), max_token_l2, blocks_l2, "
                    "logit, logit_difference, frobenius")
        ->type_name("NAME");
    command
        .add_option("--sequence-length", length, "Also bound the Frobenius norm for so many tokens")
        ->check(CLI::Range(std::size_t{1}, std::size_t{1} << 40U))
        ->type_name("N");
}

/// The trade-off curve and its reports.
void add_frontier(CLI::App& command, CapArguments& arguments) {
    command
        .add_option("--frontier",
                    arguments.frontier,
                    "Only show what each of these limits would cost and certify")
        ->delimiter(',')
        ->allow_extra_args(false)
        ->type_name("C,C,...");
    add_token_options(command, arguments.tokens, "Measure the frontier's accuracy on");
    command.add_option("--csv", arguments.csv, "The frontier as CSV")->type_name("FILE");
    command.add_option("--svg", arguments.svg, "The frontier as a figure")->type_name("FILE");
}

/// How far and by which method.
void add_cap_limits(CLI::App& command, CapArguments& arguments) {
    command
        .add_option("--method",
                    arguments.method,
                    "normalize (default), hard-cap, soft-cap, hammer, weight-decay, "
                    "spectral-decay, orthogonalize")
        ->transform(CLI::CheckedTransformer(method_names).description(""))
        ->type_name("NAME");
    command
        .add_option("--limit",
                    arguments.limits,
                    "Limit on the norm of every linear map, or of those that a glob over names "
                    "or roles selects; the last that matches counts")
        ->type_name("C|GLOB=C")
        ->allow_extra_args(false);
    command
        .add_option(
            "--norm", arguments.norm, "The norm of limits: l2 (default) or rms (RMS -> RMS)")
        ->transform(CLI::CheckedTransformer(norm_names).description(""))
        ->type_name("NORM");
    command
        .add_option("--embedding-limit",
                    arguments.embedding_limit,
                    "Limit on each row of embeddings and unembeddings")
        ->type_name("C");
    command
        .add_option(
            "--exclude", arguments.excluded, "Leave what a glob over names or roles selects")
        ->type_name("GLOB")
        ->allow_extra_args(false);
    command
        .add_option("--target-lipschitz",
                    arguments.target,
                    "Choose the limits so that the certified bound is at most X")
        ->type_name("X");
    add_bound_options(command, arguments.bound, arguments.sequence_length);
    command.add_option("--decay", arguments.decay, "What the two decays take away (default 0.1)")
        ->check(CLI::Range(1e-6, 0.999999))
        ->type_name("LAMBDA");
    command.add_flag(
        "--until-limit", arguments.until_limit, "Repeat a decay until the limit holds");
}

}  // namespace

/// At the end of the help and of the command's part of the manual.
void show_examples(CLI::App& command, const std::vector<std::string>& lines) {
    std::string text = "Examples:";
    for (const std::string& line : lines) {
        text += "\n  " + line;
    }
    command.footer(text);
}

void add_model(CLI::App& command, CommonOptions& options) {
    command
        .add_option("MODEL",
                    options.model,
                    "The checkpoint: an HDF5 or safetensors file, an index or a folder")
        ->required();
}

void add_common_options(CLI::App& command, CommonOptions& options) {
    command.add_option("--json", options.json, "Write the result as JSON to a file, - for stdout")
        ->type_name("FILE");
    command.add_flag("-q,--quiet", options.quiet, "One line instead of the report");
    command.add_flag("-v,--verbose", options.verbose, "Every matrix and hyper-parameter");
    command.add_option("--color", options.color, "auto, always or never")
        ->transform(CLI::CheckedTransformer(color_names).description(""))
        ->type_name("WHEN");
    command.add_option("--threads", options.threads, "Threads for one matrix (default: all cores)")
        ->check(CLI::Range(1, 1024))
        ->type_name("N");
    command
        .add_option("--max-memory",
                    options.max_memory,
                    "Bytes that reading one tensor may take, such as 4G (default: all there are)")
        ->transform(CLI::AsSizeValue(false).description(""))
        ->type_name("SIZE");
}

void add_architecture_options(CLI::App& command, CommonOptions& common) {
    command.add_option("--config", common.configuration, "Hyper-parameters (config.json)")
        ->type_name("FILE");
    command.add_option("--architecture", common.architecture, "Your own architecture description")
        ->type_name("FILE");
    command.add_option("--set", common.settings, "One hyper-parameter, over the configuration")
        ->type_name("KEY=VALUE")
        ->allow_extra_args(false);
}

/// What streams the bounds are about.
void add_domain_options(CLI::App& command, CertifyArguments& arguments) {
    command
        .add_option("--inputs",
                    arguments.inputs,
                    "What the bounds are about: ball (default, every token in the ball of the "
                    "embeddings) or embeddings (every token a mixture of them)")
        ->transform(CLI::CheckedTransformer(input_names).description(""))
        ->type_name("SET");
    command
        .add_option("--longest-stream",
                    arguments.longest_stream,
                    "Bounds of streams of at most N tokens: tighter with rotary positions")
        ->check(CLI::Range(std::size_t{1}, kLongestStream))
        ->type_name("N");
}

void add_certify(CLI::App& program, CertifyArguments& arguments) {
    CLI::App& command = *program.add_subcommand(
        "certify", "Prove an upper bound on the Lipschitz constant of a checkpoint");
    show_examples(
        command,
        {"lipcert certify model.h5",
         "lipcert certify model.h5 --max-lipschitz 1e264 --bound max_token_l2",
         "lipcert certify models/ --max-spectral-norm 4 --junit report.xml --html report.html",
         "lipcert certify model.h5 --json - | jq .bounds.max_token_rms.upper"});
    CommonOptions& common = arguments.common;
    // Not required by the parser: a file may name them.
    command.add_option("MODEL", arguments.models, "Checkpoints, or folders that hold them");
    add_common_options(command, common);
    add_output_options(command, arguments.outputs);
    add_architecture_options(command, common);
    add_table_options(command, common);
    LimitRequest& limits = arguments.limits;
    command
        .add_option(
            "--max-lipschitz", limits.max_lipschitz, "Limit on the bound that --bound names")
        ->type_name("X");
    command
        .add_option("--max-spectral-norm", limits.max_spectral_norm, "Limit on every weight matrix")
        ->type_name("X");
    command
        .add_option("--max-activation",
                    limits.max_activation,
                    "Limit on every entry of the residual stream")
        ->type_name("X");
    add_bound_options(command, limits.bound, arguments.sequence_length);
    command
        .add_option("--baseline",
                    arguments.baseline,
                    "Fail only on what is worse than in FILE (see lipcert baseline)")
        ->type_name("FILE");
    add_tolerance(command, arguments.tolerance);
    command
        .add_option("--assume",
                    arguments.assumptions,
                    "Also bound the pairs of inputs that both meet the conditions in FILE")
        ->type_name("FILE");
    command.add_option("--effort", arguments.effort, "Time for tightness: fast, default or max")
        ->transform(CLI::CheckedTransformer(efforts_by_name()).description(""))
        ->type_name("EFFORT");
    add_domain_options(command, arguments);
    command
        .add_option("--explain",
                    arguments.explained,
                    "Also show every rule's value for a block, such as \"layer 0 attention\"")
        ->type_name("BLOCK");
    command.add_flag("--exit-zero", arguments.exit_zero, "Exit 0 although a limit is exceeded");
    command
        .add_option("--certificate",
                    arguments.certificate,
                    "Write the certificate with all that lipcert verify needs, - for stdout")
        ->type_name("FILE");
    add_witness_options(command, arguments.witness);
}

void add_verify(CLI::App& program, VerifyArguments& arguments) {
    CLI::App& command = *program.add_subcommand(
        "verify", "Prove a certificate again from its model, trusting neither its maker nor it");
    show_examples(command,
                  {"lipcert certify model.h5 --max-lipschitz 1e9 --certificate certificate.json",
                   "lipcert verify certificate.json model.h5"});
    command
        .add_option("CERTIFICATE", arguments.certificate, "What certify --certificate has written")
        ->required();
    add_model(command, arguments.common);
    add_common_options(command, arguments.common);
    add_architecture_options(command, arguments.common);
}

void add_diff(CLI::App& program, DiffArguments& arguments) {
    CLI::App& command = *program.add_subcommand(
        "diff", "Two certificates or checkpoints side by side; exit 1 where something got worse");
    show_examples(
        command,
        {"lipcert diff new.h5 old.h5", "lipcert diff new.h5 released.json --json difference.json"});
    command.add_option("NEW", arguments.common.model, "A certificate (JSON) or a checkpoint")
        ->required();
    command.add_option("OLD", arguments.before, "What it is compared with")->required();
    add_common_options(command, arguments.common);
    add_architecture_options(command, arguments.common);
    add_tolerance(command, arguments.tolerance);
    arguments.common.top = 10;
    command
        .add_option(
            "-n,--top", arguments.common.top, "Blocks and matrices to show, 0 for all (default 10)")
        ->type_name("N");
    command.add_flag("--exit-zero", arguments.exit_zero, "Exit 0 although something got worse");
}

void add_baseline(CLI::App& program, BaselineArguments& arguments) {
    CLI::App& command = *program.add_subcommand(
        "baseline", "Accept bounds as they are (create), or lower what was accepted (update)");
    show_examples(command,
                  {"lipcert baseline create baseline.json model.h5",
                   "lipcert certify model.h5 --max-lipschitz 10 --baseline baseline.json",
                   "lipcert baseline update baseline.json model.h5"});
    command.add_option("ACTION", arguments.action, "create, or update, which only lowers")
        ->check(CLI::IsMember({"create", "update"}).description(""))
        ->required();
    command.add_option("FILE", arguments.file, "The baseline, as certify --baseline takes it")
        ->required();
    command.add_option("SOURCE", arguments.common.model, "A certificate (JSON) or a checkpoint")
        ->required();
    add_common_options(command, arguments.common);
    add_architecture_options(command, arguments.common);
    add_tolerance(command, arguments.tolerance);
}

void add_norms(CLI::App& program, NormsArguments& arguments) {
    CLI::App& command = *program.add_subcommand(
        "norms", "Enclose the spectral norm of every float matrix; no architecture needed");
    show_examples(command,
                  {"lipcert norms model.h5",
                   "lipcert norms model.h5 --tensor '*attn*' --sort width --top 10"});
    add_model(command, arguments.common);
    add_common_options(command, arguments.common);
    arguments.common.top = 0;
    arguments.common.order = MatrixOrder::stored;
    add_table_options(command, arguments.common);
    command.add_option("--tensor", arguments.tensors, "Only tensors whose name matches the glob")
        ->type_name("GLOB")
        ->allow_extra_args(false);
    command.add_option("--exclude", arguments.excluded, "Not tensors whose name matches the glob")
        ->type_name("GLOB")
        ->allow_extra_args(false);
}

void add_inspect(CLI::App& program, InspectArguments& arguments) {
    CLI::App& command = *program.add_subcommand(
        "inspect", "Show what a checkpoint holds, what each tensor is taken for, what is missing");
    show_examples(command,
                  {"lipcert inspect model.h5", "lipcert inspect model.h5 --set n_head=12"});
    add_model(command, arguments.common);
    add_common_options(command, arguments.common);
    add_architecture_options(command, arguments.common);
}

void add_cap(CLI::App& program, CapArguments& arguments) {
    CLI::App& command = *program.add_subcommand(
        "cap", "Bring weights under limits and prove it on the bytes that are stored");
    show_examples(command,
                  {"lipcert cap model.h5 -o capped.h5 --method hard-cap --limit 2 --norm rms",
                   "lipcert cap model.h5 --in-place --target-lipschitz 100",
                   "lipcert cap model.h5 --frontier 4,2,1 --svg curve.svg"});
    add_model(command, arguments.common);
    add_common_options(command, arguments.common);
    add_architecture_options(command, arguments.common);
    EditTarget& destination = arguments.destination;
    command.add_option("-o,--output", destination.output, "Write the capped checkpoint here")
        ->type_name("OUT");
    command.add_flag("--in-place", arguments.in_place, "Replace MODEL, at once and completely");
    command.add_flag("--force", destination.force, "OUT may exist and is replaced");
    command
        .add_option("--backup",
                    destination.backup_suffix,
                    "Keep the replaced file under this suffix (.orig)")
        ->expected(0, 1)
        ->default_str(".orig")
        ->type_name("SUFFIX");
    command.add_flag("--break-hardlinks",
                     destination.break_hardlinks,
                     "Replace MODEL although it has other names, which keep the old content");
    command.add_flag("--dry-run", arguments.dry_run, "Cap and prove in memory; write nothing");
    command.add_flag("--matrices-only",
                     arguments.matrices_only,
                     "Cap every two-dimensional float tensor; no architecture needed");
    add_cap_limits(command, arguments);
    add_frontier(command, arguments);
}

}  // namespace lipcert
