"""Finds Python interpreters on this machine.

Duty: tell which interpreter of a version really runs. What it is used for, others decide. Standard library only.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# The flags tell a free-threaded build ("3.13t"), for which most packages have no wheels, from the usual one.
_ASK = "import sys; print('%d.%d' % sys.version_info[:2] + sys.abiflags, sys.executable, sep='\\n')"
_ASK_SECONDS = 20.0


def find_python(version: str) -> Path | None:
    """An interpreter of this version ("3.13") that really runs.

    Shims of version managers stand on PATH for versions that are not switched on, and fail; so each candidate is asked.
    """
    for candidate in _candidates(version):
        answer = ask(candidate)
        if answer and answer[0] == version:
            return answer[1]
    return None


def ask(python: Path) -> tuple[str, Path] | None:
    """The version and the true path of an interpreter; None when it does not run."""
    try:
        asked = subprocess.run(
            [python, "-c", _ASK],
            capture_output=True,
            text=True,
            timeout=_ASK_SECONDS,
            check=True,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    version, _, executable = asked.stdout.strip().partition("\n")
    return (version, Path(executable)) if executable else None


def on_path(name: str) -> Iterator[Path]:
    """Every program of this name on PATH, not only the first."""
    folders = dict.fromkeys(os.environ.get("PATH", os.defpath).split(os.pathsep))
    programs = (Path(folder or os.curdir) / name for folder in folders)
    return (program for program in programs if program.is_file() and os.access(program, os.X_OK))


def _candidates(version: str) -> Iterator[Path]:
    for name in (f"python{version}", "python3", "python"):
        yield from on_path(name)
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    uv = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "uv" / "python"
    for managed in (pyenv / "versions", uv):
        for home in sorted(managed.glob(f"*{version}*"), reverse=True):
            yield home / "bin" / f"python{version}"
