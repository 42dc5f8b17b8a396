"""The package as it is built, typed and formatted."""

import subprocess
import sys
import zipfile
from pathlib import Path

HOME = Path(__file__).resolve().parents[1]


def run(*arguments):
    done = subprocess.run([sys.executable, *arguments], cwd=HOME, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_synchronous_client_is_generated_from_the_asynchronous_one():
    run("tools/generate_sync.py", "--check")


def test_types_are_strict(tmp_path):
    run("-m", "mypy", "--cache-dir", str(tmp_path))


def test_lints_and_format():
    run("-m", "ruff", "check", "--no-cache", ".")
    run("-m", "ruff", "format", "--no-cache", "--check", ".")


def test_the_wheel_has_all_modules_and_their_types(tmp_path):
    build = "import hatchling.build, sys; hatchling.build.build_wheel(sys.argv[1])"
    run("-c", build, str(tmp_path))
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if name.startswith("backstay/")}
    source = HOME / "src"
    assert inside == {
        str(path.relative_to(source)) for path in source.rglob("*") if path.suffix == ".py" or path.name == "py.typed"
    }
