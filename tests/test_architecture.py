"""Who may know whom. The arrows of the folders, read out of the source itself."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CORE = sorted(path.relative_to(ROOT) for path in (ROOT / "core").rglob("*.py"))

STDLIB = {name for name in sys.stdlib_module_names if not name.startswith("_")}
# What each part may import besides the standard library, the most specific part first.
MAY_IMPORT: list[tuple[str, set[str]]] = [
    ("core.errors", set()),
    ("core.settings", {"core.errors", "core.domain.retention"}),
    ("core.domain", {"pydantic", "core.domain", "core.errors"}),
    ("core.logs", {"typing_extensions", "core.domain"}),
    ("core.telemetry", {"core.domain"}),
    ("core.tracing", {"typing_extensions", "core.domain"}),
    (
        "core.trace_export",
        {
            "azure",
            "opentelemetry",
            "typing_extensions",
            "core.domain",
            "core.logs",
            "core.settings",
            "core.tracing",
        },
    ),
    (
        "core.sync",
        {
            "pydantic",
            "core.domain",
            "core.errors",
            "core.logs",
            "core.sync",
            "core.telemetry",
            "core.tracing",
        },
    ),
    ("core.dataverse.certificate", {"cryptography", "core.domain", "core.errors"}),
    (
        "core.dataverse",
        {
            "httpx",
            "azure",
            "core.dataverse",
            "core.domain",
            "core.errors",
            "core.sync.ports",
            "core.telemetry",
            "core.tracing",
        },
    ),
    (
        "core.storage",
        {
            "azure",
            "pydantic",
            "core.storage",
            "core.domain",
            "core.errors",
            "core.logs",
            "core.sync.ports",
            "core.sync.bulk_ports",
            "core.tracing",
        },
    ),
    ("core.key_vault", {"azure", "core.domain", "core.errors", "core.sync.ports"}),
    ("core.azure_clients", {"azure", "core.settings", "core.storage.names"}),
    ("core.admin", {"pydantic", "core.admin", "core.domain", "core.errors", "core.logs", "core.sync"}),
]
KNOW_EVERYTHING = ("core.bootstrap", "core.cold_start", "core.api", "core.triggers")


def _module(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def _imports(tree: ast.AST, module: str, *, is_package: bool) -> Iterator[str]:
    """Every module that is imported anywhere, inside functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = module.split(".")[: (None if is_package else -1)] if node.level else []
            base = above[: len(above) - node.level + 1] if node.level else []
            source = ".".join([*base, *filter(None, [node.module])])
            yield source
            yield from (f"{source}.{alias.name}" for alias in node.names if _is_module(f"{source}.{alias.name}"))


def _is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def _imported(path: Path) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return set(_imports(tree, _module(path), is_package=path.name == "__init__.py"))


def _is_within(name: str, part: str) -> bool:
    return name == part or name.startswith(f"{part}.")


def _allowed(module: str) -> set[str] | None:
    return next((allowed for part, allowed in MAY_IMPORT if _is_within(module, part)), None)


def _strangers(imported: set[str], allowed: set[str]) -> list[str]:
    """Imports that none of the allowed parts covers. The package of an allowed module is passed on the way to it."""
    return sorted(
        name
        for name in imported
        if name.partition(".")[0] not in STDLIB
        and not any(_is_within(name, part) or _is_within(part, name) for part in allowed)
    )


def test_there_is_something_to_look_at() -> None:
    """Nobody moved core away and left this test with nothing."""
    assert len(CORE) > 40
    assert {"core.domain.matching", "core.dataverse.client", "core.sync.turn"} <= set(map(_module, CORE))


@pytest.mark.parametrize("path", CORE, ids=str)
def test_everybody_imports_only_whom_they_may(path: Path) -> None:
    """Domain knows nobody, sync only the domain, an adapter no other one; three folders put it all together."""
    module = _module(path)
    allowed = _allowed(module)
    if allowed is None:
        assert module == "core" or any(_is_within(module, part) for part in KNOW_EVERYTHING), "give it a row above"
    else:
        assert _strangers(_imported(path), allowed) == []


def test_failures_import_nothing_at_all() -> None:
    """Everybody may raise them."""
    assert _imported(Path("core/errors.py")) == set()


@pytest.mark.parametrize("path", [*CORE, Path("function_app.py")], ids=str)
def test_what_ships_knows_no_simulator_and_no_test(path: Path) -> None:
    """Nothing that runs in Azure imports what only people and tests need."""
    assert not [name for name in _imported(path) if _is_within(name, "infra") or _is_within(name, "tests")]


@pytest.mark.parametrize("path", CORE, ids=str)
def test_only_triggers_know_the_functions_host(path: Path) -> None:
    """Everything else can be run and tested without it."""
    knows = any(_is_within(name, "azure.functions") for name in _imported(path))
    assert not knows or _is_within(_module(path), "core.triggers")


@pytest.mark.parametrize("path", [path for path in CORE if _is_within(_module(path), "core.sync")], ids=str)
def test_ports_are_what_the_journeys_know_of_the_world(path: Path) -> None:
    """No HTTP, no SDK, no adapter; and ports themselves import no journey."""
    imported = _imported(path)
    assert not [name for name in imported if name.partition(".")[0] in ("azure", "httpx", "fastapi")]
    if path.name == "ports.py":
        assert not [name for name in imported if _is_within(name, "core.sync")]


def test_indexing_the_app_imports_nothing_of_ours() -> None:
    """The host indexes functions on every cold start; ours are imported after that, but for what begins to do so."""
    tree = ast.parse((ROOT / "function_app.py").read_text(encoding="utf-8"))
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    at_once = [name for node in imports if id(node) not in inside for name in _imports(node, "", is_package=False)]
    assert at_once == ["azure.functions", "core.cold_start"]
    assert len(imports) > len(at_once)


def test_every_function_waits_for_the_imports_under_way() -> None:
    """Two threads that import the same packages at once may see them half made."""
    tree = ast.parse((ROOT / "function_app.py").read_text(encoding="utf-8"))
    functions = [node for node in tree.body if isinstance(node, ast.AsyncFunctionDef)]
    assert functions
    assert {ast.unparse(function.body[1]) for function in functions} == {"await start.ready()"}


def test_the_pure_parts_await_nothing() -> None:
    """Domain, protocol, batch, failures and metadata are plain functions: no I/O, no clock, no chance."""
    pure = [path for path in CORE if "domain" in path.parts]
    pure += [Path("core/dataverse") / f"{name}.py" for name in ("protocol", "batch", "failures", "metadata", "notes")]
    for path in pure:
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        assert not [node for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef | ast.Await)], path
        forbidden = {"asyncio", "random", "time", "uuid", "secrets", "os", "socket", "logging", "pathlib", "httpx"}
        assert not forbidden & {name.partition(".")[0] for name in _imported(path)}, path
        calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
        named = {call.attr for call in calls if isinstance(call, ast.Attribute)}
        assert not named & {"now", "utcnow", "today"}, path


@pytest.mark.parametrize("path", [path for path in CORE if path.name not in ("logs.py", "trace_export.py")], ids=str)
def test_log_lines_are_cleaned(path: Path) -> None:
    """Who takes a logger of the standard library writes addresses, line breaks and exceptions as they came."""
    assert "getLogger" not in (ROOT / path).read_text(encoding="utf-8")
