"""What is deployed, and what is not."""

import zipfile
from pathlib import Path, PurePosixPath

import pytest

from infra.local.azurite import KEY
from infra.local.entra import DEMO, IDENTITY_HEADER
from infra.package import PROJECT, build


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("package") / "dist" / "app.zip"
    build(target)
    return target


def contents(archive: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(archive) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def test_every_file_of_core_ships(archive: Path) -> None:
    """Nothing that stands in core is forgotten, whatever its kind, and it ships as it is."""
    files = [path for path in (PROJECT / "core").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    shipped = contents(archive)
    assert files
    for path in files:
        assert shipped.get(path.relative_to(PROJECT).as_posix()) == path.read_bytes(), path


def test_nothing_else_ships(archive: Path) -> None:
    """Beside core only the three files of a function app are inside: no simulator, test or local settings."""
    others = {name for name in contents(archive) if PurePosixPath(name).parts[0] != "core"}
    assert others == {"function_app.py", "host.json", "requirements.txt"}


def test_what_ships_needs_nothing_that_does_not(archive: Path) -> None:
    """No shipped module imports the simulators or the tests."""
    for name, content in contents(archive).items():
        for word in (b"import infra", b"from infra", b"import tests", b"from tests"):
            assert word not in content, name


def test_no_secret_ships(archive: Path) -> None:
    """Neither the emulator's key nor the made-up credentials of the local stack are inside."""
    for name, content in contents(archive).items():
        for secret in (KEY, DEMO.client_secret, IDENTITY_HEADER):
            assert secret.encode() not in content, name


def test_strange_files_stay_out(tmp_path: Path) -> None:
    """Only listed kinds of files ship: caches, local settings, hidden files, keys and links do not."""
    wanted = {"function_app.py", "host.json", "requirements.txt", "core/__init__.py", "core/admin/console/index.html"}
    strange = {
        "local.settings.json",
        "core/.env",
        "core/.hidden/module.py",
        "core/__pycache__/module.cpython-311.pyc",
        "core/authority.pem",
        "core/local.settings.json",
        "infra/local/entra.py",
        "tests/test_core.py",
    }
    for name in wanted | strange:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name, encoding="utf-8")
    (tmp_path / "core" / "link.py").symlink_to("/etc/hostname")
    assert build(tmp_path / "dist" / "app.zip", tmp_path) == sorted(wanted)


def test_archive_is_reproducible(archive: Path, tmp_path: Path) -> None:
    """The same files give the same archive, whenever it is built."""
    build(tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == archive.read_bytes()


def test_incomplete_project(tmp_path: Path) -> None:
    """Without one of its files no archive is built."""
    with pytest.raises(FileNotFoundError, match=r"function_app\.py is missing"):
        build(tmp_path / "app.zip", tmp_path)
    assert not (tmp_path / "app.zip").exists()
