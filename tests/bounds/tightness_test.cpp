// How tight the bounds are, model by model: what loosens by more than 1 % must say so here and in
// docs/tightness.md. LIPCERT_TIGHTNESS_OUTPUT=FILE writes the table anew.
#include "lipcert/architecture/description.hpp"
#include "lipcert/bounds/compose.hpp"
#include "lipcert/bounds/embedding_hull.hpp"
#include "lipcert/checkpoint/configuration.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "support/paper_networks.hpp"
#include "support/probe.hpp"
#include "support/program.hpp"
#include "support/temporary_folder.hpp"
#include "support/witness.hpp"
#include <doctest/doctest.h>
#include <fmt/format.h>

namespace lipcert::test {

namespace {

/// A model as the table knows it: its bounds by column, and a search from below.
struct Model {
    std::string name;
    std::vector<std::pair<std::string, double>> bounds;
    std::function<double()> lower;  ///< empty: none
};

double blocks_bound(const Architecture& architecture, const Checkpoint& checkpoint, Effort effort) {
    ComposeOptions options;
    options.effort = effort;
    return compose(architecture, checkpoint, options).blocks_l2.upper.to_double();
}

double lower_of_blocks(const Architecture& architecture,
                       const Checkpoint& checkpoint,
                       double radius,
                       const SearchOptions& budget) {
    const ForwardModel model(architecture, checkpoint);
    SearchOptions search = budget;
    search.dimension =
        static_cast<Eigen::Index>(checkpoint.find(architecture.embedding.weight)->shape.at(1));
    search.radius = radius;
    Random random(1);
    return best_ratio(StreamFunction::of([&](const auto& stream) { return model.blocks(stream); }),
                      search,
                      random)
        .ratio;
}

/// Bounds of the blocks in the max-token L2 norm; the formula (not a bound) and its repair are
/// about RMS norms from embeddings to logits, which is the same where the unembedding has norm 1.
Model whole_network(const std::string& name,
                    const Architecture& architecture,
                    const Checkpoint& checkpoint,
                    const SearchOptions& budget) {
    Model model;
    model.name = name;
    const NetworkBounds standard = compose(architecture, checkpoint, {});
    const double radius = standard.domain.radius.to_double();
    if (standard.reference_formula) {
        model.bounds.emplace_back("formula (no bound)", standard.reference_formula->to_double());
        model.bounds.emplace_back("repair", standard.reference_repaired->upper.to_double());
        model.bounds.emplace_back("naive", naive_product(architecture, checkpoint, radius));
    }
    model.bounds.emplace_back("fast", blocks_bound(architecture, checkpoint, Effort::fast));
    model.bounds.emplace_back("default", standard.blocks_l2.upper.to_double());
    if (!obstacle_to_embeddings(architecture)) {
        const NetworkBounds mixtures = compose_on_embeddings(architecture, checkpoint, {});
        model.bounds.emplace_back("mixtures", mixtures.blocks_l2.upper.to_double());
    }
    if (budget.pairs > 0) {
        model.lower = [&architecture, &checkpoint, radius, budget] {
            return lower_of_blocks(architecture, checkpoint, radius, budget);
        };
    }
    return model;
}

SearchOptions budget(Eigen::Index tokens, std::size_t restarts, std::size_t steps) {
    SearchOptions options;
    options.tokens = tokens;
    options.pairs = 20;
    options.restarts = restarts;
    options.steps = steps;
    return options;
}

std::string csv_of(const std::vector<Model>& models) {
    std::string text = "model;bound;upper;lower\n";
    for (const Model& model : models) {
        const double lower = model.lower ? model.lower() : 0.0;
        for (const auto& [bound, upper] : model.bounds) {
            text += fmt::format("{};{};{:.4g};{:.4g}\n", model.name, bound, upper, lower);
        }
    }
    return text;
}

/// The networks of width 64 take minutes: they are for the nightly multiplier, and for the table.
bool is_left_to_the_night(const std::string& name) {
    constexpr std::size_t kNightly = 100;
    return name.starts_with("d64") && repetitions(1) < kNightly &&
           std::getenv("LIPCERT_TIGHTNESS_OUTPUT") == nullptr;
}

struct Stored {
    double upper = 0.0;
    double lower = 0.0;
};

std::map<std::string, Stored> stored_table() {
    std::map<std::string, Stored> table;
    std::istringstream lines(read_file(source_folder() / "tests" / "bounds" / "tightness.csv"));
    std::string line;
    std::getline(lines, line);
    while (std::getline(lines, line)) {
        const std::size_t lower = line.rfind(';');
        const std::size_t upper = line.rfind(';', lower - 1);
        table[line.substr(0, upper)] = {std::stod(line.substr(upper + 1, lower - upper - 1)),
                                        std::stod(line.substr(lower + 1))};
    }
    return table;
}

}  // namespace

TEST_CASE("no bound is looser than the committed table by more than 1 %") {
    std::vector<std::unique_ptr<Checkpoint>> checkpoints;
    std::vector<Architecture> architectures;
    std::vector<std::pair<std::string, SearchOptions>> runs;
    const auto add = [&](const std::string& name,
                         std::unique_ptr<Checkpoint> checkpoint,
                         const Configuration& configuration,
                         const SearchOptions& search) {
        architectures.push_back(architecture_of(*checkpoint, configuration));
        checkpoints.push_back(std::move(checkpoint));
        runs.emplace_back(name, search);
    };
    for (const PaperNetwork& network : paper_networks()) {
        if (is_left_to_the_night(network.name)) {
            continue;
        }
        TinyModel model = build(network);
        add(network.name,
            std::move(model.checkpoint),
            model.configuration,
            network.layers == 2 ? budget(3, 1, 4) : SearchOptions{.pairs = 0});
    }
    for (const std::string name : {"tiny_gpt2",
                                   "tiny_llama",
                                   "tiny_lipschitz_transformer",
                                   "tiny_nanogpt",
                                   "moby_dick",
                                   "moby_dick_norm4"}) {
        auto checkpoint = open_checkpoint(source_folder() / "sample_models" / (name + ".h5"));
        const Configuration configuration = find_configuration(*checkpoint, std::nullopt);
        const bool tiny = !name.starts_with("moby_dick");
        add(name,
            std::move(checkpoint),
            configuration,
            tiny ? budget(2, 4, 20) : SearchOptions{.pairs = 0});
    }
    std::vector<Model> models;
    for (std::size_t i = 0; i < runs.size(); ++i) {
        models.push_back(
            whole_network(runs[i].first, architectures[i], *checkpoints[i], runs[i].second));
    }
    if (const char* output = std::getenv("LIPCERT_TIGHTNESS_OUTPUT")) {
        std::ofstream(output) << csv_of(models);
    }
    const std::map<std::string, Stored> table = stored_table();
    std::size_t rows = 0;
    for (const Model& model : models) {
        for (const auto& named : model.bounds) {
            const std::string& bound = named.first;
            const double upper = named.second;
            CAPTURE(model.name);
            CAPTURE(bound);
            const auto found = table.find(model.name + ";" + bound);
            CHECK(found != table.end());
            if (found == table.end()) {
                continue;
            }
            CHECK(upper <= 1.01 * found->second.upper);
            if (bound.find("no bound") == std::string::npos) {
                CHECK(upper >= found->second.lower);
            }
            ++rows;
        }
    }
    const auto left_out = std::count_if(table.begin(), table.end(), [](const auto& row) {
        return is_left_to_the_night(row.first);
    });
    CHECK(rows + static_cast<std::size_t>(left_out) == table.size());
}

}  // namespace lipcert::test
