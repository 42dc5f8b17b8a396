"""The disk image: a real ext4 file system of 1.5 GiB, and the same image with 1 % of its bytes changed.

Compressible files (part of the source tree), incompressible files, zeroed blocks, and holes where nothing was
ever written. The changes are extents of 4 KiB to 1 MiB at multiples of 4 KiB, as a running machine makes them.
"""

import os
import random
import shutil
import subprocess
from pathlib import Path

BLOCK = 4096
RANDOM_BYTES = 350 << 20
TEXT_BYTES = 420 << 20
ZERO_BYTES = 96 << 20


def build(image, tree, seed, size=1536 << 20):
    """Writes the image; `tree` is the finished source tree."""
    rng = random.Random(f"{seed}/disk")
    scale = size / (1536 << 20)
    staging = image.with_name("staging")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    _copy_part(tree, staging / "src", int(TEXT_BYTES * scale))
    (staging / "media").mkdir()
    left = int(RANDOM_BYTES * scale)
    number = 0
    while left > 0:
        length = min(left, int(rng.lognormvariate(14.5, 1.3)))
        (staging / "media" / f"clip_{number}.bin").write_bytes(rng.randbytes(length))
        left -= length
        number += 1
    for root, folders, names in os.walk(staging):
        for name in folders + names:
            os.utime(os.path.join(root, name), (1_700_000_000, 1_700_000_000), follow_symlinks=False)
    image.unlink(missing_ok=True)
    with image.open("wb") as file:
        file.truncate(size)
    mke2fs = shutil.which("mke2fs") or "/usr/sbin/mke2fs"
    subprocess.run(
        [mke2fs, "-q", "-F", "-t", "ext4", "-d", staging, "-U", "6a0e35c4-9f1b-4a55-8f07-3c1d3a6c9b11",
         "-E", "hash_seed=6a0e35c4-9f1b-4a55-8f07-3c1d3a6c9b12,lazy_itable_init=1", image],
        check=True, env={**os.environ, "E2FSPROGS_FAKE_TIME": "1700000000"},
    )
    shutil.rmtree(staging)
    # Blocks that were freed and zeroed: allocated on the host, all zero.
    with image.open("r+b") as file:
        left = int(ZERO_BYTES * scale)
        for start, end in _holes(file.fileno(), size):
            take = min(left, (end - start) // 2 // BLOCK * BLOCK)
            file.seek(start)
            for offset in range(0, take, 1 << 20):
                file.write(bytes(min(1 << 20, take - offset)))
            left -= take
            if left <= 0:
                break
    os.utime(image, (1_700_000_000, 1_700_000_000))


def _copy_part(tree, target, total):
    for path in sorted(tree.rglob("*")):
        if total <= 0:
            return
        if path.is_file() and not path.is_symlink():
            copy = target / path.relative_to(tree)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
            total -= max(path.stat().st_size, BLOCK)


def _data(descriptor, size):
    """Yields the (start, end) of every region that is not a hole."""
    at = 0
    while at < size:
        try:
            start = os.lseek(descriptor, at, os.SEEK_DATA)
        except OSError:
            return
        at = os.lseek(descriptor, start, os.SEEK_HOLE)
        yield start, at


def _holes(descriptor, size):
    at = 0
    for start, end in list(_data(descriptor, size)):
        if start > at:
            yield at, start
        at = end
    if at < size:
        yield at, size


def change(image, changed, seed, share=0.01):
    """Writes the changed image beside the image and returns the number of changed bytes."""
    rng = random.Random(f"{seed}/disk/changes")
    subprocess.run(["cp", "--sparse=auto", "--reflink=auto", image, changed], check=True)
    size = image.stat().st_size
    left = total = int(size * share) // BLOCK * BLOCK
    with changed.open("r+b") as file:
        regions = [(start, end) for start, end in _data(file.fileno(), size) if end - start >= BLOCK]
        weights = [end - start for start, end in regions]
        while left > 0:
            length = min(left, BLOCK << rng.choices(range(9), [30, 20, 14, 10, 8, 6, 5, 4, 3])[0])
            if rng.random() < 0.05:
                at = rng.randrange((size - length) // BLOCK) * BLOCK
            else:
                start, end = rng.choices(regions, weights)[0]
                at = min(start + rng.randrange((end - start) // BLOCK) * BLOCK, size - length)
            file.seek(at)
            old = file.read(length)
            file.seek(at)
            file.write(rng.randbytes(length) if rng.random() < 0.4 else _similar(rng, old))
            left -= length
    os.utime(changed, (1_700_003_600, 1_700_003_600))
    return total


def _similar(rng, old):
    """A new version of the same kind of data: every 4 KiB block differs, but compresses as before."""
    new = bytearray(old)
    for start in range(0, len(new), BLOCK):
        for _ in range(8):
            at = start + rng.randrange(BLOCK - 16)
            new[at : at + 16] = b"%016x" % rng.getrandbits(64)
    return bytes(new)
