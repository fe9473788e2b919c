"""The queries are understood by Kusto's own language service, with the columns that Azure Monitor documents.

https://learn.microsoft.com/azure/azure-monitor/reference/tables-index is where kusto/tables.json comes from: of each
table the columns that a query here may want.
"""

import json
import subprocess
from pathlib import Path

import pytest

from infra.local.installing import INSTALLED
from infra.local.nodejs import install_locked
from infra.package.ours import PROJECT

HERE = Path(__file__).with_name("kusto")
HOME = INSTALLED / "kusto"
SERVICE = HOME / "node_modules" / "@kusto" / "language-service-next" / "Kusto.Language.Bridge.min.js"
QUERIES = sorted((PROJECT / "infra" / "queries").glob("*.kql"))
MISTAKES = {
    "a column that is not there": "AppTraces | where Mesage has 'x'",
    "a table that is not there": "traces | count",
    "an operator that is not there": "AppTraces | sumarize count()",
    "a function that is not there": "AppTraces | extend Alert = parsejson5(Message)",
    "a type that does not compare": "AppRequests | where Success > 5d",
}


@pytest.fixture(scope="module")
def problems(node: Path) -> dict[str, list[str]]:
    """What the language service says of each query, and of some wrong ones."""
    install_locked(node, HERE, home=HOME, product=SERVICE, name="Kusto's language service")
    given = {
        "tables": json.loads((HERE / "tables.json").read_text()),
        "queries": {path.name: path.read_text() for path in QUERIES} | MISTAKES,
    }
    done = subprocess.run(
        [node, HERE / "check.js", HOME], input=json.dumps(given), capture_output=True, text=True, check=True, timeout=60
    )
    said: dict[str, list[str]] = json.loads(done.stdout)
    return said


@pytest.mark.parametrize("query", [path.name for path in QUERIES])
def test_a_query_is_understood(query: str, problems: dict[str, list[str]]) -> None:
    """Syntax, tables, columns, functions and types."""
    assert problems[query] == []


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_found(mistake: str, problems: dict[str, list[str]]) -> None:
    """The check above would fail on it."""
    assert problems[mistake]


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.name)
def test_a_query_says_what_it_answers_and_leaves_the_time_to_who_asks(path: Path) -> None:
    """The first lines are the question; an alert asks for its window, a person for the last hour or week."""
    text = path.read_text()
    assert text.startswith("// ")
    assert "ago(" not in text
    assert "now(" not in text
