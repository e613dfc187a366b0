#!/usr/bin/python3
"""Converts a checkpoint of the Modula code of arXiv 2507.13338 (.npz) to HDF5 that lipcert reads.

    tools/modula_npz.py IN.npz OUT.h5 [--weights NAME]

Such an archive holds pickles, which can run code when they are loaded. Here nothing is looked up
but arrays and dtypes of numpy and an empty stand-in for the class Config; any other name in a
pickle is refused.

The weights are one list: the embedding [width, vocabulary], for each block V, Q, K, W, the MLP's
first and second matrix, all [fan out, fan in], then the head [vocabulary, width]. Blocks stand in
the order in which they run, which is the reverse of the numbers in the trackers of that code:
`q0` in its results belongs to the last block. HDF5 numbers blocks in the order of execution.

Exit code: 0 written, 2 refused.
"""
import argparse
import json
import os
import pickle
import resource
import sys
import tempfile
import zipfile

import h5py
import numpy

MOST_MEMORY = 32 << 30
LARGEST_UNCHECKED = 1 << 30
LARGEST_EXPANSION = 1000
BLOCK = ["attn.attn_v", "attn.attn_q", "attn.attn_k", "attn.c_proj", "mlp.c_fc", "mlp.c_proj"]
SETTINGS = ["num_blocks", "num_heads", "d_embed", "vocab_size", "softmax_scale", "residual_scale",
            "final_scale", "layernorm_substitute"]


class Refusal(Exception):
    pass


class Config:
    """Stands for the class of that name: its fields and none of its code."""


class Unpickler(pickle.Unpickler):
    def find_class(self, module, name):
        if name == "Config":
            return Config
        if (module, name) in [("numpy", "ndarray"), ("numpy", "dtype")]:
            return getattr(numpy, name)
        if module in ("numpy.core.multiarray", "numpy._core.multiarray") and name in (
                "_reconstruct", "scalar"):
            return getattr(numpy.core.multiarray, name)
        raise Refusal(f"the pickle asks for {module}.{name}, which no checkpoint needs")

    def persistent_load(self, pid):
        raise Refusal("the pickle refers to something outside of it")


def check_size(info):
    if info.file_size > LARGEST_UNCHECKED and \
            info.file_size > LARGEST_EXPANSION * max(info.compress_size, 1):
        raise Refusal(f"{info.filename} states {info.file_size} bytes and has "
                      f"{info.compress_size} in the archive")


def read_member(archive, name):
    """The array NAME.npy of the archive; where it is one object, that object."""
    try:
        info = archive.getinfo(name + ".npy")
    except KeyError:
        raise Refusal(f"there is no {name} in it, but {', '.join(archive.namelist())}") from None
    check_size(info)
    with archive.open(info) as member:
        version = numpy.lib.format.read_magic(member)
        read_header = {(1, 0): numpy.lib.format.read_array_header_1_0,
                       (2, 0): numpy.lib.format.read_array_header_2_0}.get(version)
        if read_header is None:
            raise Refusal(f"{name} is an array of format {version}")
        shape, _, dtype = read_header(member)
        if not dtype.hasobject:
            raise Refusal(f"{name} is an array of {dtype}; a pickled object was expected")
        value = Unpickler(member).load()
    return value.item() if isinstance(value, numpy.ndarray) and value.shape == () else value


def weights_of(value):
    """The list of matrices, whether it is stored as {0: ..., 1: ...} or as a sequence."""
    if isinstance(value, dict):
        keys = sorted(value, key=int)
        if [int(key) for key in keys] != list(range(len(keys))):
            raise Refusal(f"the weights are numbered {keys}; 0, 1, 2, ... was expected")
        value = [value[key] for key in keys]
    matrices = []
    for i, entry in enumerate(value):
        stored = numpy.asarray(entry)
        if stored.ndim != 2 or stored.dtype.kind != "f":
            raise Refusal(f"weight {i} is {stored.dtype} of shape {stored.shape}, not a matrix of "
                          "floats")
        matrices.append(stored)
    return matrices


def settings_of(value):
    fields = dict(value) if isinstance(value, dict) else dict(vars(value))
    missing = [key for key in SETTINGS if key not in fields]
    if missing:
        raise Refusal(f"args lack {', '.join(missing)}: these decide the bound")
    found = {"model_type": "modula"}
    for key in SETTINGS:
        value = fields[key]
        found[key] = value.item() if isinstance(value, numpy.generic) else value
    return found


def named(matrices, settings):
    """(name, matrix) in the layout of lipcert, every shape checked."""
    blocks, width, vocabulary = (settings[key] for key in ("num_blocks", "d_embed", "vocab_size"))
    if len(matrices) != 2 + len(BLOCK) * blocks:
        raise Refusal(f"there are {len(matrices)} weights, and {2 + len(BLOCK) * blocks} for "
                      f"{blocks} blocks")

    def checked(number, what, shape):
        found = matrices[number].shape
        if any(want is not None and want != have for want, have in zip(shape, found)):
            raise Refusal(f"weight {number} is {found[0]} x {found[1]}; as {what} "
                          f"{shape[0] or 'any'} x {shape[1] or 'any'} was expected")
        return matrices[number]

    yield "embed", checked(0, "embedding", (width, vocabulary)).T
    for block in range(blocks):
        first = 1 + len(BLOCK) * block
        inner = matrices[first + 4].shape[0]
        for i, name in enumerate(BLOCK):
            shape = {4: (None, width), 5: (width, inner)}.get(i, (width, width))
            yield f"blocks.{block}.{name}", checked(first + i, name, shape)
    yield "lm_head", checked(len(matrices) - 1, "head", (vocabulary, width))


def convert(source, target, weights_name):
    with zipfile.ZipFile(source) as archive:
        settings = settings_of(read_member(archive, "args"))
        matrices = weights_of(read_member(archive, weights_name))
    tensors = list(named(matrices, settings))
    folder = os.path.dirname(os.path.abspath(target))
    handle, temporary = tempfile.mkstemp(dir=folder, suffix=".part")
    os.close(handle)
    try:
        with h5py.File(temporary, "w") as out:
            out.attrs["config"] = json.dumps(settings, allow_nan=False)
            for name, matrix in tensors:
                out.create_dataset(name + ".weight", data=numpy.ascontiguousarray(matrix))
        os.chmod(temporary, 0o666 & ~umask())
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise
    return len(tensors), settings["num_blocks"]


def umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", metavar="IN.npz")
    parser.add_argument("target", metavar="OUT.h5")
    parser.add_argument("--weights", default="weights_checkpoint_0", metavar="NAME",
                        help="which weights of the archive (weights_checkpoint_0)")
    arguments = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    try:
        count, blocks = convert(arguments.source, arguments.target, arguments.weights)
    except (Refusal, OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, EOFError,
            MemoryError, zipfile.BadZipFile, pickle.UnpicklingError) as error:
        print(f"{arguments.source}: {error or type(error).__name__}", file=sys.stderr)
        return 2
    print(f"wrote {count} matrices of {blocks} blocks to {arguments.target}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
