"""A machine that has never seen this project: a copy of what starts it, and a PATH of our making.

Duty: run programs of that copy. `uv` is a stand-in that makes a real environment, writes down what it was asked to
install, and fails or hangs when told to: what is tested is when something is installed, not by whom.
"""

import os
import select
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.package.ours import PROJECT

MODULES = ("__init__", "environment", "installing", "interpreters", "nodejs", "packages")
PROGRAM = """
import sys
from infra.local.environment import run_inside
from infra.local.installing import PROJECT
run_inside("demo", PROJECT / "requirements.txt")
print(sys.prefix, *sys.argv[1:], sep="|")
"""
UV = f"""#!{sys.executable}
import pathlib, subprocess, sys
here = pathlib.Path(__file__).parent
if sys.argv[1] == "venv":
    *_, interpreter, home = sys.argv
    sys.exit(subprocess.call([interpreter, "-m", "venv", "--without-pip", home]))
with (here / "installed").open("a") as log:
    log.write(sys.argv[-1] + "\\n")
if (here / "begun").exists():
    (here / "begun").write_text("!")
    (here / "go on").read_text()
if (here / "fail").exists():
    sys.exit("no network")
"""
SECONDS = 60


@dataclass
class Machine:
    project: Path
    programs: Path

    @property
    def home(self) -> Path:
        """Where the program's environment is to be."""
        return self.project / ".venv" / "demo-{}.{}".format(*sys.version_info)

    def start(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run("-m", "infra.local.program", *arguments)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *arguments]
        return subprocess.run(
            command,
            cwd=self.project,
            env=self._environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )

    def begin(self) -> subprocess.Popen[str]:
        """Start the program without waiting for it, in a process group of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "infra.local.program"],
            cwd=self.project,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def installs(self) -> int:
        log = self.programs / "installed"
        return len(log.read_text().splitlines()) if log.exists() else 0

    def add_program(self, name: str, text: str) -> Path:
        path = self.programs / name
        path.write_text(text)
        path.chmod(0o755)
        return path

    def _environment(self) -> Mapping[str, str]:
        """What the machine says about its network stays; of its programs only the system's own are there."""
        return {**os.environ, "PATH": f"{self.programs}:/usr/bin:/bin"}


class Halt:
    """While it lasts, an installation stops half-way."""

    def __init__(self, machine: Machine) -> None:
        self._pipes = [machine.programs / "begun", machine.programs / "go on"]
        for pipe in self._pipes:
            os.mkfifo(pipe)
        self._begun, self._go_on = (os.open(pipe, os.O_RDWR | os.O_NONBLOCK) for pipe in self._pipes)

    def wait_until_reached(self) -> None:
        assert select.select([self._begun], [], [], SECONDS)[0], "no installation has begun"

    def lift(self) -> None:
        for pipe in self._pipes:
            pipe.unlink()
        os.close(self._begun)
        os.close(self._go_on)


def fresh_machine(folder: Path) -> Machine:
    machine = Machine(folder / "project", folder / "programs")
    local = machine.project / "infra" / "local"
    local.mkdir(parents=True)
    machine.programs.mkdir()
    (machine.project / "infra" / "__init__.py").touch()
    for module in MODULES:
        shutil.copy(PROJECT / "infra" / "local" / f"{module}.py", local)
    shutil.copytree(PROJECT / "infra" / "local" / "emulators", local / "emulators")
    (local / "program.py").write_text(PROGRAM)
    (machine.project / "requirements.txt").write_text("-r more.txt\nhttpx==0.28.1\n")
    (machine.project / "more.txt").write_text("certifi==2026.10.18\n")
    machine.add_program("uv", UV)
    return machine
