"""What the program stores today is what docs/FORMAT.md tells: a directory of every sort of content, saved by the program and
read by the reader that was written from the document."""

import os
import random
import stat
import struct
import subprocess

import pytest

from reader import Repository

PASSWORD = "a password for these tests"


def fill(root):
    """Makes a directory with files of every sort that this user may make, in pages and blocks of every kind."""
    noise = random.Random(7)
    (root / "deep" / "er").mkdir(parents=True)
    (root / "empty directory").mkdir()
    (root / "empty").write_bytes(b"")
    (root / "text").write_text("".join(f"line {noise.randrange(1000)} of some text\n" for _ in range(200_000)))
    (root / "noise").write_bytes(noise.randbytes(1_500_000))
    (root / "array").write_bytes(b"".join(struct.pack("<f", 0.001 * number) for number in range(300_000)))
    with (root / "sparse").open("wb") as file:
        file.write(b"start")
        file.seek(5 << 20)
        file.write(b"middle")
        file.truncate(9 << 20)
    for number in range(1200):
        (root / "deep" / "er" / f"{number}.txt").write_text(f"file {number} " * (number % 50))
    os.link(root / "text", root / "deep" / "the same text")
    os.symlink("../text", root / "deep" / "link")
    os.symlink("nowhere\n", root / "dangling")
    os.mkfifo(root / "fifo")
    (root / ("n" * 255)).write_text("long")
    with open(os.fsencode(root) + b"/name \xff\xfe\n", "wb") as file:
        file.write(b"not UTF-8")
    os.chmod(root / "noise", 0o4711)
    os.utime(root / "empty", ns=(0, -1_500_000_001))
    try:
        os.setxattr(root / "array", "user.comment", b"\x00\xff")
    except OSError:
        pytest.fail("these tests need a file system with extended attributes below the temporary directory")


def seen(root):
    """What the file system shows: metadata and bytes by path."""
    found = {}
    for directory, directories, files in os.walk(os.fsencode(root)):
        for name in directories + files:
            path = os.path.join(directory, name)
            status = os.lstat(path)
            is_file = stat.S_ISREG(status.st_mode)
            if stat.S_ISLNK(status.st_mode):
                content = os.readlink(path)
            else:
                content = open(path, "rb").read() if is_file else None
            attributes = [] if stat.S_ISLNK(status.st_mode) else [(name.encode(), os.getxattr(path, name)) for name in os.listxattr(path)]
            found[os.path.relpath(path, os.fsencode(root))] = {
                "kind": stat.S_IFMT(status.st_mode),
                "mode": stat.S_IMODE(status.st_mode),
                "owner": (status.st_uid, status.st_gid),
                "inode": status.st_ino,
                "mtime": status.st_mtime_ns,
                "content": content,
                "attributes": attributes,
                "linked": is_file and status.st_nlink > 1,
            }
    return found


FORMATS = {"file": stat.S_IFREG, "directory": stat.S_IFDIR, "symlink": stat.S_IFLNK, "fifo": stat.S_IFIFO}


def stored(repository, page, levels, prefix=b""):
    """The same from the repository."""
    for entry in repository.entries(page, levels):
        path = prefix + entry.name
        content = {"file": lambda e: repository.content(e), "symlink": lambda e: e.target}.get(entry.kind, lambda e: None)(entry)
        yield path, {
            "kind": FORMATS[entry.kind],
            "mode": entry.mode,
            "owner": (entry.uid, entry.gid),
            "inode": entry.inode,
            "mtime": entry.mtime,
            "content": content,
            "attributes": entry.attributes,
            "linked": entry.group is not None,
        }
        if entry.kind == "directory":
            yield from stored(repository, entry.page, entry.levels, path + b"/")


def test_what_the_program_saves_is_what_the_document_tells(program, tmp_path):
    root, target, password = tmp_path / "work", tmp_path / "repository", tmp_path / "password"
    root.mkdir()
    fill(root)
    password.write_text(PASSWORD)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BACKSTAY_")}
    environment |= {"HOME": str(tmp_path), "BACKSTAY_REPOSITORY": str(target), "BACKSTAY_PASSWORD_FILE": str(password)}

    def backstay(*arguments):
        done = subprocess.run([program, *arguments], cwd=root, env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"{arguments}: {done.stderr}"

    backstay("repository", "init")
    expected = {}
    for label in ("first", "second"):
        backstay("save", "--label", label)
        expected[label] = {path: entry for path, entry in seen(root).items() if not path.startswith(b".backstay")}
        (root / "text").write_text((root / "text").read_text().replace("line 500 ", "line five hundred "))
        (root / "deep" / "er" / "7.txt").unlink(missing_ok=True)

    repository = Repository(target, password=PASSWORD.encode())
    manifests = {manifest["label"]: manifest for manifest in repository.manifests().values()}
    assert sorted(manifests) == ["first", "second"]
    for label, manifest in manifests.items():
        found = dict(stored(repository, bytes.fromhex(manifest["root"]["id"]), manifest["root"]["levels"]))
        assert sorted(found) == sorted(expected[label])
        for path, entry in expected[label].items():
            assert found[path] == entry, path
        holes = [length for entry in repository.entries(bytes.fromhex(manifest["root"]["id"]), manifest["root"]["levels"])
                 if entry.name == b"sparse" for length, chunk in repository.extents(entry) if chunk is None]
        assert sum(holes) > 8 << 20, "a hole is stored as a hole"
    assert manifests["second"]["parent"] == manifests["first"]["snapshot"]
