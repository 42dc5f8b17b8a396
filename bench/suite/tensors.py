"""The tensors: an HDF5 file of about 1 GiB of float32 weights, and the same with 10 % of the tensors changed.

Run with the Python of the benchmark's environment, which has numpy and h5py:
`python tensors.py FILE CHANGED SEED BYTES`.
"""

import os
import sys

import h5py
import numpy

HIDDEN = 1024


def shapes(total_bytes):
    """The layers of a transformer, as many as fill `total_bytes`."""
    layer = {
        "attention/query": (HIDDEN, HIDDEN), "attention/key": (HIDDEN, HIDDEN), "attention/value": (HIDDEN, HIDDEN),
        "attention/output": (HIDDEN, HIDDEN), "attention/bias": (4 * HIDDEN,), "mlp/up": (HIDDEN, 4 * HIDDEN),
        "mlp/down": (4 * HIDDEN, HIDDEN), "mlp/bias": (5 * HIDDEN,), "norm/scale": (HIDDEN,), "norm/shift": (HIDDEN,),
    }
    size = sum(4 * int(numpy.prod(shape)) for shape in layer.values())
    yield "embedding/tokens", (8000, HIDDEN)
    for index in range(max(1, (total_bytes - 4 * 8000 * HIDDEN) // size)):
        for name, shape in layer.items():
            yield f"layer_{index:02}/{name}", shape


def values(rng, name, shape):
    """Weights as training leaves them: normal, with a spread that depends on the fan-in; scales near one."""
    spread = 0.02 if len(shape) == 1 else (2.0 / sum(shape)) ** 0.5
    tensor = rng.standard_normal(shape, dtype=numpy.float32) * numpy.float32(spread)
    return tensor + 1 if name.endswith("scale") else tensor


def main():
    target, changed, seed, total_bytes = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    rng = numpy.random.default_rng(seed)
    names = list(shapes(total_bytes))
    large = [index for index, (_, shape) in enumerate(names) if len(shape) == 2]
    picked = set(rng.choice(large, max(1, round(len(large) * 0.1)), replace=False).tolist())
    with h5py.File(target, "w", libver="latest") as first, h5py.File(changed, "w", libver="latest") as second:
        for file in (first, second):
            file.attrs["framework"] = "synthetic"
        for index, (name, shape) in enumerate(names):
            tensor = values(rng, name, shape)
            first.create_dataset(name, data=tensor, track_times=False)
            if index in picked:
                tensor = tensor + rng.standard_normal(shape, dtype=numpy.float32) * numpy.float32(1e-4)
            second.create_dataset(name, data=tensor, track_times=False)
        second.attrs.modify("framework", "synthetic")
    os.utime(target, (1_700_000_000, 1_700_000_000))
    os.utime(changed, (1_700_003_600, 1_700_003_600))


if __name__ == "__main__":
    main()
