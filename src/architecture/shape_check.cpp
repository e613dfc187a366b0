#include "architecture/shape_check.hpp"

#include "lipcert/error.hpp"

#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

namespace lipcert {

namespace {

LinearSize stored_size(const LinearMap& map, const Checkpoint& checkpoint) {
    const TensorInfo* tensor = checkpoint.find(map.weight);
    const bool rows_are_outputs = map.layout == Layout::out_in;
    // A convolution over disjoint patches maps all entries of a patch: outputs x the rest. Which of
    // more than two dimensions would be the outputs, [in, out] does not say.
    const std::size_t rank = tensor == nullptr ? 0 : tensor->shape.size();
    if (rank < 2 || (rank > 2 && !rows_are_outputs)) {
        throw Error(ErrorKind::architecture,
                    checkpoint.path() + ": " + map.weight,
                    fmt::format("the shape is {}; a matrix with two dimensions was expected",
                                tensor == nullptr ? "unknown" : shape_text(*tensor)));
    }
    if (element_count(*tensor) == 0) {
        throw Error(ErrorKind::architecture,
                    checkpoint.path() + ": " + map.weight,
                    fmt::format("the shape is {}: there is nothing in it", shape_text(*tensor)));
    }
    const std::size_t rest = element_count(*tensor) / tensor->shape[0];
    return rows_are_outputs ? LinearSize{rest, tensor->shape[0]}
                            : LinearSize{tensor->shape[0], rest};
}

class ShapeCheck {
public:
    explicit ShapeCheck(const Checkpoint& checkpoint) : checkpoint_(checkpoint) {}

    void run(const Architecture& architecture) {
        std::size_t width = embedding(architecture.embedding);
        width = chain(architecture.stem, width);
        if (architecture.embedding.vectors) {
            constants(*architecture.embedding.vectors, width);
        }
        for (const Layer& layer : architecture.layers) {
            width = chain(layer.modules, width);
        }
        width = chain(architecture.head, width);
        if (architecture.unembedding) {
            width = linear(*architecture.unembedding, width);
        }
        static_cast<void>(chain(architecture.after_unembedding, width));
        check_slices();
    }

private:
    [[noreturn]] void refuse(const std::string& tensor, const std::string& expected) const {
        const TensorInfo* found = checkpoint_.find(tensor);
        throw Error(ErrorKind::architecture,
                    checkpoint_.path() + ": " + tensor,
                    fmt::format("the shape of {} is {}; expected {}",
                                tensor,
                                found == nullptr ? "unknown" : shape_text(*found),
                                expected));
    }

    void vector(const std::string& tensor, std::size_t length, const std::string& why) const {
        const TensorInfo* found = checkpoint_.find(tensor);
        if (found == nullptr || found->shape != std::vector<std::size_t>{length}) {
            refuse(tensor, fmt::format("{} ({})", length, why));
        }
    }

    void constants(const VectorInput& vectors, std::size_t width) const {
        for (const std::string& name : {vectors.added, vectors.beside}) {
            const TensorInfo* found = checkpoint_.find(name);
            if (!name.empty() && (found == nullptr || found->shape.size() < 2 ||
                                  found->shape.back() != width || element_count(*found) == 0)) {
                refuse(name, fmt::format("rows of {} entries, as behind the stem", width));
            }
        }
    }

    [[nodiscard]] std::size_t embedding(const Embedding& embedding) const {
        if (embedding.vectors) {
            return embedding.vectors->width;
        }
        const LinearSize table =
            stored_size({embedding.weight, Layout::out_in, {}, {}}, checkpoint_);
        for (const std::string& added : {embedding.positions, embedding.types}) {
            if (!added.empty() &&
                stored_size({added, Layout::out_in, {}, {}}, checkpoint_).inputs != table.inputs) {
                refuse(added,
                       fmt::format("rows of {} entries, as in {}", table.inputs, embedding.weight));
            }
        }
        return table.inputs;
    }

    std::size_t linear(const LinearMap& map, std::size_t width) {
        const LinearSize stored = stored_size(map, checkpoint_);
        if (stored.inputs != width) {
            const bool rows_are_outputs = map.layout == Layout::out_in;
            refuse(map.weight,
                   rows_are_outputs
                       ? fmt::format("{} x {} (outputs x inputs)", stored.outputs, width)
                       : fmt::format("{} x {} (inputs x outputs)", width, stored.outputs));
        }
        if (!map.bias.empty()) {
            vector(map.bias, stored.outputs, "one entry per output of " + map.weight);
        }
        if (map.slice) {
            add_slice(map, stored.outputs);
        }
        last_matrix_ = map.weight;
        return size_of(map, checkpoint_).outputs;
    }

    void needs_outputs(const LinearMap& map, std::size_t outputs, const std::string& why) const {
        const std::size_t found = size_of(map, checkpoint_).outputs;
        if (found != outputs) {
            refuse(map.weight, fmt::format("{} outputs ({}), not {}", outputs, why, found));
        }
    }

    void norm(const Normalisation& norm, std::size_t width) const {
        const std::string why = "one entry per entry of what is normalised";
        if (!norm.weight.empty()) {
            vector(norm.weight, width, why);
        }
        if (!norm.bias.empty()) {
            vector(norm.bias, width, why);
        }
    }

    [[nodiscard]] std::size_t divided(const LinearMap& map,
                                      std::size_t heads,
                                      const std::string& what) const {
        const std::size_t outputs = size_of(map, checkpoint_).outputs;
        if (heads == 0 || outputs % heads != 0) {
            refuse(
                map.weight,
                fmt::format("a number of outputs that the {} {} divide, not {}; check the number "
                            "of heads in the configuration",
                            heads,
                            what,
                            outputs));
        }
        return outputs / heads;
    }

    /// Two-sided, half of the rows are for tokens behind; half of what is left, one row each.
    void relative_bias(const Attention& module) const {
        const std::string& table = module.relative_bias->table;
        const std::size_t fewest = module.causal ? 2 : 4;
        const TensorInfo* found = checkpoint_.find(table);
        if (found == nullptr || found->shape.size() != 2 || found->shape[0] < fewest ||
            found->shape[1] != module.heads) {
            refuse(table,
                   fmt::format("at least {} rows, and one column for each of the {} heads",
                               fewest,
                               module.heads));
        }
        if (module.relative_bias->farthest <= found->shape[0]) {
            refuse(table,
                   fmt::format("fewer rows than the farthest distance, {}",
                               module.relative_bias->farthest));
        }
    }

    std::size_t attention(const Attention& module, std::size_t width) {
        if (module.key_value_heads == 0 || module.heads % module.key_value_heads != 0) {
            refuse(module.query.weight,
                   fmt::format("key-value heads whose number ({}) divides that of the heads ({})",
                               module.key_value_heads,
                               module.heads));
        }
        linear(module.query, width);
        linear(module.key, width);
        linear(module.value, width);
        const std::size_t head_width = divided(module.query, module.heads, "heads");
        needs_outputs(
            module.key,
            module.key_value_heads * head_width,
            fmt::format(
                "key-value heads x head width = {} x {}", module.key_value_heads, head_width));
        const std::size_t value_width =
            divided(module.value, module.key_value_heads, "key-value heads");
        if (module.rotary == Rotary::half_split && head_width % 2 != 0) {
            refuse(module.query.weight,
                   fmt::format("an even head width for the rotary embedding, not {}", head_width));
        }
        if (module.query_norm) {
            norm(*module.query_norm, head_width);
        }
        if (module.key_norm) {
            norm(*module.key_norm, head_width);
        }
        if (module.sink && !module.sink->scores.empty()) {
            vector(module.sink->scores, module.heads, "one score for each head");
        }
        if (module.relative_bias) {
            relative_bias(module);
        }
        return linear(module.output, module.heads * value_width);
    }

    std::size_t operator()(const LinearMap& map, std::size_t width) { return linear(map, width); }

    std::size_t operator()(const Normalisation& module, std::size_t width) const {
        norm(module, width);
        return width;
    }

    std::size_t operator()(const Attention& module, std::size_t width) {
        return attention(module, width);
    }

    std::size_t operator()(const Mlp& module, std::size_t width) {
        return linear(module.out, linear(module.in, width));
    }

    std::size_t operator()(const GatedMlp& module, std::size_t width) {
        const std::size_t inner = linear(module.gate, width);
        linear(module.up, width);
        needs_outputs(module.up, inner, "as many as " + module.gate.weight);
        return linear(module.down, inner);
    }

    std::size_t operator()(const Elementwise& /*module*/, std::size_t width) const { return width; }

    std::size_t operator()(const Residual& module, std::size_t width) {
        const std::size_t skip = module.projection ? linear(*module.projection, width) : width;
        same_width("a residual", "the skip path", skip, chain(module.body, width));
        return skip;
    }

    std::size_t operator()(const Parallel& module, std::size_t width) {
        const std::size_t first = chain(module.branches.front(), width);
        for (std::size_t i = 1; i < module.branches.size(); ++i) {
            same_width(
                "parallel branches", "the first branch", first, chain(module.branches[i], width));
        }
        return first;
    }

    std::size_t operator()(const Scale& /*module*/, std::size_t width) const { return width; }

    std::size_t operator()(const SoftCap& /*module*/, std::size_t width) const { return width; }

    void same_width(const std::string& where,
                    const std::string& what,
                    std::size_t expected,
                    std::size_t found) const {
        if (expected != found) {
            refuse(last_matrix_,
                   fmt::format("{} outputs in the end, the width of {} of {}, not {}",
                               expected,
                               what,
                               where,
                               found));
        }
    }

    std::size_t chain(const std::vector<Module>& modules, std::size_t width) {
        for (const Module& module : modules) {
            width = std::visit([&](const auto& kind) { return (*this)(kind, width); }, module.kind);
        }
        return width;
    }

    /// Run by run: those of interleaved slices must lie between each other.
    void add_slice(const LinearMap& map, std::size_t stored_outputs) {
        (void)size_of(map, checkpoint_);  // within the tensor
        const OutputSlice& slice = *map.slice;
        for (std::size_t run = 0; run < slice.runs; ++run) {
            slices_[map.weight].emplace(slice.begin + run * slice.period, slice.count / slice.runs);
        }
        stored_outputs_[map.weight] = stored_outputs;
    }

    /// What is left of a fused tensor between its slices would bear nothing, silently.
    void check_slices() const {
        for (const auto& [tensor, slices] : slices_) {
            std::size_t covered = 0;
            for (const auto& [begin, count] : slices) {
                if (begin != covered) {
                    refuse(
                        tensor,
                        fmt::format("slices that follow each other; one begins at output {}, the "
                                    "one before ends at {}",
                                    begin,
                                    covered));
                }
                covered += count;
            }
            const std::size_t outputs = stored_outputs_.at(tensor);
            if (covered != outputs) {
                refuse(tensor,
                       fmt::format(
                           "{} outputs, which is what its slices cover, not {}", covered, outputs));
            }
        }
    }

    const Checkpoint& checkpoint_;
    std::map<std::string, std::set<std::pair<std::size_t, std::size_t>>> slices_;
    std::map<std::string, std::size_t> stored_outputs_;
    std::string last_matrix_;  ///< the one that was passed last, for messages about a sum
};

}  // namespace

LinearSize size_of(const LinearMap& map, const Checkpoint& checkpoint) {
    LinearSize size = stored_size(map, checkpoint);
    if (map.slice) {
        if (end_of(*map.slice) > size.outputs) {
            throw Error(
                ErrorKind::architecture,
                checkpoint.path() + ": " + map.weight,
                fmt::format("outputs {} to {} are needed, but {} has {} outputs; its shape is {}",
                            map.slice->begin,
                            end_of(*map.slice),
                            map.weight,
                            size.outputs,
                            shape_text(*checkpoint.find(map.weight))));
        }
        size.outputs = map.slice->count;
    }
    return size;
}

void check_shapes(const Architecture& architecture, const Checkpoint& checkpoint) {
    ShapeCheck(checkpoint).run(architecture);
}

}  // namespace lipcert
