"""A fresh machine gets its environment once, whatever comes in between."""

import os
import signal
import subprocess
import sys

from tests.infra.fresh_machine import Halt, Machine


def test_first_start_installs_and_goes_on_inside(machine: Machine) -> None:
    """The first start says what it installs and goes on in the environment, with its arguments as they were."""
    started = machine.start("--port", "7071", "a b")
    assert started.stdout.strip() == f"{machine.home}|--port|7071|a b"
    assert "installing 2 packages" in started.stderr


def test_second_start_installs_nothing(machine: Machine) -> None:
    """A second start finds everything there and says nothing."""
    machine.start()
    again = machine.start()
    assert (again.returncode, again.stderr, machine.installs()) == (0, "", 1)


def test_changed_requirements_install_anew(machine: Machine) -> None:
    """A change in any file that the requirements include makes the environment anew."""
    machine.start()
    leftover = machine.home / "leftover"
    leftover.touch()
    (machine.project / "more.txt").write_text("certifi==2026.10.19\n")
    machine.start()
    assert machine.installs() == 2
    assert not leftover.exists()


def test_environment_whose_interpreter_is_gone(machine: Machine) -> None:
    """When the interpreter that an environment was made from is uninstalled, the environment is made anew."""
    machine.start()
    python = machine.home / "bin" / "python"
    python.unlink()
    python.symlink_to(machine.project / "uninstalled")
    assert machine.start().returncode == 0
    assert machine.installs() == 2


def test_failed_install_is_a_message(machine: Machine) -> None:
    """When installing fails, the tool's own words are shown, no traceback, and the next start tries again."""
    (machine.programs / "fail").touch()
    failed = machine.start()
    assert failed.returncode == 1
    assert "no network" in failed.stderr
    assert "Traceback" not in failed.stderr
    (machine.programs / "fail").unlink()
    assert machine.start().returncode == 0


def test_interrupted_install_is_done_again(machine: Machine) -> None:
    """An installation that was killed in the middle counts for nothing: the next start makes it whole."""
    halt = Halt(machine)
    with machine.begin() as killed:
        halt.wait_until_reached()
        os.killpg(killed.pid, signal.SIGKILL)
    halt.lift()
    assert machine.start().returncode == 0
    assert machine.installs() == 2


def test_orphaned_install_is_waited_for(machine: Machine) -> None:
    """When only the starting process was killed, the next start waits for what goes on and then makes it whole."""
    halt = Halt(machine)
    with machine.begin() as killed:
        halt.wait_until_reached()
        killed.kill()
        killed.wait()
        with machine.begin() as following:
            assert following.stderr
            assert "waiting" in following.stderr.readline()
            halt.lift()
            output, _ = following.communicate(timeout=60)
    assert output.strip() == str(machine.home)
    assert machine.installs() == 2


def test_two_at_once_install_once(machine: Machine) -> None:
    """Of two first starts at the same time one installs and the other waits for it; both succeed."""
    with machine.begin() as one, machine.begin() as other:
        told = [process.communicate(timeout=60) for process in (one, other)]
    assert [output.strip() for output, _ in told] == [str(machine.home)] * 2
    assert machine.installs() == 1


def test_missing_venv_on_debian(machine: Machine) -> None:
    """Where the interpreter cannot make environments, the message names the package to install."""
    (machine.programs / "uv").unlink()
    lacking = machine.add_program(
        "python3.99", f'#!/bin/sh\ncase "$2" in *ensurepip*) exit 1;; esac\nexec {sys.executable} "$@"\n'
    )
    make = "import pathlib as p, sys; from infra.local.packages import make_environment as make; "
    failed = machine.run("-c", f"{make} make(p.Path('x'), interpreter=p.Path(sys.argv[1]))", str(lacking))
    assert "apt install python3-venv" in failed.stderr


def test_without_uv_it_comes_from_the_package_index(machine: Machine) -> None:
    """On a machine that has no uv of its own, packages really arrive in the environment."""
    (machine.programs / "uv").unlink()
    (machine.project / "requirements.txt").write_text("iniconfig==2.3.0\n")
    started = machine.start()
    assert started.returncode == 0, started.stderr
    imported = subprocess.run([machine.home / "bin" / "python", "-c", "import iniconfig"], check=False)
    assert imported.returncode == 0
