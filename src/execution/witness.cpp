#include "lipcert/execution/witness.hpp"

#include "lipcert/bounds/block_extents.hpp"
#include "lipcert/error.hpp"

#include <algorithm>
#include <limits>
#include <memory>
#include <utility>

#include "bounds/module_kind.hpp"
#include "execution/ascent.hpp"
#include "execution/confirm.hpp"

namespace lipcert {

namespace {

using Eigen::Index;

/// The place of a block, as reports name it.
struct Place {
    std::string name;
    std::optional<std::size_t> layer;
};

std::vector<Place> places_of(const Architecture& architecture) {
    std::vector<Place> places;
    const auto add = [&places](const std::vector<Module>& modules,
                               const std::string& where,
                               std::optional<std::size_t> layer) {
        for (const Module& module : modules) {
            places.push_back({where + " " + kind_of(module), layer});
        }
    };
    add(architecture.stem, "stem", {});
    for (const Layer& layer : architecture.layers) {
        add(layer.modules, "layer " + std::to_string(layer.index), layer.index);
    }
    add(architecture.head, "head", {});
    return places;
}

class Finder {
public:
    Finder(const Transformer& model,
           const Checkpoint& checkpoint,
           const NetworkBounds& bounds,
           const WitnessOptions& options)
        : model_(model),
          checkpoint_(checkpoint),
          bounds_(bounds),
          options_(options),
          random_(options.seed),
          tokens_(std::min(options.tokens, model.longest_sequence())) {
        if (bounds.domain.longest_stream > 0) {  // longer ones are none that the bounds are about
            tokens_ = std::min(tokens_, static_cast<Index>(bounds.domain.longest_stream));
        }
        const double products = static_cast<double>(tokens_) * weights_of(model, checkpoint);
        if (products <= options.most_products) {
            enclosing_.emplace(model.architecture(), checkpoint);
        }
    }

    Witnesses run() {
        const std::vector<BlockExtent> blocks =
            block_extents(model_.architecture(), checkpoint_, bounds_);
        const std::vector<Place> places = places_of(model_.architecture());
        total_ = blocks.size() + 2;
        std::vector<Matrix> streams = starts();
        Witnesses result;
        const Upper radius = bounds_.domain.everything ? Upper::infinity() : bounds_.domain.radius;
        result.network = named("blocks_l2", bounds_.blocks_l2);
        result.network.witness = witness_of(
            "blocks",
            {[&](const Matrix& x) { return model_.blocks(x); },
             [&](const Matrix& x) { return linearise_blocks(model_, x); },
             as_double(radius)},
            [&](const Stream<EnclosedNumber>& x) { return enclosing_->blocks(x); },
            radius,
            streams);
        result.logits = named("max_token_l2", bounds_.max_token_l2);
        result.logits.witness = witness_of(
            "logits",
            {[&](const Matrix& x) { return model_.logits(x); },
             [&](const Matrix& x) { return linearise_logits(model_, x); },
             as_double(radius)},
            [&](const Stream<EnclosedNumber>& x) { return enclosing_->logits(x); },
            radius,
            streams);
        for (std::size_t i = 0; i < blocks.size(); ++i) {
            if (i == model_.architecture().stem.size()) {
                for (Matrix& stream : streams) {
                    stream = model_.join_constants(stream);
                }
            }
            result.blocks.push_back(block_witness(places[i], blocks[i], streams));
            for (Matrix& stream : streams) {
                stream = model_.apply(*blocks[i].module, stream);
            }
        }
        return result;
    }

private:
    static NamedWitness named(const std::string& name, const Bound& bound) {
        return {name, {}, "", bound.upper, bound.rule, {}};
    }

    /// A double below; infinite where there is no bound.
    static double as_double(const Upper& radius) {
        return radius.is_finite() ? radius.value().to_double(Rounding::down)
                                  : std::numeric_limits<double>::infinity();
    }

    static double weights_of(const Transformer& model, const Checkpoint& checkpoint) {
        double count = 0.0;
        for (const TensorInfo& tensor : checkpoint.tensors()) {
            const bool is_table = tensor.name == model.architecture().embedding.weight;
            count += is_table ? 0.0 : static_cast<double>(element_count(tensor));
        }
        if (const auto& head = model.architecture().unembedding;
            head && head->weight == model.architecture().embedding.weight) {
            count += static_cast<double>(model.weights().map(*head).size());
        }
        return count;
    }

    /// Embeddings of random tokens, and random streams of the same size; random vectors where the
    /// model reads such.
    std::vector<Matrix> starts() {
        std::vector<Matrix> result;
        for (std::size_t start = 0; start < options_.restarts; ++start) {
            result.push_back(model_.architecture().embedding.vectors ? random_vectors()
                                                                     : random_embeddings(start));
        }
        return result;
    }

    Matrix random_vectors() {
        const VectorInput& vectors = *model_.architecture().embedding.vectors;
        const double largest = vectors.largest_entry.magnitude().to_double();
        return 0.5 * largest * gaussian_stream(tokens_, static_cast<Index>(vectors.width), random_);
    }

    Matrix random_embeddings(std::size_t start) {
        const auto vocabulary = static_cast<std::size_t>(model_.vocabulary_size());
        std::uniform_int_distribution<std::size_t> token(0, vocabulary - 1);
        std::vector<std::size_t> tokens(static_cast<std::size_t>(tokens_));
        for (std::size_t& number : tokens) {
            number = token(random_);
        }
        Matrix stream = model_.embed(tokens);
        if (start % 2 == 1) {
            const double size = longest_token(stream);
            stream = gaussian_stream(stream.rows(), stream.cols(), random_);
            stream *= size / longest_token(stream);
        }
        return stream;
    }

    NamedWitness block_witness(const Place& place,
                               const BlockExtent& block,
                               const std::vector<Matrix>& streams) {
        NamedWitness result{place.name,
                            place.layer,
                            block.bound->kind,
                            block.bound->lipschitz,
                            block.bound->rule,
                            {}};
        if (block.begins_folded || block.ends_folded) {
            return result;
        }
        // Where bounds are for all streams, some blocks' own are for this ball only.
        const Upper radius = block.bound->radius_in;
        const Module& module = *block.module;
        std::vector<Matrix> begin = streams;
        if (radius.is_finite()) {
            // The far parts of the ball, which the model's own streams seldom reach.
            for (std::size_t i = 1; i < begin.size(); i += 2) {
                begin[i] = gaussian_stream(begin[i].rows(), begin[i].cols(), random_);
                begin[i] *= as_double(radius) / longest_token(begin[i]);
            }
        }
        result.witness = witness_of(
            place.name,
            {[&](const Matrix& x) { return model_.apply(module, x); },
             [&](const Matrix& x) { return linearise(model_, module, x); },
             as_double(radius)},
            [&](const Stream<EnclosedNumber>& x) { return enclosing_->apply(module, x); },
            radius,
            begin);
        return result;
    }

    Witness witness_of(const std::string& step,
                       const SearchedFunction& function,
                       const EnclosedFunction& enclosed,
                       const Upper& radius,
                       const std::vector<Matrix>& from) {
        if (options_.progress) {
            options_.progress("witness of " + step, done_, total_);
        }
        ++done_;
        Witness witness = search(function, from, options_, random_);
        if (witness.estimate > 0.0 && enclosing_) {
            witness.ratio = proved_ratio(enclosed, witness.first, witness.second, radius);
        }
        return witness;
    }

    const Transformer& model_;
    const Checkpoint& checkpoint_;
    const NetworkBounds& bounds_;
    const WitnessOptions& options_;
    std::optional<EnclosingTransformer> enclosing_;  ///< where it is affordable
    std::mt19937_64 random_;
    Index tokens_;
    std::size_t done_ = 0, total_ = 0;
};

void require_below(const NamedWitness& named) {
    if (!named.witness || !named.witness->ratio) {
        return;
    }
    const Lower& ratio = *named.witness->ratio;
    if (ratio.value().compare(named.bound.value()) > 0) {
        throw Error(ErrorKind::internal,
                    named.name,
                    "CONTRADICTION: two inputs prove a Lipschitz constant of at least " +
                        ratio.to_decimal(8) + ", the certificate says at most " +
                        named.bound.to_decimal(8) + " (" + named.rule +
                        "). One of the two proofs is wrong: trust no certificate of this version, "
                        "and report this with the model");
    }
}

}  // namespace

Witnesses find_witnesses(const Transformer& model,
                         const Checkpoint& checkpoint,
                         const NetworkBounds& bounds,
                         const WitnessOptions& options) {
    return Finder(model, checkpoint, bounds, options).run();
}

void require_no_contradiction(const Witnesses& witnesses) {
    for (const NamedWitness& block : witnesses.blocks) {
        require_below(block);
    }
    require_below(witnesses.network);
    require_below(witnesses.logits);
}

}  // namespace lipcert
