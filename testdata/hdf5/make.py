#!/usr/bin/env python3
"""Writes the files of this directory with h5py: `make.py [DIRECTORY]`."""

import sys
from pathlib import Path

import h5py
import numpy as np


def types(file):
    for name in ("i1", "u1", "<i2", ">i2", "<u4", "<i8", ">i8", "<f2", "<f4", ">f4", "<f8", ">f8"):
        file.create_dataset(f"numbers/{name}", data=np.array([[1, 2, 3], [4, 5, 100]], dtype=name))
    file.create_dataset("negative", data=np.array([-1, -128], dtype="i1"))
    file.create_dataset("flags", data=np.array([True, False, True]))
    file.create_dataset("scalar", data=2.5)
    file.create_dataset("empty", data=np.zeros((0, 3)))
    file.create_dataset("null", data=h5py.Empty("f4"))
    file.create_dataset("text", data="λόγος", dtype=h5py.string_dtype("utf-8"))
    file.create_dataset("no_text", data="", dtype=h5py.string_dtype("utf-8"))
    file.create_dataset("long_text", data="x" * 10_000, dtype=h5py.string_dtype("utf-8"))
    file.create_dataset("fixed_text", data=np.bytes_("fixed"))
    file.create_dataset("complex", data=np.array([1 + 2j]))
    compact = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    compact.set_layout(h5py.h5d.COMPACT)
    space = h5py.h5s.create_simple((2,))
    h5py.h5d.create(file.id, b"compact", h5py.h5t.IEEE_F64LE, space, compact).write(space, space, np.array([7.0, 8.0]))
    file.attrs["bytes"] = np.bytes_("bytes")
    file.attrs["string"] = "λ"
    file.attrs["integer"] = -3
    file.attrs["large"] = np.uint64(2**64 - 1)
    file.attrs["float"] = 0.1
    file.attrs["flag"] = True
    file.attrs["shape"] = (2, 3)
    file.attrs["texts"] = ["a", "bc"]
    file.attrs["half"] = np.float16(1.5)
    file.attrs["complex"] = 1j
    many = file.create_group("many")
    for index in range(300):
        many.attrs[f"attribute_{index:03}"] = index
        many[f"link_{index:03}"] = file["scalar"]


def chunks(file):
    rows = np.arange(100 * 70, dtype="<f4").reshape(100, 70)
    file.create_dataset("both", data=rows, chunks=(3, 7), compression="gzip", compression_opts=4, shuffle=True)
    file.create_dataset("deflate", data=rows, chunks=(64, 64), compression="gzip")
    file.create_dataset("shuffle", data=rows.astype("<f8"), chunks=(100, 7), shuffle=True)
    file.create_dataset("plain", data=rows, chunks=(51, 70))
    file.create_dataset("cube", data=np.arange(5 * 4 * 3, dtype="<i8").reshape(5, 4, 3), chunks=(2, 3, 2), compression="gzip")
    file.create_dataset("line", data=np.arange(10, dtype="<i4"), chunks=(4,), maxshape=(None,), compression="gzip")


def soft_link(file):
    file["there"] = np.arange(3)
    file["link"] = h5py.SoftLink("/there")


def external_link(file):
    file["link"] = h5py.ExternalLink("/etc/passwd", "/")


def lzf(file):
    file.create_dataset("data", data=np.zeros(100), compression="lzf")


def virtual(file):
    layout = h5py.VirtualLayout(shape=(3,), dtype="<f8")
    layout[:] = h5py.VirtualSource("other.h5", "data", shape=(3,))
    file.create_virtual_dataset("data", layout)


def external_data(file):
    file.create_dataset("data", shape=(3,), dtype="<f8", external=[("/etc/passwd", 0, 24)])


def sparse(file):
    file.create_dataset("data", shape=(1 << 40,), chunks=(1 << 12,), dtype="<f8", compression="gzip")[0] = 1.0
    file.create_dataset("holes", shape=(100,), chunks=(10,), dtype="<f8")[50] = 1.0
    file.create_dataset("unwritten", shape=(3,), dtype="<f8")


def main():
    directory = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent)
    for make in (types, chunks, soft_link, external_link, lzf, virtual, external_data, sparse):
        with h5py.File(directory / f"{make.__name__}.h5", "w") as file:
            make(file)
    with h5py.File(directory / "latest.h5", "w", libver="latest") as file:
        file["data"] = np.arange(3)


if __name__ == "__main__":
    main()
