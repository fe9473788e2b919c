"""Time that tests and benchmarks order: how long an answer takes, and orders that make no sense."""

from typing import Any

import pytest

from infra.local.dynamics.latency import Latency
from tests.infra.dynamics.simulator import Crm


@pytest.mark.parametrize(
    ("latency", "rows", "bulk_rows", "seconds"),
    [
        (Latency(request_ms=40), 0, 0, 0.040),
        (Latency(request_ms=40, row_ms=4), 5, 0, 0.060),
        (Latency(request_ms=40, row_ms=4, bulk_row_ms=1), 0, 100, 0.140),
    ],
)
def test_what_an_answer_takes(latency: Latency, rows: int, bulk_rows: int, seconds: float) -> None:
    """So much for the request, for each row, and for each row of a bulk message."""
    assert latency.seconds(rows=rows, bulk_rows=bulk_rows) == pytest.approx(seconds)


@pytest.mark.parametrize("order", [{"request_ms": -1}, {"request": 40}, {"row_ms": 1e12}, {"row_ms": "much"}])
def test_a_latency_that_makes_no_sense(crm: Crm, order: dict[str, Any]) -> None:
    """A misspelt or impossible order is refused, for a benchmark would measure something else."""
    assert crm.control.post("latency", json=order).status_code == 400


@pytest.mark.parametrize(
    "order",
    [
        {"now": "2026-05-04T10:00:00"},
        {"now": "tomorrow"},
        {"now": "9999-12-31T23:59:59Z"},
        {"advance": 60},
        {"advance_seconds": 1e300},
    ],
)
def test_a_time_that_makes_no_sense(crm: Crm, order: dict[str, Any]) -> None:
    """Neither a moment without its zone nor a misspelt order moves the clock."""
    before = crm.control.get("clock").json()["now"][:10]
    assert crm.control.post("clock", json=order).status_code == 400
    assert crm.control.get("clock").json()["now"][:10] == before


def test_a_misspelt_contested_behaviour(crm: Crm) -> None:
    """It is refused; else a test would prove the other behaviour."""
    assert crm.control.post("contested", json={"duplicate_rules_status": 500}).status_code == 400


def test_a_reset_puts_the_clock_right(crm: Crm) -> None:
    """No test inherits the time of another."""
    crm.order("clock", {"now": "1999-12-31T23:59:00Z", "stopped": True})
    crm.control.post("reset").raise_for_status()
    assert crm.control.get("clock").json()["now"] > "2020"


def test_only_rows_of_the_request_take_time(crm: Crm) -> None:
    """What the simulator looks up for itself, such as roles after a change, costs a benchmark nothing."""
    rows = [crm.create("leads", lastname=name) for name in "ABC"]
    client = crm.limited()
    crm.order("latency", {"row_ms": 1})
    for path in ("leads?$select=lastname", f"leads({rows[0]})", "WhoAmI", f"leads({rows[0]})/lastname"):
        client.get(path)
    client.patch(f"leads({rows[0]})", json={"jobtitle": "B"})
    entries = crm.requests()[-5:]
    assert [entry["held_back_ms"] for entry in entries] == [3, 1, 0, 0, 1]


def test_writes_can_be_kept_a_step_apart(crm: Crm) -> None:
    """Rows keep seconds; a test that asks which of two was changed last needs them in different ones."""
    crm.order("clock", {"now": "2026-05-04T13:05:00Z", "stopped": True})
    crm.order("clock", {"step_seconds": 1})
    created = [crm.row("lead", crm.create("leads", lastname=name))["createdon"] for name in "AB"]
    assert created == ["2026-05-04T13:05:01Z", "2026-05-04T13:05:02Z"]
