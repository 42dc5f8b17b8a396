"""The examples of the documentation run, in the order in which they stand, against a real server."""

import re
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def examples(page):
    """The code of a page, each line at its own number, so that a failure names the place."""
    text = (HOME / page).read_text()
    return ["\n" * text[: found.start(1)].count("\n") + found[1] for found in BLOCK.finditer(text)]


@pytest.mark.parametrize(
    "page", sorted(str(path.relative_to(HOME)) for path in [HOME / "README.md", *HOME.glob("docs/*.md")])
)
def test_examples(page, server, directory, monkeypatch, capsys):
    (directory / "index.html").write_text("<h1>It works</h1>\n")
    monkeypatch.setenv("BACKSTAY_SERVER", server.url)
    monkeypatch.setenv("BACKSTAY_TOKEN", server.token)
    monkeypatch.setenv("SITE", str(directory))
    blocks = examples(page)
    assert blocks
    names = {"__name__": "example"}
    try:
        for block in blocks:
            exec(compile(block, page, "exec"), names)
    finally:
        if "client" in names:
            names["client"].close()
    assert capsys.readouterr().out
