#!/usr/bin/env python3
"""Writes the tiny sample models whose Lipschitz constant is known in closed form.

Needs python3-h5py. Usage: make_tiny_models.py [FOLDER]   (default: this script's folder)

Every file is the smallest model of its family in which one rule is tight, so that a certificate can be
compared with the exact constant; README.md derives each of them. tiny_models.json lists the constants as
decimals with the place where the certificate states them.
"""
import json
import math
import pathlib
import sys

import h5py
import numpy as np


def write(folder, name, config, tensors):
    """One HDF5 file: flat dotted names, float32, the configuration as the root attribute `config`."""
    with h5py.File(folder / f"{name}.h5", "w", track_order=False) as file:
        file.attrs["config"] = json.dumps(config, sort_keys=True)
        for tensor_name, values in sorted(tensors.items()):
            file.create_dataset(tensor_name, data=np.asarray(values, dtype=np.float32), track_times=False)


def lipschitz_transformer():
    """One block, d = 4, one head, ReLU, query = key = 0, so that attention averages.

    alpha = 1/2, attention_output_scale = 1/2. Attention: token i keeps (1-alpha) of itself and adds
    alpha/2 of |Wo Wv| = 2 times the mean of n tokens: the largest gain tends to 1/2 + 1/2 = 1 from
    below as n grows. MLP: alpha relu(x) + (1-alpha) x has gain 1 on the positive orthant.
    Unembedding: 3 times the identity. Exact supremum: 3.
    """
    d = 4
    identity = np.eye(d)
    config = {
        "model_type": "lipschitz-transformer", "n_layer": 1, "n_head": 1, "n_embd": d, "vocab_size": d,
        "softmax_scale": 1, "attention_output_scale": 0.5, "activation": "relu", "activation_scale": 1,
        "residual_scale": 1, "final_scale": 1, "rope": None, "norm": "none", "causal": True,
    }
    tensors = {
        "embed.weight": identity,
        "blocks.0.attn.attn_q.weight": 0 * identity,
        "blocks.0.attn.attn_k.weight": 0 * identity,
        "blocks.0.attn.attn_v.weight": identity,
        "blocks.0.attn.c_proj.weight": 2 * identity,
        "blocks.0.mlp.c_fc.weight": identity,
        "blocks.0.mlp.c_proj.weight": identity,
        "lm_head.weight": 3 * identity,
    }
    return config, tensors, {"blocks_l2": 1.0, "max_token_l2": 3.0, "max_token_rms": 3.0, "logit": 3.0,
                             "logit_difference": 3.0 * math.sqrt(2.0)}


def llama():
    """Attention and MLP end in zero matrices, so the stream passes; the final RMS norm at 0 has the
    gain 1/sqrt(epsilon) = 16, its weight 1 and 2, and the unembedding is 5 times the identity."""
    d, heads, kv_heads, ff = 4, 2, 1, 8
    head_dim = d // heads
    layer = "model.layers.0."
    config = {
        "model_type": "llama", "num_hidden_layers": 1, "num_attention_heads": heads,
        "num_key_value_heads": kv_heads, "hidden_size": d, "intermediate_size": ff, "vocab_size": d,
        "hidden_act": "silu", "rms_norm_eps": 0.00390625, "rope_theta": 10000.0,
        "tie_word_embeddings": False,
    }
    rng = np.random.default_rng(1)
    tensors = {
        "model.embed_tokens.weight": np.eye(d),
        layer + "input_layernorm.weight": np.ones(d),
        layer + "self_attn.q_proj.weight": rng.integers(-2, 3, (heads * head_dim, d)),
        layer + "self_attn.k_proj.weight": rng.integers(-2, 3, (kv_heads * head_dim, d)),
        layer + "self_attn.v_proj.weight": rng.integers(-2, 3, (kv_heads * head_dim, d)),
        layer + "self_attn.o_proj.weight": np.zeros((d, heads * head_dim)),
        layer + "post_attention_layernorm.weight": np.ones(d),
        layer + "mlp.gate_proj.weight": rng.integers(-2, 3, (ff, d)),
        layer + "mlp.up_proj.weight": rng.integers(-2, 3, (ff, d)),
        layer + "mlp.down_proj.weight": np.zeros((d, ff)),
        "model.norm.weight": np.array([1.0, 2.0, 1.0, 1.0]),
        "lm_head.weight": 5 * np.eye(d),
    }
    return config, tensors, {"blocks_l2": 1.0, "max_token_l2": 160.0, "max_token_rms": 160.0, "logit": 160.0}


def gpt2():
    """As for Llama, with a centred norm: |5 (I - 11^T/d)| = 5, and 1/sqrt(epsilon) = 16."""
    d, heads = 4, 2
    block = "transformer.h.0."
    config = {
        "model_type": "gpt2", "n_layer": 1, "n_head": heads, "n_embd": d, "n_positions": 3, "vocab_size": d,
        "layer_norm_epsilon": 0.00390625, "activation_function": "gelu_new",
        "tie_word_embeddings": False,
    }
    rng = np.random.default_rng(2)
    tensors = {
        "transformer.wte.weight": np.eye(d),
        "transformer.wpe.weight": rng.integers(-1, 2, (3, d)),
        block + "ln_1.weight": np.ones(d), block + "ln_1.bias": np.zeros(d),
        block + "attn.c_attn.weight": rng.integers(-2, 3, (d, 3 * d)), block + "attn.c_attn.bias": np.ones(3 * d),
        block + "attn.c_proj.weight": np.zeros((d, d)), block + "attn.c_proj.bias": np.zeros(d),
        block + "ln_2.weight": np.ones(d), block + "ln_2.bias": np.zeros(d),
        block + "mlp.c_fc.weight": rng.integers(-2, 3, (d, 4 * d)), block + "mlp.c_fc.bias": np.ones(4 * d),
        block + "mlp.c_proj.weight": np.zeros((4 * d, d)), block + "mlp.c_proj.bias": np.zeros(d),
        "transformer.ln_f.weight": np.ones(d), "transformer.ln_f.bias": np.zeros(d),
        "lm_head.weight": 5 * np.eye(d),
    }
    return config, tensors, {"blocks_l2": 1.0, "max_token_l2": 80.0, "max_token_rms": 80.0,
                             "logit": 80.0 * math.sqrt(0.75), "logit_difference": 80.0 * math.sqrt(2.0)}


def nanogpt():
    """The layout of nanoGPT: linear maps [out, in], no biases, epsilon 1e-5 fixed by its code."""
    d, heads = 4, 1
    block = "transformer.h.0."
    config = {"n_layer": 1, "n_head": heads, "n_embd": d, "block_size": 3, "vocab_size": d, "bias": False}
    rng = np.random.default_rng(3)
    tensors = {
        "transformer.wte.weight": np.eye(d),
        "transformer.wpe.weight": rng.integers(-1, 2, (3, d)),
        block + "ln_1.weight": np.ones(d),
        block + "attn.c_attn.weight": rng.integers(-2, 3, (3 * d, d)),
        block + "attn.c_proj.weight": np.zeros((d, d)),
        block + "ln_2.weight": np.ones(d),
        block + "mlp.c_fc.weight": rng.integers(-2, 3, (4 * d, d)),
        block + "mlp.c_proj.weight": np.zeros((d, 4 * d)),
        "transformer.ln_f.weight": np.ones(d),
        "lm_head.weight": np.eye(d),
    }
    return config, tensors, {"blocks_l2": 1.0, "max_token_l2": math.sqrt(1e5), "max_token_rms": math.sqrt(1e5)}


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent
    expected = {}
    for make in (lipschitz_transformer, llama, gpt2, nanogpt):
        config, tensors, constants = make()
        name = f"tiny_{make.__name__}"
        write(folder, name, config, tensors)
        expected[f"{name}.h5"] = constants
    (folder / "tiny_models.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
