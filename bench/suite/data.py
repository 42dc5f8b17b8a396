"""Makes the three data sets, once; every later run finds them ready."""

import json
import shutil
import subprocess
from pathlib import Path

from . import disk, tree

SEED = 20260
DATASETS = ("tree", "disk", "tensors")


class Dataset:
    """A directory to be saved, and the way to its changed version and back."""

    def __init__(self, name, work, python, scale):
        self.name = name
        self.python = python
        self.scale = scale
        self.home = work / "data" / (name if scale == 1 else f"{name}-{scale}")
        self.root = self.home / "workspace"
        self.changed = False

    def prepare(self, sources):
        """Builds the data unless a complete copy is there. `sources` is the tree, which the disk is made of."""
        if (self.home / "facts.json").exists():
            if self.changed or (self.home / "is_changed").exists():
                self.changed = True
                self.revert()
            return
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir(parents=True)
        facts = {}
        if self.name == "tree":
            tree.build(self.root, SEED, files=int(80_000 * self.scale), total_bytes=int((1 << 30) * self.scale))
            tree.plan_changes(self.root, self.home / "changes", SEED)
        else:
            self.root.mkdir()
            first, second = self.root / self.file, self.home / self.file
            if self.name == "disk":
                disk.build(first, sources.root, SEED, size=int((1536 << 20) * self.scale))
                facts["changed_bytes"] = disk.change(first, second, SEED)
            else:
                script = Path(__file__).with_name("tensors.py")
                subprocess.run([self.python, script, first, second, str(SEED), str(int((1 << 30) * self.scale))], check=True)
        facts["files"] = sum(1 for path in self.root.rglob("*") if not path.is_dir())
        facts["bytes"] = sum(path.lstat().st_size for path in self.root.rglob("*") if path.is_file())
        facts["allocated_bytes"] = sum(path.lstat().st_blocks * 512 for path in self.root.rglob("*") if path.is_file())
        (self.home / "facts.json").write_text(json.dumps(facts))

    @property
    def file(self):
        return {"disk": "disk.img", "tensors": "weights.h5"}[self.name]

    def facts(self):
        return json.loads((self.home / "facts.json").read_text())

    def apply(self):
        """Brings in the changed version."""
        (self.home / "is_changed").touch()
        self.changed = True
        if self.name == "tree":
            tree.apply(self.root, self.home / "changes")
        else:
            self._swap()

    def revert(self):
        """Goes back to the first version."""
        if self.name == "tree":
            tree.revert(self.root, self.home / "changes")
        else:
            self._swap()
        (self.home / "is_changed").unlink()
        self.changed = False

    def _swap(self):
        spare = self.home / "spare"
        (self.root / self.file).rename(spare)
        (self.home / self.file).rename(self.root / self.file)
        spare.rename(self.home / self.file)

    def warm(self):
        """Reads everything once, so that every tool finds the data in the page cache."""
        subprocess.run(["tar", "-cf", "-", "-C", self.root, "."], stdout=subprocess.DEVNULL, check=True)
        with open("/dev/null", "wb") as sink:
            for path in self.root.rglob("*"):
                if path.is_file() and path.stat().st_size > 64 << 20:
                    subprocess.run(["cat", path], stdout=sink, check=True)
