"""Builds the archive that is deployed, from a list of what may be in it.

Duty: say what ships. The list allows rather than forbids, so that a simulator, a test or somebody's local settings stay
out without being thought of. Deploying the archive is left to the tools that do it.

    python3 -m infra.package dist/app.zip
"""

import argparse
import zipfile
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
FILES = ("function_app.py", "host.json", "requirements.txt")
FOLDER = "core"
KINDS = frozenset({".py", ".html", ".css", ".js", ".json", ".svg"})
# The same files give the same archive, byte for byte: no time of day, no rights of whoever built it.
_DATE = (1980, 1, 1, 0, 0, 0)
_RIGHTS = 0o100644 << 16


def build(target: Path, root: Path = PROJECT) -> list[str]:
    """Write the archive; returns the names of what is in it."""
    names = sorted([*_files(root), *_folder(root)])
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w") as archive:
        for name in names:
            archive.writestr(_entry(name), (root / name).read_bytes())
    return names


def _files(root: Path) -> Iterator[str]:
    for name in FILES:
        if not (root / name).is_file():
            raise FileNotFoundError(f"{root / name} is missing, and the app does not run without it.")
        yield name


def _folder(root: Path) -> Iterator[str]:
    for path in (root / FOLDER).rglob("*"):
        name = path.relative_to(root)
        hidden = any(part.startswith((".", "__pycache__", "local.settings")) for part in name.parts)
        if path.is_file() and path.suffix in KINDS and not hidden and not path.is_symlink():
            yield name.as_posix()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, date_time=_DATE)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.create_system = 3  # rights are in the form that Unix reads
    entry.external_attr = _RIGHTS
    return entry


def main() -> None:
    parser = argparse.ArgumentParser(prog="python3 -m infra.package", description="Build the archive that is deployed.")
    parser.add_argument("target", type=Path)
    target = parser.parse_args().target
    print(f"{target}: {len(build(target))} files, {target.stat().st_size / 1024:.0f} kB")


if __name__ == "__main__":
    main()
