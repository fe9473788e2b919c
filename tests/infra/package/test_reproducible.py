"""The same sources give the same bytes, so that anybody can tell what is deployed by making it again."""

import hashlib
import os
import zipfile
from pathlib import Path

from infra.local import environment
from infra.package.archive import write_archive
from infra.package.staging import stage_app, stage_for_azd


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_folder(staged_app: Path, tmp_path: Path) -> None:
    """Packages and bytecode too: nothing tells where or when it was put together."""
    stage_app(tmp_path / "elsewhere", bytecode=environment.find_python("3.13") is not None)
    again = digests(tmp_path / "elsewhere")
    assert again == digests(staged_app)
    assert len(again) > 1_000


def test_the_archive(tmp_path: Path) -> None:
    """Neither times nor rights nor the order of the folder get into it."""
    for name, order in (("one", ("a.py", "b/c.py")), ("two", ("b/c.py", "a.py"))):
        for file in order:
            path = tmp_path / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"# {file}\n")
            path.chmod(0o600 if name == "one" else 0o755)
            os.utime(path, (1e9, 1e9 if name == "one" else 1.5e9))
        write_archive(tmp_path / name, tmp_path / f"{name}.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        assert archive.namelist() == ["a.py", "b/c.py"]


def test_the_folder_for_azd(tmp_path: Path) -> None:
    """It is made anew, and a file in it keeps azd from leaving bytecode out."""
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "left.py").write_text("")
    stage_for_azd(tmp_path / "app", bytecode=False)
    assert not (tmp_path / "app" / "left.py").exists()
    rules = [line for line in (tmp_path / "app" / ".funcignore").read_text().splitlines() if not line.startswith("#")]
    assert rules == []
