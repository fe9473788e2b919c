"""Only interpreters that really run are found."""

import subprocess
import sys
from pathlib import Path

import pytest

from infra.local.environment import find_python


def add_program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def version() -> str:
    return "{}.{}".format(*sys.version_info)


def test_shims_that_fail_are_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shim on PATH for a version that is not switched on is passed over, and the version manager's own is found."""
    shims, real = tmp_path / "shims", tmp_path / "versions" / f"{version()}.99" / "bin"
    real.mkdir(parents=True)
    add_program(shims / f"python{version()}", "#!/bin/sh\necho not switched on >&2\nexit 127\n")
    (real / f"python{version()}").symlink_to(Path(sys.executable).resolve())
    monkeypatch.setenv("PATH", str(shims))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    found = find_python(version())
    assert found
    assert subprocess.check_output([found, "-c", "print(1)"]) == b"1\n"


def test_version_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A version that is nowhere is None; a program that calls itself so but is another does not count."""
    add_program(tmp_path / "python3.99", f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert find_python("3.99") is None
