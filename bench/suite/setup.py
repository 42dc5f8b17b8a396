"""Finds or installs the programs that the comparison needs."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from .tools import Programs

RUSTIC = "0.11.4"
BUPSTASH = "0.12.0"
PYTHON_PACKAGES = Path(__file__).parent.parent / "requirements.txt"
DEBIAN = ["restic", "zstd", "e2fsprogs", "pkg-config", "libsodium-dev", "libacl1-dev", "libssl-dev", "liblz4-dev", "libzstd-dev", "libxxhash-dev"]


def cache():
    """The directory outside the clone that keeps installed programs between runs."""
    base = os.environ.get("BACKSTAY_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "backstay"
    return Path(base)


def environment(name, requirements, packages=()):
    """The Python that has these packages; made when it is missing. `BACKSTAY_BENCH_VENV` names a ready one."""
    venv = Path(os.environ.get("BACKSTAY_BENCH_VENV") or cache() / name)
    python = venv / "bin" / "python"
    stamp = venv / "requirements.txt"
    if os.environ.get("BACKSTAY_BENCH_VENV"):
        return python
    if not stamp.exists() or stamp.read_text() != requirements.read_text():
        debian(packages)
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "-r", requirements], check=True)
        shutil.copyfile(requirements, stamp)
    return python


def environment_python():
    """The Python that has numpy, h5py and borg."""
    return environment("bench-venv", PYTHON_PACKAGES, DEBIAN)


def debian(packages):
    """Installs Debian packages that are missing, when this machine and user can."""
    missing = [name for name in packages if subprocess.run(["dpkg", "-s", name], capture_output=True).returncode]
    if not missing:
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        sys.exit(f"bench: install these Debian packages first: {' '.join(missing)}")
    subprocess.run(["apt-get", "update", "-qq"], check=True)
    subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing], check=True, stdout=subprocess.DEVNULL)


def _cargo(name, version, program, target):
    """Builds a program from crates.io unless it is there; `BACKSTAY_BENCH_PEERS` names a directory with ready ones."""
    ready = os.environ.get("BACKSTAY_BENCH_PEERS")
    root = Path(ready) if ready else cache() / "peers"
    path = root / "bin" / program
    if not path.exists():
        subprocess.run(["cargo", "install", "--locked", "--root", root, "--target-dir", target, f"{name}@{version}"], check=True)
    return path


def programs(backstay, wanted):
    """Returns the paths of all wanted programs, installing what is missing."""
    python = environment_python()
    target = cache() / "peers-target"
    if "restic" in wanted:
        debian(["restic"])
    return Programs(
        backstay=backstay,
        restic=shutil.which("restic"),
        rustic=_cargo("rustic-rs", RUSTIC, "rustic", target) if "rustic" in wanted else None,
        bupstash=_cargo("bupstash", BUPSTASH, "bupstash", target) if "bupstash" in wanted else None,
        borg=python.parent / "borg",
        python=python,
    )


def versions(chosen, wanted):
    """The version of every wanted tool."""
    lines = {}
    for name in wanted:
        command = {"tar+zstd": ["zstd", "--version"], "restic": [chosen.restic, "version"]}.get(name) or [getattr(chosen, name), "--version"]
        line = subprocess.run(command, capture_output=True, text=True).stdout.strip().splitlines()[0]
        version = re.search(r"\d+\.\d+\.\d+", line)
        lines[name] = version[0] if version else line
    return lines
