"""The source tree: about 80,000 small files of source code, about 1 GiB, and a changed version of it.

Everything follows from one seed. The text comes from a small grammar per language over a vocabulary per
package, so that it compresses like real code: files of a package share identifiers and idioms, numbers and
strings do not repeat. A tar of the tree compresses about 4.5 times with `zstd -1`.
"""

import hashlib
import json
import math
import os
import random
import shutil
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

SYLLABLES = (
    "al an ar ba be ca ce co da de di do en er fa fi fo ga ge ha he im in io ke la le li lo ma me mi mo na ne "
    "no nu or pa pe po qu ra re ri ro sa se si so sta ste sto ta te ti to tra tri un va ve vi wa we xi yo za"
).split()

VERBS = "get set load store read write open close find make parse check merge split sort push pop map fold".split()
COMMON = (
    "size len count index offset buffer result error value key name path node item entry state config context "
    "handle data block page table list map next prev parent child flags mode kind type id"
).split()

EXTENSIONS = [("c", 30), ("h", 18), ("rs", 16), ("py", 12), ("js", 10), ("json", 6), ("md", 5), ("txt", 3)]
EPOCH = 1_700_000_000


def vocabulary(rng, count):
    """Makes `count` distinct identifiers, most of them compound, with common short words among them."""
    words = {"".join(rng.choices(SYLLABLES, k=rng.randint(2, 3))) for _ in range(count)}
    names = set(COMMON)
    words = sorted(words)
    while len(names) < count:
        first, second = rng.choice(words), rng.choice(words if rng.random() < 0.5 else COMMON)
        names.add(f"{rng.choice(VERBS)}_{first}_{second}" if rng.random() < 0.4 else f"{first}_{second}")
    names = sorted(names)
    rng.shuffle(names)
    return names


TEMPLATES = {
    "c": [
        "\tif (!%s->%s) {", "\t\treturn -E%S;", "\t}", "", "\t%s->%s = %s(%s, %n);", "\tfor (i = 0; i < %s->%s; i++) {",
        "\t\t%s[i] = %s(%s, i + %n);", "static int %s(struct %s *%s, unsigned long %s)", "{", "}", "\treturn %s;",
        "\tpr_debug(\"%w: %w %w\\n\", %s);", "/* %w %w %w %w %w %w. */", "\tstruct %s *%s = %s->%s;",
        "\tspin_lock(&%s->%s);", "\tgoto out_%s;", "#define %S_%S 0x%x", "\t\t%s |= %S_%S;", "\tcase %S_%S:", "\t\tbreak;",
        "\tu32 %s = readl(%s + 0x%x);", "\tmemset(%s, 0, sizeof(*%s));", "\twhile (%s < %s->%s && %s(%s)) {",
    ],
    "rs": [
        "    let %s = self.%s.%s(%s)?;", "    }", "", "    pub fn %s(&self, %s: &%T) -> Result<%T, Error> {", "        if %s.%s() > %n {",
        "            return Err(Error::%T { %s, %s });", "        }", "    /// %w %w %w %w %w %w %w.", "        for %s in %s.%s() {",
        "            %s.push(%s.clone());", "    assert_eq!(%s.%s(%n), Some(%n));", "#[derive(Debug, Clone)]", "pub struct %T {",
        "    %s: Vec<%T>,", "        match %s.%s {", "            %T::%T => %s(%n),", "use crate::%s::{%T, %T};", "impl %T for %T {",
    ],
    "py": [
        "    def %s(self, %s, %s=%n):", "        \"\"\"%w %w %w %w %w %w.\"\"\"", "        if not self.%s:", "            raise %TError(f\"%w %w {%s}\")",
        "        self.%s = %s(%s, %s=%n)", "        return self.%s", "", "        for %s in self.%s.%s():", "class %T(%T):",
        "from .%s import %s, %s", "            %s.append(%s[%n])", "        with %s(%s) as %s:", "    # %w %w %w %w %w",
    ],
    "js": [
        "  const %s = await this.%s.%s(%s);", "  if (%s.%s === undefined) {", "    throw new %T(`%w %w ${%s}`);", "  }", "",
        "export function %s(%s, %s) {", "}", "  return { %s, %s: %s.%s };", "  // %w %w %w %w", "import { %s, %s } from './%s';",
        "    %s.forEach((%s) => %s.push(%s.%s));", "  expect(%s.%s(%n)).toBe(%n);", "  this.%s = new %T({ %s: %n });",
    ],
    "json": ["    \"%s\": %n,", "    \"%s\": \"%w %w\",", "    \"%s\": {", "    },", "      \"%s_%s\": [%n, %n, %n],", "      \"%s\": \"%x-%x\","],
    "md": ["%w %w %w %w %w %w %w %w %w %w %w %w.", "", "## %w %w", "- `%s`: %w %w %w %w %w %w %w", "    %s --%s %n %s", "See [%w](%s.md) and `%s(%s)`: %w %w %w %w."],
}
TEMPLATES["h"] = [*TEMPLATES["c"][7:10], "int %s(struct %s *%s, size_t %s);", "\tu32 %s;", "\tstruct %s *%s;", "#define %S_%S(x) ((x) << %n)", "/* %w %w %w %w. */", ""]
TEMPLATES["txt"] = TEMPLATES["md"][:1] + [""]


class Package:
    """What the files of one package have in common: its identifiers, and lines that it writes often."""

    def __init__(self, seed, index):
        self.rng = random.Random(f"{seed}/package/{index}")
        self.names = vocabulary(self.rng, self.rng.randint(300, 900))
        self.words = [name.partition("_")[0] for name in self.names]
        # A few names are used everywhere and most hardly ever, as in real code.
        self.weights = [1 / (rank + 3) for rank in range(len(self.names))]
        total = 0.0
        self.cumulative = [total := total + weight for weight in self.weights]

    def text(self, rng, extension, size):
        """Writes about `size` bytes of one language."""
        templates = TEMPLATES[extension]
        pieces = [_split(template) for template in templates]
        need = size // 30 + 8
        local = rng.choices(self.names, cum_weights=self.cumulative, k=60)
        names = iter(rng.choices(local, k=need * 3) if size < 200_000 else _endless(rng, local))
        words = _endless(rng, self.words, self.cumulative)
        out, written = [], 0
        while written < size:
            for line in rng.choices(pieces, k=64):
                parts = []
                for literal, code in line:
                    parts.append(literal)
                    if code == "s":
                        name = next(names, None)
                        if name is None:
                            names = iter(rng.choices(local, k=need))
                            name = next(names)
                        parts.append(name)
                    elif code == "w":
                        parts.append(next(words))
                    elif code == "n":
                        parts.append(str(int(rng.random() ** 4 * 5000)))
                    elif code == "x":
                        parts.append("%x" % rng.getrandbits(rng.choice((8, 12, 16))))
                    elif code == "S":
                        parts.append(rng.choice(local).upper())
                    elif code == "T":
                        parts.append(rng.choice(local).title().replace("_", ""))
                text = "".join(parts)
                out.append(text)
                written += len(text) + 1
                if written >= size:
                    break
        return "\n".join(out).encode() + b"\n"


def _split(template):
    """Cuts a template into (literal, code) pairs; the last code is None."""
    first, *rest = template.split("%")
    pairs, literal = [], first
    for part in rest:
        pairs.append((literal, part[0]))
        literal = part[1:]
    pairs.append((literal, None))
    return pairs


def _endless(rng, values, cumulative=None):
    while True:
        yield from rng.choices(values, cum_weights=cumulative, k=512)


def plan(seed, files, total_bytes):
    """Decides every path and size: a list of packages, each a list of (path, extension, size, kind)."""
    rng = random.Random(f"{seed}/plan")
    packages, count = [], 0
    mean = total_bytes * 0.93 / files
    mu = math.log(mean) - 1.1**2 / 2
    names = vocabulary(rng, 2500)
    extensions, weights = zip(*EXTENSIONS)
    while count < files:
        depth = min(9, 1 + int(rng.expovariate(0.45)))
        base = "/".join(rng.choices(names[:400], k=depth)) + f"/p{len(packages)}"
        entries = []
        for position in range(min(files - count, max(1, int(rng.lognormvariate(3.0, 1.0))))):
            extension = rng.choices(extensions, weights)[0]
            size = max(40, min(400_000, int(rng.lognormvariate(mu, 1.1))))
            sub = rng.choice(names[:200]) + "/" if rng.random() < 0.25 else ""
            name = f"{base}/{sub}{rng.choice(names)}_{position}.{extension}"
            kind = "copy" if entries and rng.random() < 0.015 else "text"
            entries.append((name, extension, size, kind))
            count += 1
        packages.append(entries)
    # A few large files: generated tables, and images that do not compress.
    large = []
    scale = total_bytes / (1 << 30)
    for position in range(int(12 * scale)):
        large.append((f"assets/table_{position}.json", "json", 2_000_000 + position * 500_000, "text"))
    for position in range(int(60 * scale)):
        large.append((f"assets/image_{position}.png", "png", int(rng.lognormvariate(11.5, 1.0)), "random"))
    packages.append(large)
    return packages


def _write_packages(root, seed, numbered):
    written = 0
    for index, entries in numbered:
        package = Package(seed, index)
        previous = b""
        for name, extension, size, kind in entries:
            rng = random.Random(f"{seed}/file/{name}")
            if kind == "random":
                body = rng.randbytes(size)
            elif kind == "copy":
                body = previous
            else:
                body = package.text(rng, extension, size)
            previous = body
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)
            stamp = (EPOCH + rng.randrange(20_000_000)) * 1_000_000_000 + rng.randrange(1_000_000_000)
            os.utime(path, ns=(stamp, stamp))
            if rng.random() < 0.02:
                path.chmod(0o755)
            written += len(body)
    return written


def build(root, seed, files=80_000, total_bytes=1 << 30):
    """Writes the tree below `root`, which must not exist."""
    numbered = list(enumerate(plan(seed, files, total_bytes)))
    root.mkdir(parents=True)
    workers = os.cpu_count() or 2
    with ProcessPoolExecutor(workers) as pool:
        jobs = [pool.submit(_write_packages, root, seed, numbered[start :: workers * 4]) for start in range(workers * 4)]
        written = sum(job.result() for job in jobs)
    rng = random.Random(f"{seed}/links")
    paths = [entry[0] for _, entries in numbered for entry in entries]
    for position in range(200):
        target = rng.choice(paths)
        link = root / Path(rng.choice(paths)).parent / f"link_{position}"
        link.symlink_to(os.path.relpath(root / target, link.parent))
    return written


def plan_changes(root, changes, seed):
    """Prepares the changed version beside the tree: 2 % of the files edited, some added, removed, renamed."""
    rng = random.Random(f"{seed}/changes")
    files = sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    picked = rng.sample(files, int(len(files) * 0.026))
    edits = int(len(files) * 0.02)
    removes, renames = int(len(files) * 0.002), int(len(files) * 0.002)
    shutil.rmtree(changes, ignore_errors=True)
    (changes / "old").mkdir(parents=True)
    (changes / "new").mkdir()
    listing = {"edit": [], "remove": [], "rename": [], "add": []}
    for number, name in enumerate(picked):
        body = (root / name).read_bytes()
        if number < edits:
            new = _edit(rng, body)
            shutil.copy2(root / name, changes / "old" / str(number))
            (changes / "new" / str(number)).write_bytes(new)
            listing["edit"].append([name, number])
        elif number < edits + removes:
            shutil.copy2(root / name, changes / "old" / str(number))
            listing["remove"].append([name, number])
        elif number < edits + removes + renames:
            stem, dot, extension = name.rpartition(".")
            listing["rename"].append([name, f"{stem}_moved.{extension}"])
        else:
            stem, dot, extension = name.rpartition(".")
            (changes / "new" / str(number)).write_bytes(_edit(rng, _edit(rng, body)))
            listing["add"].append([f"{stem}_added.{extension}", number])
    (changes / "changes.json").write_text(json.dumps(listing))


def _edit(rng, body):
    """Edits a text as a person does: one to four places, a few lines replaced or inserted."""
    lines = body.split(b"\n")
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(lines))
        fresh = [b"    %s(%d, 0x%x);" % (hashlib.sha1(rng.randbytes(4)).hexdigest()[:9].encode(), rng.randrange(999), rng.getrandbits(24))]
        lines[at : at + rng.randint(0, 2)] = fresh * 1 + [b"    /* changed %d */" % rng.randrange(10**6)] * rng.randint(0, 1)
    return b"\n".join(lines)


def apply(root, changes):
    """Turns the tree into its changed version."""
    listing = json.loads((changes / "changes.json").read_text())
    for name, number in listing["edit"] + listing["add"]:
        _replace(root / name, changes / "new" / str(number), keep_times=False)
    for name, _ in listing["remove"]:
        (root / name).unlink()
    for old, new in listing["rename"]:
        (root / old).rename(root / new)


def revert(root, changes):
    """Turns the changed version back into the tree."""
    listing = json.loads((changes / "changes.json").read_text())
    for name, number in listing["edit"] + listing["remove"]:
        _replace(root / name, changes / "old" / str(number), keep_times=True)
    for name, _ in listing["add"]:
        (root / name).unlink()
    for old, new in listing["rename"]:
        (root / new).rename(root / old)


def _replace(path, source, keep_times):
    mode = path.stat().st_mode if path.exists() else 0o644
    temporary = path.with_name(path.name + "~")
    shutil.copyfile(source, temporary)
    temporary.chmod(mode & 0o7777)
    if keep_times:
        stat = source.stat()
        os.utime(temporary, ns=(stat.st_mtime_ns, stat.st_mtime_ns))
    temporary.rename(path)
