#!/usr/bin/python3
"""Writes a checkpoint of a published shape with random weights, layer by layer, for timings.

Usage: make_checkpoint.py gpt2-small|llama-7b OUT.h5 [--layers N] [--seed S]
gpt2-small: 124 million float32 parameters (12 layers). llama-7b: 32 layers of float16; with fewer,
every layer keeps its size. Needs Debian's python3-numpy and python3-h5py.
"""
import argparse
import json

import h5py
import numpy as np


def gpt2_small(layers):
    width, vocabulary, context = 768, 50257, 1024
    configuration = {"model_type": "gpt2", "n_embd": width, "n_head": 12, "n_layer": layers,
                     "n_positions": context, "vocab_size": vocabulary, "layer_norm_epsilon": 1e-5,
                     "activation_function": "gelu_new"}
    yield "wte.weight", (vocabulary, width)
    yield "wpe.weight", (context, width)
    for layer in range(layers):
        prefix = f"h.{layer}."
        for norm in ("ln_1", "ln_2"):
            yield f"{prefix}{norm}.weight", (width,)
            yield f"{prefix}{norm}.bias", (width,)
        for name, inputs, outputs in (("attn.c_attn", width, 3 * width), ("attn.c_proj", width, width),
                                      ("mlp.c_fc", width, 4 * width), ("mlp.c_proj", 4 * width, width)):
            yield f"{prefix}{name}.weight", (inputs, outputs)
            yield f"{prefix}{name}.bias", (outputs,)
    yield "ln_f.weight", (width,)
    yield "ln_f.bias", (width,)
    yield None, configuration


def llama_7b(layers):
    width, inner, vocabulary = 4096, 11008, 32000
    configuration = {"model_type": "llama", "hidden_size": width, "intermediate_size": inner,
                     "num_attention_heads": 32, "num_key_value_heads": 32, "num_hidden_layers": layers,
                     "vocab_size": vocabulary, "rms_norm_eps": 1e-5, "hidden_act": "silu",
                     "rope_theta": 10000.0, "max_position_embeddings": 4096,
                     "tie_word_embeddings": False}
    yield "model.embed_tokens.weight", (vocabulary, width)
    for layer in range(layers):
        prefix = f"model.layers.{layer}."
        for norm in ("input_layernorm", "post_attention_layernorm"):
            yield f"{prefix}{norm}.weight", (width,)
        for name in ("q_proj", "k_proj", "v_proj", "o_proj"):
            yield f"{prefix}self_attn.{name}.weight", (width, width)
        for name, shape in (("gate_proj", (inner, width)), ("up_proj", (inner, width)),
                            ("down_proj", (width, inner))):
            yield f"{prefix}mlp.{name}.weight", shape
    yield "model.norm.weight", (width,)
    yield "lm_head.weight", (vocabulary, width)
    yield None, configuration


SHAPES = {"gpt2-small": (gpt2_small, 12, np.float32), "llama-7b": (llama_7b, 32, np.float16)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("shape", choices=SHAPES)
    parser.add_argument("out")
    parser.add_argument("--layers", type=int)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    tensors, layers, stored = SHAPES[arguments.shape]
    random = np.random.default_rng(arguments.seed)
    with h5py.File(arguments.out, "w") as file:
        for name, shape in tensors(arguments.layers or layers):
            if name is None:
                file.attrs["config"] = json.dumps(shape)
            elif len(shape) == 1:
                file[name] = (np.zeros if name.endswith("bias") else np.ones)(shape, stored)
            else:
                values = random.standard_normal(shape, np.float32)
                values *= 0.02
                file[name] = values.astype(stored)


main()
