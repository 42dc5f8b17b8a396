#!/usr/bin/env python3
"""Writes `src/backstay/_sync` from `src/backstay/_async`, so that every method is written once.

    tools/generate_sync.py            # writes
    tools/generate_sync.py --check    # fails when what is there is not what would be written

The files are translated token by token: `await` and `async` go, and names are replaced by those of the table.
"""

import io
import subprocess
import sys
import tokenize
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent
SOURCE = HOME / "src" / "backstay"
NOTICE = "# Generated from ../_async/{name} by tools/generate_sync.py; change that instead.\n"

NAMES = {
    "AsyncClient": "Client",
    "AsyncIterator": "Iterator",
    "Awaitable": None,
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "_async": "_sync",
    "aclose": "close",
    "aiter_bytes": "iter_bytes",
    "aread": "read",
    "asyncio": "time",
    "handle_async_request": "handle_request",
    "asynccontextmanager": "contextmanager",
    "asynchronous": "synchronous",
}


def translate(text):
    """The synchronous form of a module."""
    tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    lines = text.splitlines(keepends=True)
    edits = []
    for position, token in enumerate(tokens):
        if token.type == tokenize.NAME and token.string in ("async", "await"):
            after = tokens[position + 1]
            edits.append((token.start, after.start, ""))
        elif token.type == tokenize.NAME and token.string == "Awaitable":
            edits.extend(_unwrapped(tokens, position))
        elif token.type == tokenize.NAME and (new := name(token.string)) != token.string:
            edits.append((token.start, token.end, new))
        elif token.type in (tokenize.STRING, tokenize.COMMENT):
            new = token.string.replace("<Async", "<")
            if new != token.string:
                edits.append((token.start, token.end, new))
    for start, end, new in sorted(edits, reverse=True):
        assert start[0] == end[0], f"an edit over several lines at {start}"
        line = lines[start[0] - 1]
        lines[start[0] - 1] = line[: start[1]] + new + line[end[1] :]
    return once("".join(lines))


def _unwrapped(tokens, position):
    """`Awaitable[X]` becomes `X`; in an import the name goes."""
    token, after = tokens[position], tokens[position + 1]
    if after.string != "[":
        return [(token.start, after.end if after.string == "," else token.end, "")]
    depth, index = 1, position + 2
    while depth:
        depth += {"[": 1, "]": -1}.get(tokens[index].string, 0)
        index += 1
    return [(token.start, after.end, ""), (tokens[index - 1].start, tokens[index - 1].end, "")]


def name(word):
    if word in NAMES:
        return NAMES[word]
    return word.removeprefix("Async")


def once(text):
    """Drops an import line that is there already."""
    seen = set()
    kept = []
    for line in text.splitlines(keepends=True):
        if line.startswith("import ") and line in seen:
            continue
        seen.add(line)
        kept.append(line)
    return "".join(kept)


def formatted(texts):
    """The texts as the formatter leaves them: replaced names change where lines break and how imports sort."""
    done = {}
    for file, text in texts.items():
        for step in (["check", "--quiet", "--fix", "--select", "I"], ["format", "--quiet"]):
            command = [sys.executable, "-m", "ruff", *step, "--stdin-filename", str(SOURCE / "_sync" / file), "-"]
            text = subprocess.run(command, input=text, capture_output=True, text=True, check=True, cwd=HOME).stdout
        done[file] = text
    return done


def main():
    check = sys.argv[1:] == ["--check"]
    texts = {
        path.name: NOTICE.format(name=path.name) + translate(path.read_text())
        for path in sorted((SOURCE / "_async").glob("*.py"))
        if path.name != "__init__.py"
    }
    texts = formatted(texts)
    texts["__init__.py"] = '"""The synchronous client, generated from `_async`."""\n'
    target = SOURCE / "_sync"
    stale = {path.name for path in target.glob("*.py")} - set(texts)
    wrong = sorted(stale | {file for file, text in texts.items() if not _same(target / file, text)})
    if check:
        if wrong:
            sys.exit(f"out of date: {', '.join(wrong)}; run clients/python/tools/generate_sync.py")
        return
    for file in stale:
        (target / file).unlink()
    for file, text in texts.items():
        (target / file).write_text(text)


def _same(path, text):
    return path.exists() and path.read_text() == text


if __name__ == "__main__":
    main()
