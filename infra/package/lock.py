"""The lock: every package that ships, its version, and the hashes of its files. Made from requirements.txt."""

import re
import shutil
import tempfile
from pathlib import Path

from infra.local.installing import run
from infra.package.ours import PROJECT
from infra.package.target import PLATFORM, PYTHON
from infra.package.uv import uv

LOCK = PROJECT / "infra" / "requirements.lock"
_HEADER = f"""\
# What ships, with the hashes of its files: Python {PYTHON}, {PLATFORM}.
# Made from requirements.txt by `python3 -m infra.package --lock`; a version changes only when requirements.txt asks.
"""
_PIN = re.compile(r"^(?P<name>[A-Za-z0-9][\w.-]*)==(?P<version>[^\s;\\]+)", re.MULTILINE)


def pins(text: str) -> dict[str, str]:
    """Which version of which package a file of requirements names."""
    return {re.sub(r"[-_.]+", "-", match["name"]).lower(): match["version"] for match in _PIN.finditer(text)}


def make_lock(requirements: Path = PROJECT / "requirements.txt", lock: Path = LOCK) -> None:
    """Resolve anew, from what is locked already: nothing is renewed that need not be."""
    with tempfile.TemporaryDirectory() as folder:
        resolved = Path(folder) / "requirements.lock"
        if lock.exists():
            shutil.copyfile(lock, resolved)
        options = [
            "--generate-hashes",
            "--no-header",
            "--no-annotate",
            f"--python-version={PYTHON}",
            f"--python-platform={PLATFORM}",
        ]
        run(
            [
                uv(),
                "pip",
                "compile",
                "--quiet",
                "--only-binary=:all:",
                *options,
                requirements,
                "--output-file",
                resolved,
            ]
        )
        lock.write_text(_HEADER + resolved.read_text(encoding="utf-8").removeprefix(_HEADER), encoding="utf-8")
