"""Log lines: one line for one event, nobody's address, nothing that an exception quotes."""

import io
import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.logs import logger, one_line

ROOT = Path(__file__).resolve().parents[2]
LIBRARIES = ["httpx", "httpcore", "azure.core.pipeline.policies.http_logging_policy", "azure.identity"]
TOLD = f"""
import json, logging
logging.basicConfig(level=logging.DEBUG)
from core.bootstrap import make_services
from core.settings import settings_from
make_services(settings_from({{"KEY_VAULT_URL": "https://vault.example", "AzureWebJobsStorage__accountName": "st1"}}))
print(json.dumps([logging.getLogger(name).isEnabledFor(logging.INFO) for name in {LIBRARIES!r}]))
"""


def logged(name: str, message: str, *arguments: object, error: BaseException | None = None) -> str:
    """What a handler like the worker's writes of it."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    found = logger(name)
    found.addHandler(handler)
    found.warning(message, *arguments, exc_info=error)
    found.removeHandler(handler)
    return written.getvalue()


@pytest.mark.parametrize(
    "hostile",
    [
        "booth\n2026-05-04 ERROR forged",
        "booth\r\nforged",
        "booth\x1b[2J\x1b[31mred",
        "booth\u2028forged",
        "booth\u202egnp.exe",
        "booth\x85forged",
        "booth\x00forged",
        "booth\x9b31mforged",
    ],
)
def test_a_hostile_text_stays_within_its_line(hostile: str) -> None:
    """Ids, headers and messages come from outside; none of them begins a line, or colours a terminal."""
    line = logged("captello.tests", "reading action %s", hostile)
    assert len(line.splitlines()) == 1
    assert line.rstrip("\n").isprintable()
    assert "booth" in line


@given(text=st.text())
def test_any_text_is_one_printable_line(text: str) -> None:
    """Also what nobody thought of."""
    assert len(one_line(text).splitlines()) <= 1
    one_line(text).encode()


def test_addresses_are_masked_and_percent_signs_stay() -> None:
    """In messages and in their arguments; what is left is not formatted again."""
    line = logged("captello.tests", "100 %% of %s failed: %s", "mara@fabrikam.example", "50 %s")
    assert line == "100 % of m***@fabrikam.example failed: 50 %s\n"


def _fail() -> None:
    try:
        int(chr(64).join(("ma" + "ra", "fabrikam.example")))
    except ValueError as error:
        quoted = "s3" + "cret"
        raise RuntimeError(quoted) from error


def test_an_exception_tells_where_and_not_what_was_said() -> None:
    """A validation error quotes its input, an HTTP error its address."""
    with pytest.raises(RuntimeError) as raised:
        _fail()
    told = logged("captello.tests", "met a bug", error=raised.value)
    assert "RuntimeError" in told
    assert "ValueError" in told
    assert "in _fail" in told
    assert "mara" not in told
    assert "s3cret" not in told


def test_libraries_do_not_log_addresses_of_requests() -> None:
    """Httpx writes each URL at INFO, the worker hands INFO on, and a URL holds what was searched for."""
    done = subprocess.run([sys.executable, "-c", TOLD], cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [False] * len(LIBRARIES)
