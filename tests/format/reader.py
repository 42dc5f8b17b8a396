"""A second reader of repositories, written from docs/FORMAT.md alone: what it cannot read, that document does not tell.

It shares no code with the product. Names are those of the document, whose sections the comments give.
"""

import json
import re
import struct
from pathlib import Path

import zstandard
from argon2.low_level import Type, hash_secret_raw
from blake3 import blake3
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KIND_INDEX, KIND_MANIFEST = 1, 2
CLASS_FILES, CLASS_PAGES = 0, 1
TAG_ENTRIES, TAG_DIRECTORY_PAGES, TAG_EXTENTS, TAG_EXTENT_PAGES = 1, 2, 3, 4
KINDS = {1: "file", 2: "directory", 3: "symlink", 4: "fifo", 5: "socket", 6: "block device", 7: "character device", 8: "unreadable"}
MIB = 1 << 20
TAG_BYTES = 16


class Damaged(Exception):
    """What was read is not what the format says."""


def check(condition, message):
    if not condition:
        raise Damaged(message)


# --- 1. Conventions


class Cursor:
    """Reads a text from front to back."""

    def __init__(self, text):
        self.text, self.at = text, 0

    def take(self, count):
        check(count <= len(self.text) - self.at, "the text ends early")
        self.at += count
        return self.text[self.at - count : self.at]

    def u8(self):
        return self.take(1)[0]

    def u32(self):
        return struct.unpack("<I", self.take(4))[0]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.u8()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
            check(shift < 70, "a varint is too long")
        check(value < 1 << 64, "a varint has more than 64 bits")
        check(byte or shift == 7, "a varint is not in its shortest form")
        return value

    def zigzag(self):
        value = self.varint()
        return (value >> 1) ^ -(value & 1)

    def prefixed(self, most):
        length = self.varint()
        check(length <= most, f"{length} bytes where at most {most} may be")
        return self.take(length)

    def finish(self):
        check(self.at == len(self.text), "bytes are left over")


def signed(value):
    """A number modulo 2^64 as a signed one."""
    value %= 1 << 64
    return value - (1 << 64) if value >> 63 else value


def keyed(key, message):
    return blake3(message, key=key).digest()


def kdf(context, message):
    return blake3(message, derive_key_context=context).digest()


def nonce(number):
    return bytes(4) + struct.pack("<Q", number)


def seal(key, number, associated, message):
    return AESGCM(key).encrypt(nonce(number), message, associated)


def unseal(key, number, associated, sealed):
    try:
        return AESGCM(key).decrypt(nonce(number), sealed, associated)
    except InvalidTag:
        raise Damaged("it does not open with its key") from None


def unzstd(frame, length):
    """Decompresses one frame that must have exactly `length` bytes, and never makes more."""
    stream = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj(read_across_frames=False)
    try:
        content_bytes = zstandard.frame_content_size(frame)
        check(content_bytes in (-1, length), "a frame of another length")
        text = stream.decompress(frame)
    except zstandard.ZstdError as error:
        raise Damaged(f"not a zstd frame: {error}") from None
    check(stream.eof and not stream.unused_data, "not exactly one zstd frame")
    check(len(text) == length, "a frame of another length")
    return text


# --- 3. and 4. The configuration and the keys


def read_config(text):
    check(len(text) <= 64 << 10, "config is too large")
    config = json.loads(text)
    check(config["format"] == 1, f"format {config['format']} is not known")
    check(config["cipher"] == "aes-256-gcm" and config["hash"] == "blake3", "unknown algorithms")
    cut = config["chunking"]
    low, average, high, image = (cut[name] for name in ("min_bytes", "average_bytes", "max_bytes", "image_block_bytes"))
    check(256 <= low < average < high <= MIB and average & (average - 1) == 0, "chunking out of bounds")
    check(4096 <= image <= MIB and image & (image - 1) == 0, "image blocks out of bounds")
    return config


def argon2id_key(password, salt, memory_kib, passes, lanes):
    check(memory_kib <= MIB and passes <= 64 and lanes <= 64, "the derivation costs too much")
    return hash_secret_raw(password, salt, passes, memory_kib, lanes, 32, Type.ID, version=0x13)


def key_file_key(content, salt):
    check(len(content) >= 32, "a key file has at least 32 bytes")
    return kdf("backstay v1 key file", salt + content)


def wrapping_data(config_text, identifier, derivation):
    """The associated data of a wrapped key."""
    salt = bytes.fromhex(derivation["salt"])
    start = b"backstay v1 wrapped key" + blake3(config_text).digest() + identifier.encode()
    if derivation["name"] == "argon2id":
        return start + b"\x01" + salt + struct.pack("<III", derivation["memory_kib"], derivation["passes"], derivation["lanes"])
    return start + b"\x02" + salt


def open_key(config_text, identifier, text, password=None, key_file=None):
    """The master key, or None when the key is for another sort of credential."""
    check(len(text) <= 64 << 10, "a key is too large")
    key = json.loads(text)
    check(key["format"] == 1, "a key of another format")
    derivation = key["derivation"]
    salt = bytes.fromhex(derivation["salt"])
    if derivation["name"] == "argon2id" and password is not None:
        wrapping = argon2id_key(password, salt, derivation["memory_kib"], derivation["passes"], derivation["lanes"])
    elif derivation["name"] == "key-file" and key_file is not None:
        wrapping = key_file_key(key_file, salt)
    else:
        return None
    return unseal(wrapping, 0, wrapping_data(config_text, identifier, derivation), bytes.fromhex(key["wrapped"]))


class Subkeys:
    def __init__(self, master):
        check(len(master) == 32, "a master key has 32 bytes")
        self.chunk = kdf("backstay v1 chunk id", master)
        self.pack = kdf("backstay v1 pack", master)
        self.object = kdf("backstay v1 object", master)
        self.name = kdf("backstay v1 object name", master)
        self.boundary = kdf("backstay v1 chunk boundary", master)


# --- 5. and 6. Blocks and packs


class Block:
    """Where one block lies: `chunks` are pairs of an id (or its first 16 bytes) and a length."""

    def __init__(self, number, offset, sealed_bytes, encoding, chunks):
        self.number, self.offset, self.sealed_bytes, self.encoding, self.chunks = number, offset, sealed_bytes, encoding, chunks

    def associated(self):
        head = struct.pack("<IIBI", self.number, self.offset, self.encoding, len(self.chunks))
        return head + b"".join(identifier[:16] + struct.pack("<I", length) for identifier, length in self.chunks)


def read_blocks(cursor, id_bytes):
    """The footer text of a pack, with ids of `id_bytes` bytes."""
    blocks, offset = [], 48
    for number in range(cursor.varint()):
        sealed_bytes, encoding, count = cursor.varint(), cursor.u8(), cursor.varint()
        check(1 <= count <= 8192, "a block has 1 to 8192 chunks")
        chunks = []
        for _ in range(count):
            length = cursor.varint()
            check(1 <= length <= 4 * MIB, "a chunk has 1 byte to 4 MiB")
            chunks.append((cursor.take(id_bytes), length))
        check(sum(length for _, length in chunks) <= 8 * MIB, "a block has at most 8 MiB")
        blocks.append(Block(number, offset, sealed_bytes, encoding, chunks))
        offset += sealed_bytes
        check(offset <= 1 << 30, "a pack has at most 1 GiB")
    return blocks, offset


def decode_planes(encoded, length, width):
    cursor = Cursor(encoded)
    elements = length // width
    headers = [(cursor.u8(), cursor.u32()) for _ in range(width)]
    planes = []
    for mode, stored in headers:
        check(mode in (0, 1), "a plane of an unknown mode")
        check(mode == 1 or stored == elements, "a plane of another length")
        plane = cursor.take(stored)
        planes.append(plane if mode == 0 else unzstd(plane, elements))
    joined = bytearray(elements * width)
    for number, plane in enumerate(planes):
        joined[number::width] = plane
    rest = cursor.take(length - elements * width)
    cursor.finish()
    return bytes(joined) + rest


def decode_block(encoding, encoded, length):
    if encoding == 0x00:
        check(len(encoded) == length, "a stored block of another length")
        return encoded
    if encoding == 0x01:
        return unzstd(encoded, length)
    check(encoding in (0x12, 0x14, 0x18), f"encoding {encoding:02x} is not known")
    return decode_planes(encoded, length, encoding & 0x0F)


class Pack:
    """A whole pack: `salt`, `pack_class`, and its blocks from its own footer."""

    def __init__(self, keys, text):
        check(48 + 12 <= len(text) <= 1 << 30, "not as large as a pack")
        self.text = text
        self.header = text[:48]
        magic, version, self.pack_class, zeros, self.salt = struct.unpack("<8sHB5s32s", self.header)
        check(magic == b"BKSTPACK" and version == 1 and zeros == bytes(5), "not the header of a pack")
        check(self.pack_class in (CLASS_FILES, CLASS_PAGES), "an unknown class of pack")
        self.key = keyed(keys.pack, self.salt)
        footer_bytes, magic = struct.unpack("<I8s", text[-12:])
        check(magic == b"BKSTTAIL", "not the trailer of a pack")
        check(footer_bytes <= len(text) - 60, "the footer is longer than the pack")
        end = len(text) - 12 - footer_bytes
        footer = unseal(self.key, 2**64 - 1, self.header, text[end:-12])
        cursor = Cursor(footer)
        self.blocks, blocks_end = read_blocks(cursor, 32)
        cursor.finish()
        check(blocks_end == end, "the blocks do not fill the pack")
        self.name = keyed(keys.name, self.header + footer)

    def open_block(self, block):
        """The bytes of the chunks of a block."""
        sealed = self.text[block.offset : block.offset + block.sealed_bytes]
        encoded = unseal(self.key, block.number, block.associated(), sealed)
        content = decode_block(block.encoding, encoded, sum(length for _, length in block.chunks))
        cursor = Cursor(content)
        return [cursor.take(length) for _, length in block.chunks]


# --- 7., 8. and 9. Sealed objects


def open_object(keys, name, text, kind):
    check(len(text) >= 48 + TAG_BYTES, "too short for an object")
    check(keyed(keys.name, text).hex() == name, "its name is not that of its bytes")
    header = text[:48]
    magic, version, its_kind, compression, length, salt = struct.unpack("<8sHBBI32s", header)
    check(magic == b"BKSTOBJT" and version == 1 and its_kind == kind, "not the header of such an object")
    check(length <= 64 * MIB, "the text is too long")
    body = unseal(keyed(keys.object, salt), 0, header, text[48:])
    check(compression in (0, 1), "an unknown compression")
    if compression:
        return unzstd(body, length)
    check(len(body) == length, "a text of another length")
    return body


class IndexedPack:
    def __init__(self, name, salt, pack_class, length, blocks):
        self.name, self.salt, self.pack_class, self.length, self.blocks = name, salt, pack_class, length, blocks


def read_index(text):
    cursor = Cursor(text)
    packs = []
    for _ in range(cursor.varint()):
        name, salt, pack_class, length = cursor.take(32), cursor.take(32), cursor.u8(), cursor.varint()
        check(pack_class in (CLASS_FILES, CLASS_PAGES), "an unknown class of pack")
        blocks, end = read_blocks(cursor, 16)
        check(end <= length <= 1 << 30, "a pack shorter than its blocks")
        packs.append(IndexedPack(name, salt, pack_class, length, blocks))
    cursor.finish()
    return packs


TRIGGERS = ("manual", "safety", "upgrade", "scheduled", "group", "import")


def read_manifest(text):
    manifest = json.loads(text)
    for field in ("snapshot", "source", "tenant"):
        check(re.fullmatch("[A-Za-z0-9._-]{1,128}", manifest[field]), f"{field} is not an id")
    check(manifest["kind"] in ("workspace", "job", "training", "volume", "room"), "an unknown kind")
    check(manifest["trigger"] in TRIGGERS, "an unknown trigger")
    check(re.fullmatch("[0-9a-f]{64}", manifest["root"]["id"]) and 1 <= manifest["root"]["levels"] <= 24, "a root out of bounds")
    return manifest


# --- 10. Trees


class Entry:
    """One entry of a directory. `content` is a list of extents, `(levels, length, page)` or None."""


def read_extents(cursor, count):
    extents = []
    for _ in range(count):
        value = cursor.varint()
        length = value >> 1
        check(length >= 1, "an extent of no bytes")
        extents.append((length, None if value & 1 else cursor.take(32)))
    return extents


def read_content(cursor):
    first = cursor.u8()
    if first <= 8:
        return read_extents(cursor, first)
    levels = first - 0x80
    check(1 <= levels <= 24, "content in an unknown form")
    length = cursor.varint()
    return levels, length, cursor.take(32)


def read_entries(cursor, count):
    entries = []
    uid = gid = device = inode = mtime = 0
    name = None
    for _ in range(count):
        entry = Entry()
        flags = cursor.u8()
        check(flags & 0x0F in KINDS, "an entry of an unknown kind")
        entry.kind = KINDS[flags & 0x0F]
        entry.name = cursor.prefixed(1024)
        check(entry.name not in (b"", b".", b"..") and not set(b"/\0") & set(entry.name), "a name out of bounds")
        check(name is None or entry.name > name, "names out of order")
        name = entry.name
        entry.mode = cursor.varint()
        check(entry.mode < 1 << 12, "a mode out of bounds")
        if not flags & 0x40:
            uid, gid = cursor.varint(), cursor.varint()
        if not flags & 0x80:
            device = cursor.varint()
        inode = (inode + cursor.zigzag()) % (1 << 64)
        mtime = signed(mtime + cursor.zigzag())
        entry.uid, entry.gid, entry.device, entry.inode, entry.mtime = uid, gid, device, inode, mtime
        entry.ctime = signed(mtime + cursor.zigzag())
        entry.group = cursor.varint() if flags & 0x10 else None
        if entry.kind == "file":
            entry.content = read_content(cursor)
        elif entry.kind == "directory":
            entry.levels, entry.page = cursor.u8(), cursor.take(32)
            check(1 <= entry.levels <= 24, "a list of that many levels")
        elif entry.kind == "symlink":
            entry.target = cursor.prefixed(64 << 10)
        elif entry.kind in ("block device", "character device"):
            entry.number = cursor.varint()
        entry.attributes = []
        if flags & 0x20:
            attributes = cursor.varint()
            check(attributes <= 256, "too many attributes")
            entry.attributes = [(cursor.prefixed(64 << 10), cursor.prefixed(64 << 10)) for _ in range(attributes)]
        entries.append(entry)
    return entries


def read_page(text, tag):
    """The items of a page that must have that tag."""
    cursor = Cursor(text)
    check(cursor.u8() == tag, "a page of another sort")
    count = cursor.varint()
    if tag == TAG_ENTRIES:
        items = read_entries(cursor, count)
    elif tag == TAG_EXTENTS:
        items = read_extents(cursor, count)
    else:
        items = [(cursor.take(32), cursor.varint(), cursor.prefixed(1024)) for _ in range(count)]
    cursor.finish()
    return items


# --- Everything together


class Repository:
    """A repository in a directory, read as a whole into memory."""

    def __init__(self, root, password=None, key_file=None):
        self.root = Path(root)
        config_text = (self.root / "config").read_bytes()
        self.config = read_config(config_text)
        self.keys = Subkeys(self._master(config_text, password, key_file))
        self.packs = {}
        self.chunks = {}
        for name, text in self.objects("index"):
            for indexed in read_index(open_object(self.keys, name, text, KIND_INDEX)):
                self._add(indexed)

    def objects(self, directory):
        """Names and bytes of the objects of one sort."""
        pattern = "[0-9a-f]{16}" if directory == "keys" else "[0-9a-f]{64}"
        found = sorted(path for path in (self.root / directory).iterdir() if re.fullmatch(pattern, path.name))
        return [(path.name, path.read_bytes()) for path in found]

    def _master(self, config_text, password, key_file):
        for name, text in self.objects("keys"):
            try:
                master = open_key(config_text, name, text, password, key_file)
            except Damaged:
                continue
            if master is not None:
                return master
        raise Damaged("no key opens with that credential")

    def _add(self, indexed):
        """Checks what the index tells of a pack against the pack, and notes its chunks."""
        name = indexed.name.hex()
        if name not in self.packs:
            self.packs[name] = Pack(self.keys, (self.root / "packs" / name).read_bytes())
        pack = self.packs[name]
        check(pack.name.hex() == name, f"pack {name} has another name")
        told = (indexed.salt, indexed.pack_class, indexed.length)
        check(told == (pack.salt, pack.pack_class, len(pack.text)), f"the index is wrong about pack {name}")
        check(len(indexed.blocks) == len(pack.blocks), f"the index is wrong about the blocks of pack {name}")
        for short, block in zip(indexed.blocks, pack.blocks):
            check(short.associated() == block.associated(), f"the index is wrong about block {block.number} of pack {name}")
            check(short.sealed_bytes == block.sealed_bytes, f"the index is wrong about block {block.number} of pack {name}")
            for (identifier, length), content in zip(block.chunks, pack.open_block(block)):
                check(keyed(self.keys.chunk, content) == identifier, f"chunk {identifier.hex()} has other bytes")
                self.chunks[identifier] = (pack.pack_class, content)

    def chunk(self, identifier, chunk_class):
        check(identifier in self.chunks, f"chunk {identifier.hex()} is missing")
        its_class, content = self.chunks[identifier]
        check(its_class == chunk_class, f"chunk {identifier.hex()} is in a pack of another class")
        return content

    def manifests(self, directory="snapshots"):
        """Every manifest by its name."""
        return {name: read_manifest(open_object(self.keys, name, text, KIND_MANIFEST)) for name, text in self.objects(directory)}

    def entries(self, page, levels):
        """All entries of a directory."""
        items, _ = self._list(page, levels, TAG_ENTRIES, TAG_DIRECTORY_PAGES)
        names = [entry.name for entry in items]
        check(all(one < next_one for one, next_one in zip(names, names[1:])), "names out of order")
        return items

    def _list(self, page, levels, leaf_tag, inner_tag):
        """The items of a list and their weight."""
        text = self.chunk(page, CLASS_PAGES)
        if levels == 1:
            items = read_page(text, leaf_tag)
            return items, len(items) if leaf_tag == TAG_ENTRIES else sum(length for length, _ in items)
        items, total = [], 0
        for identifier, weight, key in read_page(text, inner_tag):
            below, its_weight = self._list(identifier, levels - 1, leaf_tag, inner_tag)
            check(its_weight == weight, "a page of another weight")
            check(key == (below[0].name if leaf_tag == TAG_ENTRIES else b""), "a page with another key")
            items += below
            total += weight
        return items, total

    def extents(self, entry):
        """The extents of a file."""
        if isinstance(entry.content, list):
            return entry.content
        levels, length, page = entry.content
        extents, weight = self._list(page, levels, TAG_EXTENTS, TAG_EXTENT_PAGES)
        check(weight == length, "a file of another length")
        return extents

    def content(self, entry):
        """The bytes of a file."""
        parts = []
        for length, identifier in self.extents(entry):
            part = bytes(length) if identifier is None else self.chunk(identifier, CLASS_FILES)
            check(len(part) == length, "an extent of another length than its chunk")
            parts.append(part)
        return b"".join(parts)
