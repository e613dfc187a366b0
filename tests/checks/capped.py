#!/usr/bin/python3
"""Holds capped files against float64 singular values of numpy and the structure that h5py sees.

Usage: capped.py PROGRAM MODEL... [--methods a,b] [--parts 0.1,1]
For every model, method and part p: each linear map is limited to p times its own norm as numpy
finds it, each row of the embeddings to p times the largest, and the stored result must be within
the limits; a second run must change no byte; structure and untouched content must be those of the
model. Exits 77 where numpy or h5py are missing (Debian: python3-numpy, python3-h5py).
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

try:
    import h5py
    import numpy as np
except ImportError as missing:
    print(f"skipped: {missing} (Debian packages python3-numpy and python3-h5py)")
    sys.exit(77)

METHODS = ["normalize", "hard-cap", "soft-cap", "hammer", "orthogonalize", "weight-decay", "spectral-decay"]
SVD_ERROR = 1e-13  # of the singular values that numpy computes, relative


def run(program, *arguments):
    result = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    return result.returncode, result.stdout, result.stderr


def part_of(tensor, row):
    """The outputs that a row of the report names, by the shape that it states."""
    if row["outputs"] is None:
        return tensor
    begin, end = row["outputs"]
    by_rows = tensor.shape[1] == row["cols"]
    return tensor[begin:end] if by_rows else tensor[:, begin:end]


def read(path, name):
    with h5py.File(path, "r") as file:
        tensor = file[name][()].astype(np.float64)
    return tensor.reshape(tensor.shape[0], -1)


def norm_of(part, row):
    if row["limit_on"] == "row_norm":
        return float(np.sqrt((part**2).sum(axis=1)).max())
    return float(np.linalg.svd(part, compute_uv=False)[0])


def structure(path):
    """Everything of a file but the elements of its datasets, in order."""
    found = []

    def visit(name, thing):
        attributes = [(key, str(value.dtype) if hasattr(value, "dtype") else type(value).__name__, repr(value))
                      for key, value in thing.attrs.items()]
        entry = [name, type(thing).__name__, attributes]
        if isinstance(thing, h5py.Dataset):
            entry += [thing.shape, thing.maxshape, thing.dtype.str, thing.chunks, thing.compression,
                      thing.compression_opts, thing.shuffle, thing.fletcher32, thing.scaleoffset,
                      repr(thing.fillvalue)]
        found.append(entry)

    with h5py.File(path, "r") as file:
        visit("/", file)
        file.visititems(visit)
    return found


def untouched(a, b, changed):
    """Whether every dataset but the changed ones has the same bytes."""
    with h5py.File(a, "r") as old, h5py.File(b, "r") as new:
        names = []
        old.visititems(lambda name, thing: names.append(name) if isinstance(thing, h5py.Dataset) else None)
        return all(old[name][()].tobytes() == new[name][()].tobytes() for name in names if name not in changed)


def rows_in_scope(program, model):
    code, out, error = run(program, "cap", model, "--dry-run", "--json", "-", "--limit", "1e400",
                           "--embedding-limit", "1e400")
    if code != 0:
        raise SystemExit(f"{model}: {error}")
    return json.loads(out)["matrices"]


def limits_for(model, rows, part):
    """Flags, one per map; the smallest for all token rows."""
    flags = []
    tables = []
    for row in rows:
        norm = norm_of(part_of(read(model, row["name"]), row), row) or 1.0  # of a matrix of zeros
        if row["limit_on"] == "row_norm":
            tables.append(norm)
        else:
            flags += ["--limit", f"{row['name']}:{row['role']}={part * norm!r}"]
    if tables:
        flags += ["--embedding-limit", repr(part * min(tables))]
    return flags


def check(program, model, method, part, rows, folder):
    """(worst norm over limit, complaints, matrices) of one capped file."""
    out = os.path.join(folder, "out.h5")
    flags = ["--method", method, "--json", "-"] + limits_for(model, rows, part)
    flags += ["--until-limit"] if "decay" in method else []
    code, text, error = run(program, "cap", model, "-o", out, "--force", *flags)
    if code != 0:
        return 0.0, [f"exit code {code}: {error.strip()}"], 0
    complaints = []
    worst = 0.0
    report = json.loads(text)["matrices"]
    for row in report:
        ratio = norm_of(part_of(read(out, row["name"]), row), row) / row["limit"]
        worst = max(worst, ratio)
        if ratio > 1.0 + SVD_ERROR:
            complaints.append(f"{row['name']} {row['role']}: norm is {ratio!r} times the limit")
    if structure(model) != structure(out):
        complaints.append("h5py sees another structure")
    if not untouched(model, out, {row["name"] for row in report if row["changed"]}):
        complaints.append("a dataset out of scope has changed")
    with open(out, "rb") as file:
        once = file.read()
    code, text, error = run(program, "cap", out, "--in-place", *flags)
    with open(out, "rb") as file:
        if code != 0 or file.read() != once:
            complaints.append(f"a second run changes the file (exit code {code}) {error.strip()}")
    return worst, complaints, len(report)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("models", nargs="+")
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--parts", default="0.1,0.5,1,2,10")
    arguments = parser.parse_args()
    files = matrices = 0
    failures = []
    worst = 0.0
    for model in arguments.models:
        if not os.path.exists(model):
            print(f"skipped: {model} is not there")
            continue
        rows = rows_in_scope(arguments.program, model)
        with tempfile.TemporaryDirectory() as folder:
            for method in arguments.methods.split(","):
                for part in map(float, arguments.parts.split(",")):
                    ratio, complaints, count = check(arguments.program, model, method, part, rows, folder)
                    worst = max(worst, ratio)
                    files += 1
                    matrices += count
                    failures += [f"{os.path.basename(model)} {method} {part}: {text}" for text in complaints]
    for failure in failures:
        print(failure)
    print(f"{files} capped files, {matrices} matrices: largest norm/limit - 1 = {worst - 1.0:.2e}, "
          f"{len(failures)} complaints")
    return 1 if failures or files == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
