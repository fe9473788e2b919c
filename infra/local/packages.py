"""Makes a Python environment and puts packages into it, with uv.

Duty: know how; uv from PATH, else from the package index into the environment itself. When and where, `environment`
decides. Standard library only.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from infra.local.installing import InstallationError, run, say

if TYPE_CHECKING:
    from collections.abc import Iterator

UV = "uv==0.13.9"
_INCLUDED = re.compile(r"^\s*(?:-r|--requirement|-c|--constraint)[\s=]+(?P<file>\S+)", re.MULTILINE)
_PACKAGE = re.compile(r"^\s*(?P<name>[A-Za-z0-9][\w.-]*)", re.MULTILINE)


def make_environment(home: Path, *, interpreter: Path) -> None:
    """Make an environment from nothing; what stood there before goes."""
    shutil.rmtree(home, ignore_errors=True)
    if uv := shutil.which("uv"):
        run([uv, "venv", "--quiet", "--python", interpreter, home])
        return
    _require_ensurepip(interpreter)
    run([interpreter, "-m", "venv", home])


def install_packages(python: Path, requirements: Path) -> None:
    if uv := shutil.which("uv"):
        run([uv, *_uv_install(python), requirements])
        return
    run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", UV])
    try:
        run([python, "-m", "uv", *_uv_install(python), requirements])
    except InstallationError as problem:
        # pip has settings of its own, such as a company's index, that uv does not read.
        say(f"{problem}\ntrying again with pip …")
        run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements])


def requirement_files(requirements: Path) -> list[Path]:
    """This file and all that it includes, each once."""
    found: dict[Path, None] = {}
    waiting = [requirements.resolve()]
    while waiting:
        file = waiting.pop()
        if file not in found:
            found[file] = None
            waiting += _included(file)
    return list(found)


def count_packages(files: list[Path]) -> int:
    """How many packages these files name; some stand there twice, for different Python versions."""
    return len({match["name"].lower() for file in files for match in _PACKAGE.finditer(_text(file))})


def _included(file: Path) -> Iterator[Path]:
    return ((file.parent / match["file"]).resolve() for match in _INCLUDED.finditer(_text(file)))


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def _uv_install(python: Path) -> list[str | Path]:
    return ["pip", "install", "--quiet", "--python", python, "--requirement"]


def _require_ensurepip(interpreter: Path) -> None:
    """Debian and Ubuntu leave this part of the standard library to a package of its own."""
    asked = subprocess.run([interpreter, "-c", "import ensurepip, venv"], capture_output=True, check=False)
    if asked.returncode:
        raise InstallationError(
            f"{interpreter} cannot make environments. On Debian and Ubuntu: apt install python3-venv, then start again."
        )
