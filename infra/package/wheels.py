"""The packages that ship, unpacked for the target from wheels alone: nothing is built, here or in Azure."""

import shutil
from pathlib import Path

from infra.local.installing import run
from infra.package.lock import LOCK
from infra.package.target import PLATFORM, PYTHON, SITE_PACKAGES
from infra.package.uv import uv

# Written by the installer, not by the package: they tell of this machine, and would differ from one to the next.
_TRACES = ("RECORD", "INSTALLER", "REQUESTED", "uv_cache.json", "uv_build.json")


def put_packages(stage: Path, lock: Path = LOCK) -> None:
    """Raises InstallationError: a file that has another hash than the lock says is refused."""
    site = stage / SITE_PACKAGES
    target = [f"--target={site}", f"--python-version={PYTHON}", f"--python-platform={PLATFORM}"]
    checks = ["--only-binary=:all:", "--require-hashes", "--no-deps", "--link-mode=copy"]
    run([uv(), "pip", "install", "--quiet", *target, *checks, "--requirement", lock])
    _take_away_traces(site)


def _take_away_traces(site: Path) -> None:
    shutil.rmtree(site / "bin", ignore_errors=True)  # commands, with this machine's interpreter in their first line
    (site / ".lock").unlink(missing_ok=True)
    for described in site.glob("*.dist-info"):
        for name in _TRACES:
            (described / name).unlink(missing_ok=True)
