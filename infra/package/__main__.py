"""`python3 -m infra.package`: builds what is deployed.

python3 -m infra.package                      dist/app.zip, for `az functionapp deployment source config-zip`
python3 -m infra.package --folder dist/app    a folder, for `azd` (infra/azure.yaml calls this by itself)
python3 -m infra.package --lock               infra/requirements.lock anew, after requirements.txt has changed
"""

import argparse
import hashlib
import sys
import tempfile
from pathlib import Path

from infra.local.environment import InstallationError
from infra.package.archive import write_archive
from infra.package.lock import LOCK, make_lock
from infra.package.ours import PROJECT
from infra.package.staging import stage_app, stage_for_azd
from infra.package.summary import summary


def main() -> int:
    arguments = _arguments()
    try:
        if arguments.lock:
            make_lock()
            print(f"{LOCK} is made from requirements.txt.")
        elif arguments.folder:
            stage_for_azd(arguments.folder, bytecode=arguments.bytecode)
            print(f"{summary(arguments.folder)}\n{arguments.folder}")
        else:
            _archive(arguments.target, bytecode=arguments.bytecode)
    except (InstallationError, FileNotFoundError) as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


def _archive(target: Path, *, bytecode: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="captello-package-") as folder:
        stage = Path(folder)
        stage_app(stage, bytecode=bytecode)
        write_archive(stage, target)
        print(summary(stage))
    content = target.read_bytes()
    print(f"{target}: {len(content) / 1_000_000:.1f} MB, sha256 {hashlib.sha256(content).hexdigest()}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 -m infra.package", description="Build what is deployed.")
    parser.add_argument("target", type=Path, nargs="?", default=PROJECT / "dist" / "app.zip")
    parser.add_argument("--folder", type=Path, help="a folder instead of an archive, for azd")
    parser.add_argument("--lock", action="store_true", help="make infra/requirements.lock anew, and nothing else")
    parser.add_argument(
        "--no-bytecode", dest="bytecode", action="store_false", help="without Python 3.13: the app starts more slowly"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
