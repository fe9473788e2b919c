"""Looks up every package of the lock, by name and version, where the package index keeps its vulnerabilities.

A vulnerability fails. A list that cannot be had does not, for no change of ours could mend that, and is said.
"""

import subprocess
import sys
from pathlib import Path

from infra.local import environment
from infra.local.environment import InstallationError
from infra.package.lock import LOCK
from tests.audit.findings import findings_in

PATIENCE = 180.0


def main() -> int:
    try:
        python = environment.ensure("audit", Path(__file__).with_name("requirements.txt"))
    except InstallationError:
        print("audit: NOT DONE, pip-audit could not be installed", file=sys.stderr)
        return 0
    command: list[str | Path] = [python, "-m", "pip_audit", "--requirement", LOCK, "--disable-pip", "--format=json"]
    command += ["--progress-spinner=off"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
        found = findings_in(done.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        print("audit: NOT DONE, no list of vulnerabilities could be had", file=sys.stderr)
        return 0
    for sentence in found.sentences:
        print(f"audit: {sentence}", file=sys.stderr)
    return 1 if found.vulnerable else 0


if __name__ == "__main__":
    sys.exit(main())
