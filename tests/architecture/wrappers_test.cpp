#include "architecture/wrappers.hpp"

#include "lipcert/architecture/description.hpp"
#include "lipcert/bounds/compose.hpp"
#include "lipcert/error.hpp"

#include <string>
#include <utility>

#include "support/model_builder.hpp"
#include "support/published_models.hpp"
#include "support/thrown.hpp"
#include <doctest/doctest.h>

using lipcert::Architecture;
using lipcert::architecture_of;
using lipcert::Error;
using lipcert::Matrix;
using lipcert::Vector;
using lipcert::wrappers_around;
using lipcert::test::error_of;
using lipcert::test::Gpt2Options;
using lipcert::test::LlamaOptions;
using lipcert::test::published_models;
using lipcert::test::PublishedModel;
using lipcert::test::Random;
using lipcert::test::says;
using lipcert::test::TinyModel;
using lipcert::test::TinyTensors;

namespace {

/// Every name behind `front`.
void wrap(TinyTensors& tensors, const std::string& front) {
    TinyTensors wrapped;
    for (const auto& [name, values] : tensors.matrices) {
        wrapped.matrices[front + name] = values;
    }
    for (const auto& [name, values] : tensors.vectors) {
        wrapped.vectors[front + name] = values;
    }
    tensors = wrapped;
}

TinyModel wrapped_llama(const std::string& front,
                        const std::function<void(TinyTensors&)>& more = {}) {
    Random random(91);
    LlamaOptions options;
    options.tied = false;
    options.edit = [&](TinyTensors& tensors) {
        wrap(tensors, front);
        if (more) {
            more(tensors);
        }
    };
    return tiny_llama(random, options);
}

}  // namespace

TEST_CASE("a model is recognised inside what programs put around its names") {
    for (const std::string front : {"",
                                    "module.",
                                    "_orig_mod.",
                                    "_orig_mod.module.",
                                    "model.",
                                    "state_dict.",
                                    "model_state_dict.module.",
                                    "model._orig_mod."}) {
        CAPTURE(front);
        const TinyModel model = wrapped_llama(front);
        const Architecture graph = architecture_of(*model.checkpoint, model.configuration);
        CHECK(graph.family == "llama");
        CHECK(graph.embedding.weight == front + "model.embed_tokens.weight");
        CHECK(graph.unembedding->weight == front + "lm_head.weight");
    }
    Random random(92);
    Gpt2Options options;
    options.edit = [](TinyTensors& tensors) { wrap(tensors, "_orig_mod."); };
    const TinyModel gpt2 = tiny_gpt2(random, options);
    CHECK(architecture_of(*gpt2.checkpoint, gpt2.configuration).family == "gpt2");
}

TEST_CASE("other words around a model are not guessed") {
    for (const std::string front : {"teacher.", "model.teacher.", "x"}) {
        const TinyModel model = wrapped_llama(front);
        CHECK(error_of([&] {
                  (void)architecture_of(*model.checkpoint, model.configuration);
              }).kind() == lipcert::ErrorKind::architecture);
    }
}

TEST_CASE("the optimiser beside a model bears nothing, a second model does") {
    const TinyModel model = wrapped_llama("model_state_dict.", [](TinyTensors& tensors) {
        tensors.matrices["optimizer_state_dict.state.0.exp_avg"] = Matrix::Ones(3, 3);
        tensors.vectors["lr_scheduler.base_lrs"] = Vector::Ones(1);
    });
    const Architecture graph = architecture_of(*model.checkpoint, model.configuration);
    CHECK(graph.ignored == std::vector<std::string>{"lr_scheduler.base_lrs",
                                                    "optimizer_state_dict.state.0.exp_avg"});
    const TinyModel two = wrapped_llama("model_state_dict.", [](TinyTensors& tensors) {
        tensors.matrices["ema.embed_tokens.weight"] = Matrix::Ones(3, 3);
    });
    CHECK(says(error_of([&] { (void)architecture_of(*two.checkpoint, two.configuration); }),
               "has no place"));
}

TEST_CASE("norms of BERT are found under the names that older programs gave them") {
    Random random(93);
    for (PublishedModel& published : published_models(random)) {
        if (published.family != "bert" && published.family != "bert-masked-lm") {
            continue;
        }
        CAPTURE(published.family);
        const TinyModel today = make_model(published.tensors, published.configuration);
        TinyTensors older;
        older.matrices = published.tensors.matrices;
        for (const auto& [name, values] : published.tensors.vectors) {
            std::string once = name;
            for (const auto& [ending, other] : {std::pair("LayerNorm.weight", "LayerNorm.gamma"),
                                                {"LayerNorm.bias", "LayerNorm.beta"}}) {
                if (name.ends_with(ending)) {
                    once = name.substr(0, name.size() - std::string(ending).size()) + other;
                }
            }
            older.vectors[once] = values;
        }
        REQUIRE(older.vectors.count("bert.embeddings.LayerNorm.gamma") == 1);
        const TinyModel stored = make_model(older, published.configuration);
        const Architecture graph = architecture_of(*stored.checkpoint, stored.configuration);
        const Architecture expected = architecture_of(*today.checkpoint, today.configuration);
        CHECK(graph.family == published.family);
        CHECK(lipcert::compose(graph, *stored.checkpoint, {})
                  .max_token_l2.upper.value()
                  .compare(lipcert::compose(expected, *today.checkpoint, {})
                               .max_token_l2.upper.value()) == 0);
        // Under both names, one of them is a second norm that nothing reads.
        older.vectors["bert.embeddings.LayerNorm.weight"] = Vector::Ones(8);
        const TinyModel both = make_model(older, published.configuration);
        const Error error =
            error_of([&] { (void)architecture_of(*both.checkpoint, both.configuration); });
        CHECK(says(error, "LayerNorm.gamma"));
        CHECK(says(error, "has no place"));
    }
}

TEST_CASE("wrappers come shortest first, and the plain name is one of them") {
    lipcert::MemoryCheckpoint checkpoint;
    for (const char* name : {"w", "module.w", "model.module.w", "other.w", "modelw"}) {
        checkpoint.add(name, Matrix::Ones(1, 1));
    }
    CHECK(wrappers_around("w", checkpoint) ==
          std::vector<std::string>{"", "module.", "model.module."});
}
