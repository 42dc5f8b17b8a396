"""Compares two directory trees: every byte, type, permission, modification time and link target."""

import filecmp
import os
import stat
from pathlib import Path


def differences(first, second, limit=20, times=True):
    """Lists what differs below `second` from what is below `first`; an empty list means identical."""
    found = []
    _walk(Path(first), Path(second), Path(), found, limit, times)
    return found


def _walk(first, second, relative, found, limit, times):
    ours = {entry.name: entry for entry in os.scandir(first / relative) if entry.name != ".backstay"}
    theirs = {entry.name: entry for entry in os.scandir(second / relative)}
    found += [f"missing: {relative / name}" for name in sorted(ours.keys() - theirs.keys())]
    found += [f"added: {relative / name}" for name in sorted(theirs.keys() - ours.keys())]
    for name in sorted(ours.keys() & theirs.keys()):
        if len(found) >= limit:
            return
        path = relative / name
        left, right = os.lstat(first / path), os.lstat(second / path)
        if stat.S_IFMT(left.st_mode) != stat.S_IFMT(right.st_mode):
            found.append(f"type: {path}")
        elif stat.S_ISLNK(left.st_mode):
            if os.readlink(first / path) != os.readlink(second / path):
                found.append(f"target: {path}")
            continue
        elif stat.S_IMODE(left.st_mode) != stat.S_IMODE(right.st_mode):
            found.append(f"mode: {path}")
        elif times and left.st_mtime_ns // 1000 != right.st_mtime_ns // 1000 and stat.S_ISREG(left.st_mode):
            found.append(f"mtime: {path}")
        if stat.S_ISREG(left.st_mode) and not filecmp.cmp(first / path, second / path, shallow=False):
            found.append(f"content: {path}")
        if stat.S_ISDIR(left.st_mode):
            _walk(first, second, path, found, limit, times)
