"""What is deployed, and what is not."""

import zipfile
from pathlib import Path, PurePosixPath

import pytest

from infra.local.azurite import KEY
from infra.local.entra import DEMO, IDENTITY_HEADER
from infra.package.ours import PROJECT, put_ours
from infra.package.summary import summary
from infra.package.target import SITE_PACKAGES

OURS_MOST = 3_000_000
ARCHIVE_MOST = 40_000_000


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    stage = tmp_path_factory.mktemp("ours")
    return {name: (stage / name).read_bytes() for name in put_ours(stage)}


def test_every_file_of_core_ships(ours: dict[str, bytes]) -> None:
    """Nothing that stands in core is forgotten, whatever its kind, and it ships as it is."""
    files = [path for path in (PROJECT / "core").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert files
    for path in files:
        assert ours.get(path.relative_to(PROJECT).as_posix()) == path.read_bytes(), path


def test_nothing_else_of_ours_ships(ours: dict[str, bytes]) -> None:
    """Beside core only the three files of a function app: no simulator, test or local settings."""
    others = {name for name in ours if PurePosixPath(name).parts[0] != "core"}
    assert others == {"function_app.py", "host.json", "requirements.txt"}


def test_the_archive_holds_ours_and_the_packages(package_archive: Path, ours: dict[str, bytes]) -> None:
    """Whatever is not ours lies where the worker looks for packages, or is bytecode of ours; no development part."""
    with zipfile.ZipFile(package_archive) as archive:
        names = set(archive.namelist())
    strangers = {name for name in names - set(ours) if not name.startswith(f"{SITE_PACKAGES}/")}
    assert {PurePosixPath(name).suffix for name in strangers} <= {".pyc"}
    assert {PurePosixPath(name).parts[0] for name in strangers} <= {"core", "__pycache__"}
    site = {name.removeprefix(f"{SITE_PACKAGES}/").split("/")[0] for name in names if name.startswith(SITE_PACKAGES)}
    assert {"azure", "azure_functions_runtime", "httpx", "pydantic"} <= site
    assert not site & {"bin", "pytest", "uvicorn", "trustme", "infra", "tests"}


def test_compiled_parts_are_the_targets(staged_app: Path) -> None:
    """Every extension module is for Python 3.13 (or its stable interface) on x86-64 Linux."""
    modules = [path.name for path in (staged_app / SITE_PACKAGES).rglob("*.so")]
    assert modules
    for name in modules:
        assert name.endswith((".cpython-313-x86_64-linux-gnu.so", ".abi3.so")), name


def test_what_ships_needs_nothing_that_does_not(ours: dict[str, bytes]) -> None:
    """No shipped module imports the simulators or the tests."""
    for name, content in ours.items():
        for word in (b"import infra", b"from infra", b"import tests", b"from tests"):
            assert word not in content, name


def test_no_secret_ships(ours: dict[str, bytes]) -> None:
    """Neither the emulator's key nor the made-up credentials of the local stack are inside."""
    for name, content in ours.items():
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
    root = tmp_path / "project"
    for name in wanted | strange:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name, encoding="utf-8")
    (root / "core" / "link.py").symlink_to("/etc/hostname")
    assert put_ours(tmp_path / "stage", root) == sorted(wanted)


def test_incomplete_project(tmp_path: Path) -> None:
    """Without one of its files nothing is put together."""
    with pytest.raises(FileNotFoundError, match=r"function_app\.py is missing"):
        put_ours(tmp_path / "stage", tmp_path)
    assert not (tmp_path / "stage").exists()


def test_size(package_archive: Path, staged_app: Path, ours: dict[str, bytes]) -> None:
    """A cold start fetches all of it: who makes it much larger does so on purpose. The summary tells the same."""
    assert sum(map(len, ours.values())) < OURS_MOST
    assert package_archive.stat().st_size < ARCHIVE_MOST
    assert "cryptography" in summary(staged_app)
