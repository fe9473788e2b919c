"""What has to be on the machine before anything of this project can run, made when it is missing.

Duty: keep one Python environment per purpose below `.venv/` and run programs inside it. Node and Azurite are found by
`nodejs`, interpreters by `interpreters`; their functions can be had here too, for whoever prepares a start. Standard
library only, and readable by interpreters that are too old for the rest: it is what says so.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import NoReturn

from infra.local.installing import INSTALLED, InstallationError, installed_once, say
from infra.local.interpreters import ask, find_python
from infra.local.nodejs import ensure_azurite, node
from infra.local.packages import count_packages, install_packages, make_environment, requirement_files

__all__ = ["InstallationError", "ensure", "ensure_azurite", "find_python", "node", "run_inside"]

OLDEST_PYTHON = (3, 11)
OTHER_PYTHONS = ("3.13", "3.12", "3.11")
INTERRUPTED = 130


def ensure(name: str, requirements: Path, *, python: Path | None = None) -> Path:
    """The python of the environment for this purpose, which holds what the requirements ask for.

    Built from nothing whenever the requirements have changed, so that it never holds more than they say.
    """
    version, interpreter = _asked(python) if python else _this_interpreter()
    home = INSTALLED / f"{name}-{version}"
    files = requirement_files(requirements)
    inside = home / "bin" / "python"

    def install() -> None:
        started = time.monotonic()
        say(f"installing {count_packages(files)} packages and what they need, once …")
        make_environment(home, interpreter=interpreter)
        install_packages(inside, requirements)
        say(f"installed in {time.monotonic() - started:.1f} s")

    installed_once(inside, files, stamp=home / ".installed", install=install)
    return inside


def run_inside(name: str, requirements: Path) -> None:
    """Go on inside the environment for this purpose: returns at once when this is it, and else never."""
    try:
        python = ensure(name, requirements, python=_young_enough())
    except InstallationError as problem:
        sys.exit(str(problem))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    if Path(sys.prefix).resolve() != python.parents[1].resolve():
        _start_again(python)


def _start_again(python: Path) -> NoReturn:
    """Replace this process by the same command under another interpreter."""
    for name in ("PYTHONHOME", "__PYVENV_LAUNCHER__"):  # they would drag the first interpreter's library along
        os.environ.pop(name, None)
    sys.stdout.flush()
    os.execv(python, [str(python), *sys.orig_argv[1:]])  # noqa: S606 - our own interpreter, our own arguments


def _young_enough() -> Path | None:
    """None when this interpreter will do, else another one that does."""
    if sys.version_info >= OLDEST_PYTHON:
        return None
    for version in OTHER_PYTHONS:
        if found := find_python(version):
            return found
    raise InstallationError(f"This needs Python 3.11 or newer; {sys.executable} is {sys.version.split()[0]}.")


def _asked(python: Path) -> tuple[str, Path]:
    if answer := ask(python):
        return answer
    raise InstallationError(f"{python} does not run.")


def _this_interpreter() -> tuple[str, Path]:
    # Inside an environment, the interpreter it was made from: it must outlive a rebuilding of that environment.
    return "{}.{}".format(*sys.version_info), Path(getattr(sys, "_base_executable", None) or sys.executable)
