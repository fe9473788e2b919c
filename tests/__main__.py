"""`python3 -m tests`: every check in one command. Makes its own environment first.

Format, lint, types, published vulnerabilities, then pytest; what stands behind the command goes to pytest
(`python3 -m tests -k capture`).
All of them run, whatever fails; the exit code is 0 when all passed.
"""

import subprocess
import sys
import time
from pathlib import Path

from infra.local.environment import run_inside

ROOT = Path(__file__).resolve().parents[1]
# A process for each core, each with servers of its own; the tests of a file stay together, and share what it starts.
_SIDE_BY_SIDE = ["--numprocesses=auto", "--maxprocesses=4", "--dist=loadfile"]


def main() -> int:
    run_inside("tests", Path(__file__).with_name("requirements.txt"))
    checks = {
        "format": ["ruff", "format", "--check", "--quiet", "."],
        "lint": ["ruff", "check", "--quiet", "."],
        "types": ["mypy", "--no-error-summary"],
        "audit": ["tests.audit"],
        "tests": ["pytest", *_SIDE_BY_SIDE, *sys.argv[1:]],
    }
    failed = [name for name, command in checks.items() if not _passes(name, command)]
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _passes(name: str, command: list[str]) -> bool:
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=False)
    verdict = "passed" if done.returncode == 0 else "FAILED"
    print(f"{name}: {verdict} ({time.monotonic() - began:.1f} s)", file=sys.stderr, flush=True)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
