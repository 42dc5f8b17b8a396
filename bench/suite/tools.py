"""The tools under comparison, each at its default with encryption on.

A tool keeps everything it writes below its own directory: the repository in `repository`, caches beside it.
"""

import shutil
from pathlib import Path

from . import measure

SECRET = "correct horse battery staple"


class Tool:
    """One tool and one repository. Every method runs one measured step and returns its cost."""

    name = ""

    def __init__(self, home, programs, dataset):
        self.home = home
        self.programs = programs
        self.source = dataset.root
        self.repository = home / "repository"
        self.environment = {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "TMPDIR": str(home)}

    def run(self, *command, cwd=None):
        return measure.run([str(part) for part in command], cwd=cwd or self.source, environment=self.environment)

    def initialise(self):
        """Makes an empty repository; not measured."""
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir(parents=True)

    def stored(self):
        """The bytes of the repository."""
        return measure.stored(self.repository)

    def before(self):
        """Puts the workspace into the state this tool expects; not measured."""

    def after(self):
        """Undoes `before`; not measured."""


class Backstay(Tool):
    """Uses a key file in the workspace. `.backstay` is in the workspace only while its own steps run."""

    name = "backstay"

    def __init__(self, home, programs, dataset):
        super().__init__(home, programs, dataset)
        self.program = programs.backstay
        self.control = home / "control"

    def initialise(self):
        super().initialise()
        self.control.mkdir()
        self.repository = self.control / "repository"

    def before(self):
        self.control.rename(self.source / ".backstay")

    def after(self):
        (self.source / ".backstay").rename(self.control)

    def save(self):
        return self.run(self.program, "-C", self.source, "save")

    def restore(self, target):
        return self.run(self.program, "-C", self.source, "restore", "latest", "--to", target)

    def verify(self):
        return self.run(self.program, "-C", self.source, "verify", "--all", "--data", "full")


class Restic(Tool):
    name = "restic"

    def initialise(self):
        super().initialise()
        self.environment |= {"RESTIC_REPOSITORY": str(self.repository), "RESTIC_PASSWORD": SECRET}
        self.run(self.programs.restic, "init", "-q")

    def save(self):
        return self.run(self.programs.restic, "backup", "-q", ".")

    def restore(self, target):
        return self.run(self.programs.restic, "restore", "-q", "latest", "--target", target)

    def verify(self):
        return self.run(self.programs.restic, "check", "-q", "--read-data")


class Rustic(Tool):
    name = "rustic"

    def initialise(self):
        super().initialise()
        self.environment |= {
            "RUSTIC_REPOSITORY": str(self.repository), "RUSTIC_PASSWORD": SECRET, "RUSTIC_NO_PROGRESS": "true",
            "RUSTIC_LOG_LEVEL": "warn",
        }
        self.run(self.programs.rustic, "init")

    def save(self):
        return self.run(self.programs.rustic, "backup", ".")

    def restore(self, target):
        return self.run(self.programs.rustic, "restore", "latest", target)

    def verify(self):
        return self.run(self.programs.rustic, "check", "--read-data")


class Borg(Tool):
    name = "borg"

    def initialise(self):
        super().initialise()
        self.count = 0
        self.environment |= {
            "BORG_REPO": str(self.repository), "BORG_PASSPHRASE": SECRET, "BORG_BASE_DIR": str(self.home),
            "BORG_RELOCATED_REPO_ACCESS_IS_OK": "yes",
        }
        self.run(self.programs.borg, "init", "-e", "repokey-blake2")

    def save(self):
        self.count += 1
        return self.run(self.programs.borg, "create", f"::save-{self.count}", ".")

    def restore(self, target):
        return self.run(self.programs.borg, "extract", f"::save-{self.count}", cwd=target)

    def verify(self):
        return self.run(self.programs.borg, "check", "--verify-data")


class Bupstash(Tool):
    """Has no command that verifies: reading everything back with `get` decrypts and authenticates every byte."""

    name = "bupstash"

    def initialise(self):
        super().initialise()
        self.environment |= {
            "BUPSTASH_REPOSITORY": str(self.repository), "BUPSTASH_KEY": str(self.home / "key"),
            "BUPSTASH_SEND_LOG": str(self.home / "send.log"), "BUPSTASH_QUERY_CACHE": str(self.home / "query.cache"),
        }
        self.run(self.programs.bupstash, "init")
        self.run(self.programs.bupstash, "new-key", "-o", self.home / "key")

    def save(self):
        cost, output = self.run(self.programs.bupstash, "put", "-q", "name=workspace", self.source)
        self.last = output.strip()
        return cost, output

    def restore(self, target):
        return self.run(self.programs.bupstash, "restore", "-q", "--ownership", "--xattrs", "--into", target, f"id={self.last}")

    def verify(self):
        command = f'"{self.programs.bupstash}" get -q id={self.last} > /dev/null'
        return measure.run(command, cwd=self.source, environment=self.environment, shell=True)


class TarZstd(Tool):
    """The floor: a compressed archive, neither encrypted nor deduplicated."""

    name = "tar+zstd"

    def initialise(self):
        super().initialise()
        self.repository.mkdir()

    def save(self):
        command = f'tar -cf - . | zstd -q -1 -T2 -o "{self.repository}/archive.tar.zst" -f'
        return measure.run(command, cwd=self.source, environment=self.environment, shell=True)


PEERS = {tool.name: tool for tool in (Restic, Rustic, Borg, Bupstash)}
ALL = {Backstay.name: Backstay, **PEERS, TarZstd.name: TarZstd}


class Programs:
    """Where the programs are."""

    def __init__(self, **paths):
        for name, path in paths.items():
            setattr(self, name, Path(path) if path else None)
