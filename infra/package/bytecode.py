"""Compiles what ships. The app's folder cannot be written to in Azure: without this, every cold start compiles
1,300 modules anew, and takes three times as long.
"""

import os
from pathlib import Path

from infra.local.environment import InstallationError, find_python
from infra.local.installing import run
from infra.package.target import APP_FOLDER, PYTHON


def compile_all(stage: Path) -> None:
    """Raises InstallationError where this machine has no Python of the target's version."""
    python = find_python(PYTHON)
    if python is None:
        raise InstallationError(
            f"Python {PYTHON} is not on this machine: it compiles what Azure runs. Install it, with uv, pyenv or your "
            "system's packages, or say --no-bytecode: the app then starts more slowly."
        )
    # Unchecked: source and bytecode travel together, and times of day would differ from one build to the next.
    how = ["--invalidation-mode", "unchecked-hash", "-s", str(stage), "-p", APP_FOLDER, str(stage)]
    run([python, "-m", "compileall", "-q", *how], env={**os.environ, "PYTHONHASHSEED": "0"})
