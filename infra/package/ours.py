"""Which of our files ship. The list allows rather than forbids, so that a simulator, a test or somebody's local
settings stay out without being thought of.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
FILES = ("function_app.py", "host.json", "requirements.txt")
FOLDER = "core"
KINDS = frozenset({".py", ".html", ".css", ".js", ".json", ".svg"})


def put_ours(stage: Path, root: Path = PROJECT) -> list[str]:
    """Copy what ships into the folder; returns the names. Raises FileNotFoundError before it copies anything."""
    names = sorted([*_files(root), *_folder(root)])
    for name in names:
        target = stage / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / name, target)
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
