"""The folder that is deployed, put together: our files, their packages, bytecode of both."""

import shutil
from pathlib import Path

from infra.package.bytecode import compile_all
from infra.package.ours import put_ours
from infra.package.wheels import put_packages

# azd leaves __pycache__ out of what it sends, unless a file of this name decides; it does not send the file itself.
_AZD_IGNORES = "# Everything here is deployed, bytecode too.\n"


def stage_app(stage: Path, *, bytecode: bool = True) -> None:
    """Raises InstallationError, FileNotFoundError."""
    put_ours(stage)
    put_packages(stage)
    if bytecode:
        compile_all(stage)


def stage_for_azd(folder: Path, *, bytecode: bool = True) -> None:
    """The folder is made anew; what stood there goes."""
    shutil.rmtree(folder, ignore_errors=True)
    stage_app(folder, bytecode=bytecode)
    (folder / ".funcignore").write_text(_AZD_IGNORES, encoding="utf-8")
