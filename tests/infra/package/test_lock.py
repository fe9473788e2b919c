"""The lock says what requirements.txt says, and nothing ships that it does not hold."""

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from infra.local.environment import InstallationError
from infra.local.packages import UV
from infra.package import uv
from infra.package.lock import LOCK, pins
from infra.package.ours import PROJECT
from infra.package.target import PYTHON, SITE_PACKAGES
from infra.package.wheels import put_packages

REMEDY = "python3 -m infra.package --lock"
_HASHED = re.compile(r"^\S+==\S+( \\\n {4}--hash=sha256:[0-9a-f]{64})+$", re.MULTILINE)


def asked() -> dict[str, str]:
    """The pins of requirements.txt that hold on the target."""
    lines = (line.partition("#")[0].strip() for line in (PROJECT / "requirements.txt").read_text().splitlines())
    target: dict[str, str] = {"python_version": PYTHON, "sys_platform": "linux", "platform_machine": "x86_64"}
    wanted = [Requirement(line) for line in lines if line]
    return pins("\n".join(f"{r.name}{r.specifier}" for r in wanted if not r.marker or r.marker.evaluate(target)))


def test_the_lock_has_what_is_asked() -> None:
    """Whoever changes requirements.txt makes the lock anew."""
    locked = pins(LOCK.read_text())
    assert {name: locked.get(name) for name in asked()} == asked(), REMEDY


def test_everything_locked_is_hashed() -> None:
    """No line stands without the hashes of its files."""
    text = LOCK.read_text()
    assert len(_HASHED.findall(text)) == len(pins(text)) > len(asked())


def test_what_is_unpacked_is_what_is_locked(staged_app: Path) -> None:
    """Each locked package, in its version, and no other."""
    described = [path.name.removesuffix(".dist-info") for path in (staged_app / SITE_PACKAGES).glob("*.dist-info")]
    assert pins("\n".join(name.replace("-", "==", 1) for name in described)) == pins(LOCK.read_text())


def test_a_file_with_another_hash_is_refused(tmp_path: Path) -> None:
    """What a package index hands out under a known version is not trusted for its name."""
    lock = tmp_path / "requirements.lock"
    lock.write_text(f"idna=={pins(LOCK.read_text())['idna']} --hash=sha256:{'0' * 64}\n")
    with pytest.raises(InstallationError, match=r"(?i)hash"):
        put_packages(tmp_path / "stage", lock)


def test_the_installer_is_pinned_once() -> None:
    """The package is made with the installer that makes the environments."""
    text = Path(uv.__file__).with_name("requirements.txt").read_text()
    assert pins(text) == pins(UV)
