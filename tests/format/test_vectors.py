"""The test vectors of docs/FORMAT.md, section 12, computed by the reader that was written from the rest of it."""

import re
import struct
from pathlib import Path

import pytest

import reader
from reader import Cursor, Pack, Subkeys, argon2id_key, decode_planes, key_file_key, keyed, open_object, read_content, read_index, read_page

FORMAT = Path(__file__).resolve().parent.parent.parent / "docs" / "FORMAT.md"
MASTER = bytes(range(32))
SALT = b"\x11" * 32
KEYS = Subkeys(MASTER)
CONFIG = b"""{
  "format": 1,
  "repository": "00112233445566778899aabbccddeeff",
  "cipher": "aes-256-gcm",
  "hash": "blake3",
  "chunking": {
    "min_bytes": 16384,
    "average_bytes": 65536,
    "max_bytes": 262144,
    "image_block_bytes": 65536
  },
  "collect_grace_seconds": 86400
}
"""


@pytest.fixture(scope="module")
def vectors():
    block = re.search(r"```vectors\n(.*?)```", FORMAT.read_text(), re.DOTALL)[1]
    return dict(line.split(" = ") for line in block.strip().splitlines())


def test_numbers(vectors):
    cursor = Cursor(bytes.fromhex(vectors["varint 0 127 128 300 2^64-1"]))
    assert [cursor.varint() for _ in range(5)] == [0, 127, 128, 300, 2**64 - 1]
    cursor.finish()
    cursor = Cursor(bytes.fromhex(vectors["zigzag 0 -1 1 -64 64 -2^63"]))
    assert [cursor.zigzag() for _ in range(6)] == [0, -1, 1, -64, 64, -(2**63)]
    cursor.finish()


@pytest.mark.parametrize("text", ["8000", "ff80808080808080808000", "80808080808080808002", "ffffffffffffffffffff01"])
def test_numbers_in_another_form_are_refused(text):
    with pytest.raises(reader.Damaged):
        Cursor(bytes.fromhex(text)).varint()


def test_names(vectors):
    assert keyed(KEYS.chunk, b"abc").hex() == vectors["chunk id of abc"]
    assert keyed(KEYS.name, b"abc").hex() == vectors["name of abc"]


def test_keys(vectors):
    assert argon2id_key(b"correct horse", SALT, 64, 1, 1).hex() == vectors["argon2id wrapping key"]
    assert key_file_key(b"\x42" * 32, SALT).hex() == vectors["key file wrapping key"]
    assert reader.blake3(CONFIG).hexdigest() == vectors["blake3 of config"]
    salt = bytes(range(0x20, 0x40))
    associated = reader.wrapping_data(CONFIG, vectors["key id"], {"name": "key-file", "salt": salt.hex()})
    assert reader.seal(key_file_key(b"\x42" * 32, salt), 0, associated, MASTER).hex() == vectors["key wrapped"]


def test_objects(vectors):
    sealed = bytes.fromhex(vectors["object kind 2 with {}"])
    assert open_object(KEYS, vectors["object name"], sealed, reader.KIND_MANIFEST) == b"{}"


def test_packs(vectors):
    pack = Pack(KEYS, bytes.fromhex(vectors["pack"]))
    assert pack.name.hex() == vectors["pack id"]
    assert pack.salt == b"\x55" * 32
    assert [block.associated().hex() for block in pack.blocks] == [vectors["block associated data"]]
    assert pack.open_block(pack.blocks[0]) == [b"abc", b"defgh"]


def test_index(vectors):
    (pack,) = read_index(bytes.fromhex(vectors["index"]))
    assert (pack.name, pack.salt, pack.pack_class, pack.length) == (b"\x01" * 32, b"\x02" * 32, 1, 1000)
    (block,) = pack.blocks
    assert (block.sealed_bytes, block.encoding) == (900, 0x14)
    assert block.chunks == [(b"\x03" * 16, 10), (b"\x04" * 16, 20)]


def test_planes(vectors):
    assert decode_planes(bytes.fromhex(vectors["planes of 0a1a 0b1b ff"]), 5, 2).hex() == "0a1a0b1bff"


def test_contents(vectors):
    extents = Cursor(bytes.fromhex(vectors["extents"]))
    assert reader.read_extents(extents, 2) == [(5, b"\xaa" * 32), (4096, None)]
    extents.finish()
    paged = Cursor(bytes.fromhex(vectors["paged content"]))
    assert read_content(paged) == (3, 1 << 40, b"\xbb" * 32)
    paged.finish()


def test_directory_page(vectors):
    file, directory, symlink = read_page(bytes.fromhex(vectors["directory page"]), reader.TAG_ENTRIES)
    mtime = 1_700_000_000 * 10**9
    assert (file.name, file.kind, file.mode, file.uid, file.gid) == (b"a", "file", 0o644, 1000, 100)
    assert (file.device, file.inode, file.mtime, file.ctime, file.group) == (7, 12, mtime, mtime + 100, 1)
    assert (file.attributes, file.content) == ([(b"user.k", b"v")], [(5, b"\xaa" * 32)])
    assert (directory.name, directory.kind, directory.mode, directory.uid, directory.gid) == (b"b", "directory", 0o755, 1000, 100)
    assert (directory.device, directory.inode, directory.mtime, directory.ctime) == (7, 13, mtime - 1, mtime - 1)
    assert (directory.levels, directory.page) == (1, b"\xcc" * 32)
    assert (symlink.name, symlink.kind, symlink.target) == (b"c", "symlink", b"a")
    assert (symlink.mode, symlink.uid, symlink.gid, symlink.device, symlink.inode, symlink.mtime, symlink.ctime) == (0,) * 7


def boundaries(text, table, low, average, high):
    """Where chunks of a stream end, by section 10."""
    bits = average.bit_length() - 1
    ends, start, value = [], 0, 0
    for position, byte in enumerate(text, 1):
        value = (2 * value + table[byte]) % (1 << 64)
        length = position - start
        limit = 1 << (64 - bits - 2 if length < average else 64 - bits + 2)
        if length >= low and value < limit or length == high:
            ends.append(position)
            start = position
    return ends


def split_mix_64(seed, count):
    words = []
    for _ in range(count // 8):
        seed = (seed + 0x9E3779B97F4A7C15) % (1 << 64)
        word = (seed ^ seed >> 30) * 0xBF58476D1CE4E5B9 % (1 << 64)
        word = (word ^ word >> 27) * 0x94D049BB133111EB % (1 << 64)
        words.append(word ^ word >> 31)
    return struct.pack(f"<{len(words)}Q", *words)


def test_boundaries(vectors):
    table = struct.unpack("<256Q", reader.blake3(key=KEYS.boundary).digest(length=2048))
    assert [f"{table[number]:016x}" for number in (0, 1, 255)] == vectors["boundary table 0 1 255"].split()
    found = boundaries(split_mix_64(1, 400_000), table, 16384, 65536, 262144)
    assert found == [int(number) for number in vectors["boundaries"].split()]
