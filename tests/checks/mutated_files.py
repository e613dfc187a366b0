#!/usr/bin/python3
"""Damages checkpoints in thousands of ways and looks at what lipcert makes of them.

Usage: mutated_files.py PROGRAM MODEL... [--count N] [--seed S] [--memory BYTES]
Each MODEL (HDF5) is stored as it is, in groups with gzip, as safetensors, and its tensors as a
.keras archive; of each, N files are damaged: bits, bytes, runs of bytes, lengths. A run may end
only by an exit code of its own, within 10 s of processor time and 2 GiB of addresses (--memory; 0 for
a program with sanitizers, which reserve more than any limit), and may certify only a file that h5py, or a
strict reader of safetensors, reads as finite numbers throughout. Exits 77 where numpy or h5py are
missing (Debian: python3-numpy, python3-h5py).
"""
import argparse
import collections
import json
import os
import random
import resource
import struct
import subprocess
import sys
import tempfile
import time
import zipfile

try:
    import h5py
    import numpy as np
except ImportError as missing:
    print(f"skipped: {missing} (Debian packages python3-numpy and python3-h5py)")
    sys.exit(77)

LONGEST = 10  # seconds of processor time, so that a busy machine is not blamed on lipcert
FROZEN = 120  # seconds
MEMORY = 2 << 30
DTYPES = {"F16": np.float16, "F32": np.float32, "F64": np.float64}


def tensors_of(path):
    found = {}
    with h5py.File(path) as file:
        def take(name, item):
            if isinstance(item, h5py.Dataset):
                found[name] = item[()]
        file.visititems(take)
        return found, file.attrs.get("config")


def write_groups(path, tensors, config):
    with h5py.File(path, "w", libver="latest") as file:
        for name, values in tensors.items():
            options = {"compression": "gzip", "shuffle": True, "fletcher32": True} if values.ndim else {}
            file.create_dataset(name.replace(".", "/"), data=values, **options)
        file.attrs["config"] = config


def write_safetensors(path, tensors):
    names = {np.dtype(kind): name for name, kind in DTYPES.items()}
    header, data = {}, b""
    for name, values in tensors.items():
        header[name] = {"dtype": names[values.dtype], "shape": values.shape,
                        "data_offsets": [len(data), len(data) + values.nbytes]}
        data += values.tobytes()
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def write_keras(path, tensors):
    with tempfile.NamedTemporaryFile(suffix=".h5") as weights:
        with h5py.File(weights.name, "w") as file:
            for i, values in enumerate(tensors.values()):
                file.create_dataset(f"layers/dense_{i}/vars/0", data=values)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("config.json", "{}")
            archive.write(weights.name, "model.weights.h5")


def read_hdf5(path):
    with h5py.File(path) as file:
        items = []
        file.visititems(lambda name, item: items.append(item) if isinstance(item, h5py.Dataset) else None)
        return [np.asarray(item[()]) for item in items]


def read_safetensors(path):
    data = open(path, "rb").read()
    length, = struct.unpack("<Q", data[:8])
    pairs = lambda items: items if len(dict(items)) == len(items) else 1 // 0
    header = dict(json.loads(data[8:8 + length].decode(), object_pairs_hook=pairs))
    header.pop("__metadata__", None)
    values, position = [], 0
    for entry in sorted((dict(entry) for entry in header.values()), key=lambda e: e["data_offsets"]):
        begin, end = entry["data_offsets"]
        assert begin == position
        position = end
        raw = np.frombuffer(data[8 + length + begin:8 + length + end], DTYPES[entry["dtype"]])
        values.append(raw.reshape(entry["shape"]))
    assert 8 + length + position == len(data)
    return values


def read_keras(path):
    with zipfile.ZipFile(path) as archive, tempfile.NamedTemporaryFile() as weights:
        weights.write(archive.read("model.weights.h5"))
        weights.flush()
        return read_hdf5(weights.name)


def damaged(data, dice):
    data = bytearray(data)
    for _ in range(dice.choice([1, 1, 2, 4, 8])):
        # Structures stand mostly at the beginning.
        at = dice.randrange(dice.choice([64, 1024, 4096, len(data)])) % len(data)
        kind = dice.randrange(8)
        if kind < 3:
            data[at] ^= 1 << dice.randrange(8)
        elif kind < 5:
            data[at] = dice.choice([0, 1, 0x7F, 0x80, 0xFF, dice.randrange(256)])
        elif kind == 5:
            data[at:at + 8] = struct.pack("<q", dice.choice([0, -1, 1 << 40, dice.randrange(1 << 32)]))
        elif kind == 6:
            length, other = dice.randrange(1, 64), dice.randrange(len(data))
            data[at:at + length] = data[other:other + length]
        else:
            end = dice.choice([at, len(data) - 1 - at % 64])
            del data[slice(end, None) if dice.randrange(4) == 0 else slice(at, at + dice.randrange(1, 9))]
        if not data:
            data = bytearray(b"\0")
    return bytes(data)


def limit(memory):
    if memory:
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (LONGEST, LONGEST))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("models", nargs="+")
    parser.add_argument("--count", type=int, default=25)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--memory", type=int, default=MEMORY)
    arguments = parser.parse_args()
    environment = dict(os.environ, OPENBLAS_NUM_THREADS="1")
    outcomes, slowest, failures = collections.Counter(), 0.0, []
    with tempfile.TemporaryDirectory() as folder:
        for model in arguments.models:
            tensors, config = tensors_of(model)
            settings = os.path.join(folder, "settings.json")
            open(settings, "w").write(config)
            layouts = {name: os.path.join(folder, name)
                       for name in ("flat.h5", "groups.h5", "x.safetensors", "x.keras")}
            open(layouts["flat.h5"], "wb").write(open(model, "rb").read())
            write_groups(layouts["groups.h5"], tensors, config)
            write_safetensors(layouts["x.safetensors"], tensors)
            write_keras(layouts["x.keras"], tensors)
            for name, path in layouts.items():
                read = {"x.safetensors": read_safetensors, "x.keras": read_keras}.get(name, read_hdf5)
                command = ["norms", path, "--json", "-"] if name == "x.keras" else \
                    ["certify", path, "--config", settings, "--json", "-"]
                sound = open(path, "rb").read()
                dice = random.Random(f"{arguments.seed} {os.path.basename(model)} {name}")
                for i in range(-1, arguments.count):
                    data = sound if i < 0 else damaged(sound, dice)
                    open(path, "wb").write(data)
                    begin = time.monotonic()
                    try:
                        code = subprocess.run([arguments.program, *command], env=environment,
                                              preexec_fn=lambda: limit(arguments.memory), stdout=subprocess.DEVNULL,
                                              stderr=subprocess.DEVNULL, timeout=FROZEN).returncode
                    except subprocess.TimeoutExpired:
                        code = "time-out"
                    slowest = max(slowest, time.monotonic() - begin)
                    wrong = code not in ((0,) if i < 0 else (0, 2, 3))
                    if code == 0:
                        try:
                            wrong = not all(np.isfinite(values).all() for values in read(path))
                        except Exception as error:  # whatever the reader's libraries throw
                            wrong = True
                            code = f"certified what is refused elsewhere: {type(error).__name__} {error}"
                    outcomes[code] += 1
                    if wrong:
                        kept = f"{os.path.basename(model)}.{i}.{name}"
                        failures.append(f"{kept}: {code}")
                        open(os.path.join(tempfile.gettempdir(), "mutated." + kept), "wb").write(data)
                open(path, "wb").write(sound)
    for failure in failures:
        print(failure)
    print(f"{sum(outcomes.values())} files: " +
          ", ".join(f"{count} exit {code}" for code, count in sorted(outcomes.items(), key=str)) +
          f"; slowest {slowest:.2f} s")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
