#!/usr/bin/python3
"""Holds tools/modula_npz.py against archives in the layout of the Modula code, sound and hostile.

Usage: modula_npz.py PROGRAM CONVERTER
Exits 77 where numpy or h5py are missing (Debian: python3-numpy, python3-h5py).
"""
import json
import os
import pickle
import subprocess
import sys
import tempfile

try:
    import h5py
    import numpy as np
except ImportError as missing:
    print(f"skipped: {missing} (Debian packages python3-numpy and python3-h5py)")
    sys.exit(77)

BLOCKS, WIDTH, INNER, VOCABULARY = 3, 8, 16, 11
ARGS = {"num_blocks": BLOCKS, "num_heads": 2, "d_embed": WIDTH, "vocab_size": VOCABULARY,
        "softmax_scale": 1.0, "residual_scale": 1.0, "final_scale": 1.0,
        "layernorm_substitute": "none", "lr": 0.1, "seed": 7}
NAMES = ["attn.attn_v", "attn.attn_q", "attn.attn_k", "attn.c_proj", "mlp.c_fc", "mlp.c_proj"]


class Config:
    def __init__(self, fields):
        self.__dict__.update(fields)


class Hostile:
    def __reduce__(self):
        return (os.system, ("touch " + os.environ["MARK"],))


def weights(random):
    shapes = [(WIDTH, WIDTH)] * 4 + [(INNER, WIDTH), (WIDTH, INNER)]
    return [random.normal(size=shape).astype(np.float32)
            for shape in [(WIDTH, VOCABULARY)] + shapes * BLOCKS + [(VOCABULARY, WIDTH)]]


def run(*command):
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.returncode, result.stdout + result.stderr


def main():
    program, converter = sys.argv[1:]
    matrices = weights(np.random.default_rng(5))
    lists = {i: matrix.tolist() for i, matrix in enumerate(matrices)}
    with tempfile.TemporaryDirectory() as folder:
        source, target = os.path.join(folder, "run.npz"), os.path.join(folder, "model.h5")
        os.environ["MARK"] = os.path.join(folder, "mark")

        def convert(**members):
            np.savez_compressed(source, allow_pickle=True, **members)
            return run(converter, source, target)

        for substitute, family in [("none", "modula"), ("rmsnorm", "modula"),
                                   ("layernorm", "modula"), ("tanh", "modula-tanh")]:
            for args in (dict(ARGS, layernorm_substitute=substitute),
                         Config(dict(ARGS, layernorm_substitute=substitute))):
                code, said = convert(args=args, results={"q0": [1.0]}, weights_checkpoint_0=lists)
                assert code == 0, said
                with h5py.File(target) as file:
                    assert json.loads(file.attrs["config"])["model_type"] == "modula"
                    assert np.array_equal(file["embed.weight"], matrices[0].T)
                    assert np.array_equal(file["lm_head.weight"], matrices[-1])
                    for block in range(BLOCKS):
                        for i, name in enumerate(NAMES):
                            assert np.array_equal(file[f"blocks.{block}.{name}.weight"],
                                                  matrices[1 + 6 * block + i]), (block, name)
                    assert len(file) == 2 + 6 * BLOCKS
                report = os.path.join(folder, "report.json")
                code, said = run(program, "certify", target, "--json", report)
                assert code == 0, said
                with open(report) as file:
                    assert json.load(file)["architecture"]["family"] == family
                os.unlink(report)

        before = open(target, "rb").read()
        refused = [
            ({"args": Hostile()}, "asks for posix.system"),
            ({"weights_checkpoint_0": Hostile()}, "asks for posix.system"),
            ({"args": {k: v for k, v in ARGS.items() if k != "softmax_scale"}}, "lack softmax_scale"),
            ({"args": dict(ARGS, num_blocks=2)}, "there are 20 weights"),
            ({"args": dict(ARGS, d_embed=16)}, "weight 0 is 8 x 11"),
            ({"weights_checkpoint_0": {**lists, 3: [[1.0]]}}, "weight 3 is 1 x 1"),
            ({"weights_checkpoint_0": {i + 1: m for i, m in lists.items()}}, "are numbered"),
        ]
        for change, words in refused:
            code, said = convert(**{"args": ARGS, "weights_checkpoint_0": lists, **change})
            assert code == 2 and words in said, (words, code, said)
        code, said = convert(args=ARGS)
        assert code == 2 and "there is no weights_checkpoint_0" in said, said
        open(source, "wb").write(pickle.dumps(Hostile()))
        code, said = run(converter, source, target)
        assert code == 2, said
        assert not os.path.exists(os.environ["MARK"]), "the pickle has run code"
        assert open(target, "rb").read() == before, "a refused archive has changed the target"
        assert sorted(os.listdir(folder)) == ["model.h5", "run.npz"], os.listdir(folder)
    print("8 archives converted and certified, 9 refused")
    return 0


if __name__ == "__main__":
    sys.exit(main())
