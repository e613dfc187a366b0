#include "lipcert/bounds/memory_need.hpp"

#include "lipcert/architecture/weight_use.hpp"
#include "lipcert/bounds/activation.hpp"
#include "lipcert/norms/norm_memory.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "bounds/best.hpp"
#include "bounds/gated_mlp.hpp"
#include "bounds/module_kind.hpp"
#include "bounds/unrolled.hpp"
#include "bounds/walk.hpp"
#include "norms/large_matrix.hpp"

namespace lipcert {

namespace {

/// The program and its libraries with their own buffers.
constexpr double kProgram = 44.0 * (1U << 20U);
/// What the allocator keeps of what was given back, as a part of all.
constexpr double kSlack = 1.1;

struct Shape {
    double rows = 0.0;
    double cols = 0.0;

    [[nodiscard]] double bytes() const { return rows * cols * sizeof(double); }
};

double norm_memory(const Shape& shape) {
    return lipcert::norm_memory(shape.rows, shape.cols);
}

Shape shape_of(const TensorInfo& tensor) {
    const auto count = static_cast<double>(element_count(tensor));
    const double rows = tensor.shape.empty() ? 1.0 : static_cast<double>(tensor.shape.front());
    return {rows, rows > 0.0 ? count / rows : 0.0};
}

/// The memory that is in use as steps go by, and the most of it.
class Tally {
public:
    explicit Tally(double bytes) : held_(bytes) { most_.bytes = bytes; }

    void enter(std::string step) { step_ = std::move(step); }

    void hold(double bytes) {
        held_ += bytes;
        pass(0.0);
    }

    void release(double bytes) { held_ -= bytes; }

    /// A norm was formed that leaves so much behind for the next one.
    void recycle(double bytes) { recycled_ = std::max(recycled_, bytes); }

    /// `bytes` more for a while.
    void pass(double bytes) {
        const double here = held_ + bytes;
        if (most_.step.empty() || here > most_.bytes) {
            if (most_.step != step_) {
                of_others_ = most_.bytes;
            }
            most_ = {here, step_};
        } else if (most_.step != step_) {
            of_others_ = std::max(of_others_, here);
        }
    }

    [[nodiscard]] MemoryNeed most() const {
        // Of what other steps gave back the program keeps as much (keep_freed_memory).
        const double kept = std::min(double{kKeptMemory}, of_others_) + recycled_;
        const double bytes = kProgram + kSlack * most_.bytes + kept;
        constexpr auto kLargest = std::numeric_limits<std::uint64_t>::max();
        return {
            bytes < static_cast<double>(kLargest) ? static_cast<std::uint64_t>(bytes) : kLargest,
            most_.step};
    }

private:
    struct Most {
        double bytes = 0.0;
        std::string step;
    };

    double held_;
    std::string step_;
    Most most_;
    double recycled_ = 0.0;
    double of_others_ = 0.0;  ///< the most of every other step
};

/// What stays in memory while a checkpoint is open: an archive is unpacked.
double held_open(const Checkpoint& checkpoint) {
    double bytes = 0.0;
    if (checkpoint.format() == "keras archive") {
        for (const TensorInfo& tensor : checkpoint.tensors()) {
            bytes += static_cast<double>(tensor.stored_bytes);
        }
    }
    return bytes;
}

/// At the most while a tensor is read: its values, and three chunks of what is packed, which are
/// taken for no larger than the tensor in float16 and than 64 MiB.
double reading(const TensorInfo& tensor) {
    constexpr double kLargestChunk = 64.0 * (1U << 20U);
    const double values = shape_of(tensor).bytes();
    return values + (tensor.packing.empty() ? 0.0 : 3.0 * std::min(values / 4.0, kLargestChunk));
}

/// Goes the way of `Walk`, with sizes in place of matrices.
class Steps {
public:
    explicit Steps(const Checkpoint& checkpoint)
        : checkpoint_(checkpoint), tally_(held_open(checkpoint)) {}

    void enter(const std::string& step) { tally_.enter(step); }

    [[nodiscard]] MemoryNeed most() const { return tally_.most(); }

    /// Small matrices are in memory together, while two of their norms are formed side by side.
    void norm_of(const TensorInfo& tensor) {
        constexpr double kTogether = 32.0 * (1U << 20U);
        tally_.enter(tensor.name);
        const Shape shape = shape_of(tensor);
        if (together_ + shape.bytes() > kTogether) {
            together_ = largest_norm_ = second_norm_ = 0.0;
        }
        tally_.pass(together_ + reading(tensor));
        together_ += shape.bytes();
        tally_.recycle(recycled_memory(shape.rows, shape.cols));
        const double need = norm_memory(shape);
        second_norm_ = std::max(second_norm_, std::min(largest_norm_, need));
        largest_norm_ = std::max(largest_norm_, need);
        tally_.pass(together_ + largest_norm_ + second_norm_);
    }

    /// A table is read row by row; a vector of a bound for each stays.
    void table(const std::string& name) {
        if (const TensorInfo* tensor = checkpoint_.find(name)) {
            tally_.pass(reading(*tensor) + units(shape_of(*tensor).rows));
        }
    }

    void unembed(const LinearMap& map) {
        const Shape shape = read(map);
        tally_.pass(std::max(norm_memory(shape), 2.0 * units(shape.rows)));
        tally_.release(shape.bytes());
    }

    void through(const std::vector<Module>& modules) {
        for (const Module& module : modules) {
            through(module);
        }
    }

    void through(const Module& module) {
        std::visit([this](const auto& kind) { apply(kind); }, module.kind);
    }

    /// What the unrolled stream keeps of a block, and works with [R30].
    void unroll(const Module& module) {
        const auto& body = std::get<Residual>(module.kind).body.front();
        if (const auto* attention = std::get_if<Attention>(&body.kind)) {
            const double output = shape(attention->output).bytes();
            const double square = skip_of(attention->output).bytes();
            tally_.hold(2.0 * output + square);
            tally_.pass(4.0 * output + 6.0 * square);
        } else {
            const auto& mlp = std::get<Mlp>(body.kind);
            const double map = shape(mlp.out).bytes();
            const double square = skip_of(mlp.out).bytes();
            tally_.hold(2.0 * map + square);
            tally_.pass(3.0 * map + 6.0 * square);
        }
    }

private:
    static double units(double count) {
        constexpr double kBound = 96.0;  // an Upper with its digits
        return kBound * count;
    }

    /// Of a map, outputs x inputs.
    [[nodiscard]] Shape shape(const LinearMap& map) const {
        const TensorInfo* tensor = checkpoint_.find(map.weight);
        if (tensor == nullptr) {
            return {};
        }
        Shape result = shape_of(*tensor);
        if (map.layout == Layout::in_out) {
            std::swap(result.rows, result.cols);
        }
        if (map.slice) {
            result.rows = static_cast<double>(map.slice->count);
        }
        return result;
    }

    /// outputs x outputs.
    [[nodiscard]] Shape skip_of(const LinearMap& map) const {
        const double outputs = shape(map).rows;
        return {outputs, outputs};
    }

    /// Holds the map; a transpose or a slice of a tensor is a copy.
    Shape read(const LinearMap& map) {
        const Shape result = shape(map);
        if (const TensorInfo* tensor = checkpoint_.find(map.weight)) {
            const double all = shape_of(*tensor).bytes();
            const double copied = std::max(map.layout == Layout::in_out ? all : 0.0,
                                           map.slice ? result.bytes() : 0.0);
            tally_.pass(std::max(reading(*tensor), all + copied));
        }
        tally_.hold(result.bytes());
        return result;
    }

    /// How many candidates for a bound are tried at a time, for matrices of so many bytes in all.
    static double at_once(double bytes) {
        return bytes < static_cast<double>(Best::kManyEntries) * sizeof(double) ? 2.0 : 1.0;
    }

    /// Weights are searched for blocks of heads, and those together are weighted, stacked, bounded.
    void weigh(const Shape& outputs, const Shape& inputs) {
        const double both = outputs.bytes() + inputs.bytes();
        double most = both;
        for (const Shape& blocks : {outputs, inputs}) {
            most = std::max(most, blocks.bytes() + std::max(blocks.bytes(), norm_memory(blocks)));
        }
        tally_.pass(at_once(2.0 * both) * most);
    }

    void apply(const LinearMap& map) {
        const Shape shape = read(map);
        tally_.pass(norm_memory(shape));
        tally_.release(shape.bytes());
    }

    void apply(const Normalisation& /*norm*/) {}

    void apply(const Attention& attention) {
        const Shape query = read(attention.query);
        const Shape key = read(attention.key);
        const Shape value = read(attention.value);
        const Shape output = read(attention.output);
        const bool across = attention.rotary == Rotary::none && !attention.query_norm &&
                            !attention.key_norm && !attention.score_cap && !attention.sink;
        const Shape values = output;                 // thin factors of all heads
        const Shape shared{query.cols, query.rows};  // of the scores
        const double heads = std::max(static_cast<double>(attention.heads), 1.0);
        const double of_head = 4.0 * std::max(values.bytes(), shared.bytes()) / heads;
        const double early = value.bytes() + output.bytes();
        const double late = query.bytes() + key.bytes();
        tally_.hold(values.bytes());
        tally_.pass(of_head);
        tally_.release(across ? 0.0 : early);
        tally_.hold(shared.bytes());
        tally_.pass(of_head);
        tally_.release(across ? 0.0 : late);
        const double beside =
            attention.sink && !attention.value.bias.empty() ? 2.0 * values.bytes() : 0.0;
        tally_.hold(beside);
        weigh(values, shared);
        if (across) {  // [R22]
            tally_.hold(values.bytes() + shared.bytes());
            weigh(values, shared);
            tally_.release(values.bytes() + shared.bytes() + early + late);
        }
        tally_.release(values.bytes() + shared.bytes() + beside);
    }

    void apply(const Mlp& mlp) {
        const Shape in = read(mlp.in);
        const Shape out = read(mlp.out);
        const double maps = in.bytes() + out.bytes();
        const double inputs = in.cols * in.cols * sizeof(double);
        const double outputs = out.rows * out.rows * sizeof(double);
        const double square = out.rows * in.cols * sizeof(double);
        // The product of both maps, the path beside them, and their sum; X and Y [R10'].
        tally_.hold(3.0 * square + inputs + outputs);
        const double norm = std::max(norm_memory(in), norm_memory(out));
        tally_.pass(norm);
        const double beside = (at_once(2.0 * in.bytes()) - 1.0) * norm;
        // [R10] [R11] a copy of a map with its multipliers, and panels of it.
        tally_.pass(2.0 * std::max(in.bytes(), out.bytes()) + 2.0 * (inputs + outputs) + beside);
        // [S11] X and Y scaled, a factor, the solution and its transpose, and the sum's level.
        tally_.pass(4.0 * inputs + 3.0 * outputs + 3.0 * square + beside);
        if (!has_bounded_slope(mlp.activation) && out.cols <= static_cast<double>(kMostUnits)) {
            by_units(out);  // [R44]
        }
        tally_.release(maps + 3.0 * square + inputs + outputs);
    }

    void apply(const GatedMlp& mlp) {
        double held = 0.0;
        double counted = 0.0;
        Shape down;
        for (const LinearMap* map : {&mlp.gate, &mlp.up, &mlp.down}) {
            down = read(*map);
            tally_.pass(norm_memory(down));
            tally_.release(down.bytes());
            held += down.bytes();
            counted += units(down.rows + down.cols);
        }
        tally_.pass(counted);
        if (down.cols <= static_cast<double>(kMostUnits)) {
            tally_.hold(held);
            by_units(down);
            tally_.release(held);
        }
    }

    /// [R13] Schur's product of two Gram matrices of all hidden units, and a scaled copy of a map.
    void by_units(const Shape& down) {
        const Shape gram{down.cols, down.cols};
        tally_.pass(down.bytes() + norm_memory(down));
        tally_.pass(down.bytes() +
                    std::max(6.0 * gram.bytes(), 4.0 * gram.bytes() + norm_memory(gram)));
    }

    void apply(const Elementwise& /*module*/) {}

    void apply(const Residual& residual) {
        if (residual.projection) {
            apply(*residual.projection);
        }
        through(residual.body);
    }

    void apply(const Parallel& parallel) {
        for (const std::vector<Module>& branch : parallel.branches) {
            through(branch);
        }
    }

    void apply(const Scale& /*scale*/) {}

    void apply(const SoftCap& /*cap*/) {}

    const Checkpoint& checkpoint_;
    Tally tally_;
    double together_ = 0.0;  ///< of matrices whose norms are formed together
    double largest_norm_ = 0.0;
    double second_norm_ = 0.0;
};

/// Whether `compose` follows what blocks read of each other [R30].
bool is_unrolled(const Architecture& architecture, const Checkpoint& checkpoint) {
    const Embedding& embedding = architecture.embedding;
    const TensorInfo* table = checkpoint.find(embedding.weight);
    const double width = embedding.vectors  ? static_cast<double>(embedding.vectors->width)
                         : table != nullptr ? shape_of(*table).cols
                                            : 0.0;
    return !holds_everywhere(architecture) && architecture.stem.empty() &&
           width <= static_cast<double>(kWidestUnrolled);
}

}  // namespace

MemoryNeed certify_memory(const Architecture& architecture, const Checkpoint& checkpoint) {
    Steps steps(checkpoint);
    for (const Role& role : roles_of(architecture)) {
        const TensorInfo* tensor = checkpoint.find(role.tensor);
        if (tensor != nullptr && is_float_matrix(*tensor)) {
            steps.norm_of(*tensor);
        }
    }
    steps.enter("embedding");
    steps.table(architecture.embedding.weight);
    steps.enter("stem");
    steps.through(architecture.stem);
    bool unrolls = is_unrolled(architecture, checkpoint);
    for (const Layer& layer : architecture.layers) {
        for (const Module& module : layer.modules) {
            steps.enter("layer " + std::to_string(layer.index) + " " + kind_of(module));
            steps.through(module);
            unrolls = unrolls && Unrolled::understands(module);
            if (unrolls) {
                steps.unroll(module);
            }
        }
    }
    steps.enter("head");
    steps.through(architecture.head);
    if (architecture.unembedding) {
        steps.enter("unembedding");
        steps.unembed(*architecture.unembedding);
    }
    return steps.most();
}

MemoryNeed norms_memory(const Checkpoint& checkpoint) {
    Steps steps(checkpoint);
    for (const TensorInfo& tensor : checkpoint.tensors()) {
        if (is_float_matrix(tensor)) {
            steps.norm_of(tensor);
        }
    }
    return steps.most();
}

}  // namespace lipcert
