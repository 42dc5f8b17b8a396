"""docs/FORMAT.md tells enough to read the golden archive: a reader written from it alone finds every byte and all metadata."""

import json
import shutil
from pathlib import Path

import pytest
from blake3 import blake3

from reader import Damaged, Repository

GOLDEN = Path(__file__).resolve().parent.parent.parent / "testdata" / "golden-v1"
PASSWORD = b"correct horse battery staple"
KEY_FILE = b"\x42" * 32
ESCAPES = {0x09: "\\t", 0x0A: "\\n", 0x0D: "\\r", 0x22: '\\"', 0x27: "\\'", 0x5C: "\\\\"}


def escaped(text):
    """Bytes as `expected.txt` shows them."""
    return "".join(ESCAPES.get(byte) or (chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}") for byte in text)


def hash_of(content):
    return blake3(content).hexdigest()


def described(repository, entry):
    if entry.kind == "file":
        content = repository.content(entry)
        holes = sum(identifier is None for _, identifier in repository.extents(entry))
        return f"file {len(content)} holes {holes} {hash_of(content)}"
    if entry.kind == "symlink":
        return f"symlink {escaped(entry.target)}"
    if entry.kind in ("block device", "character device"):
        return f"{entry.kind} {entry.number}"
    return entry.kind


def lines(repository, page, levels, prefix=""):
    """One line for each entry below a directory, as `expected.txt` has them."""
    for entry in repository.entries(page, levels):
        path = f"{prefix}/{escaped(entry.name)}"
        link = "None" if entry.group is None else f"Some({entry.group})"
        attributes = " ".join(f"{escaped(name)}={hash_of(value)}" for name, value in entry.attributes)
        numbers = f"{entry.mode:o} {entry.uid}:{entry.gid} mtime {entry.mtime} ctime {entry.ctime} inode {entry.inode} device {entry.device}"
        yield f"{path} | {described(repository, entry)} | {numbers} link {link} | {attributes}"
        if entry.kind == "directory":
            yield from lines(repository, entry.page, entry.levels, path)


def expected():
    """What the archive holds: the manifest and the lines of each snapshot, by the name of its manifest."""
    snapshots = {}
    for part in (GOLDEN / "expected.txt").read_text().strip("\n").split("\n\n"):
        name, rest = part.split("\n", 1)
        manifest, entries = rest.split("\n}\n", 1)
        snapshots[name] = (json.loads(manifest + "}"), entries.split("\n"))
    return snapshots


@pytest.fixture(scope="module", params=["password", "key file"])
def repository(request):
    if request.param == "password":
        return Repository(GOLDEN / "repository", password=PASSWORD)
    return Repository(GOLDEN / "repository", key_file=KEY_FILE)


def test_the_archive_has_the_expected_manifests(repository):
    assert repository.manifests() == {name: manifest for name, (manifest, _) in expected().items()}


def test_every_file_has_the_expected_bytes_and_metadata(repository):
    for name, (manifest, entries) in expected().items():
        root = manifest["root"]
        assert sorted(lines(repository, bytes.fromhex(root["id"]), root["levels"])) == sorted(entries), name


def test_a_deleted_manifest_is_readable_and_its_tree_too(repository):
    deleted = repository.manifests("trash")
    assert len(deleted) == 1
    for manifest in deleted.values():
        assert list(lines(repository, bytes.fromhex(manifest["root"]["id"]), manifest["root"]["levels"]))


def test_the_archive_shows_every_encoding(repository):
    encodings = {block.encoding for pack in repository.packs.values() for block in pack.blocks}
    assert {0x00, 0x01} <= encodings and encodings & {0x12, 0x14, 0x18}, encodings


def test_another_credential_opens_nothing():
    with pytest.raises(Damaged, match="no key opens"):
        Repository(GOLDEN / "repository", password=b"correct horse battery stable")


@pytest.mark.parametrize("directory", ["index", "packs", "snapshots"])
def test_the_reader_notices_one_changed_bit(directory, tmp_path):
    copy = tmp_path / "repository"
    shutil.copytree(GOLDEN / "repository", copy)
    victim = sorted((copy / directory).iterdir())[0]
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(content)
    with pytest.raises(Damaged):
        Repository(copy, key_file=KEY_FILE).manifests()
