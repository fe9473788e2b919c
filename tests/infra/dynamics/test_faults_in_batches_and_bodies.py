"""Unkindness that is hard to tell from the real thing: pages with 200, cut batches, rows saved by somebody else."""

from typing import Any

import httpx
import pytest

from tests.infra.dynamics.simulator import Crm, error, send_batch, statuses


def _part(line: str, body: str, *headers: str) -> str:
    head = "\n".join([line, "Content-Type: application/json", *headers])
    return f"Content-Type: application/http\nContent-Transfer-Encoding: binary\n\n{head}\n\n{body}\n"


def _batch(*parts: str) -> str:
    return "".join(f"--batch_a1\n{part}" for part in parts) + "--batch_a1--\n"


_FOUR = _batch(*(_part("POST leads HTTP/1.1", f'{{"lastname":"{name}"}}') for name in "ABCD"))
_CONTINUE = {"Prefer": "odata.continue-on-error"}


def _names(crm: Crm) -> list[str]:
    return sorted(row["lastname"] for row in crm.rows("lead"))


def test_a_page_with_status_200(crm: Crm) -> None:
    """A proxy that answers in Dynamics' place says 200 and is no JSON; nothing was done."""
    crm.order("faults", {"kind": "html", "status": 200})
    answer = crm.api.post("leads", json={"lastname": "A"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html")
    assert answer.text.startswith("<html>")
    assert crm.rows("lead") == []


@pytest.mark.parametrize("limit", ["requests", "time", "concurrency"])
def test_each_limit_has_its_code(crm: Crm, limit: str) -> None:
    """The three service protection limits are told apart by code, and each says how long to wait."""
    codes = {"requests": "0x80072322", "time": "0x80072321", "concurrency": "0x80072326"}
    crm.order("faults", {"kind": "throttled", "limit": limit})
    answer = crm.api.get("leads")
    assert error(answer) == (429, codes[limit])
    assert int(answer.headers["Retry-After"]) > 0


def test_a_batch_that_fails_from_a_part_on(crm: Crm) -> None:
    """Also with 429, as when a limit is reached on the way."""
    crm.order("faults", {"kind": "half_batch", "part": 4, "status": 429, "retry_after": 7})
    answer = send_batch(crm, _FOUR, **_CONTINUE)
    assert statuses(answer) == [204, 204, 204, 429]
    assert ("Retry-After: 7" in answer.text, "0x80072322" in answer.text) == (True, True)
    assert _names(crm) == ["A", "B", "C"]


@pytest.mark.parametrize(("order", "done"), [({}, ["A", "B"]), ({"part": 4}, ["A", "B", "C"]), ({"part": 1}, [])])
def test_a_batch_that_is_cut(crm: Crm, order: dict[str, int], done: list[str]) -> None:
    """The server ends on the way: parts before stay, the rest was never begun, and the answer breaks off."""
    crm.order("faults", {"kind": "cut_batch", **order})
    with pytest.raises(httpx.RemoteProtocolError):
        send_batch(crm, _FOUR, **_CONTINUE)
    assert _names(crm) == done
    (entry,) = crm.requests()
    assert (entry["fault"], len(entry["parts"])) == ("cut_batch", len(done))


def test_a_cut_inside_of_a_change_set(crm: Crm) -> None:
    """Nothing of the set stays: it is all or nothing, however it ends."""
    parts = (_part("POST leads HTTP/1.1", f'{{"lastname":"{name}"}}') for name in "AB")
    inner = "".join(
        f"--set_1\n{part.replace('binary', f'binary{chr(10)}Content-ID: {number}')}"
        for number, part in enumerate(parts, 1)
    )
    body = _batch(f'Content-Type: multipart/mixed; boundary="set_1"\n\n{inner}--set_1--\n')
    crm.order("faults", {"kind": "cut_batch", "part": 2})
    with pytest.raises(httpx.RemoteProtocolError):
        send_batch(crm, body)
    assert crm.rows("lead") == []
    assert statuses(send_batch(crm, body)) == [204, 204]


def test_a_part_of_a_batch_is_told_in_the_list(crm: Crm) -> None:
    """Which fault it was, a test can look up."""
    crm.order("faults", {"kind": "throttled", "in_batch": True})
    send_batch(crm, _FOUR, **_CONTINUE)
    assert [entry["fault"] for entry in crm.requests()] == ["throttled"]


# --- a row that somebody else saves -----------------------------------------------------------------------------------


def test_by_alternate_key(crm: Crm) -> None:
    """The row is found as the request finds it."""
    crm.order("customizations", {"do": "add_key", "table": "lead", "name": "by_subject", "columns": ["subject"]})
    row = crm.seed("lead", lastname="A", subject="S1")
    crm.order("faults", {"kind": "etag_changed"})
    answer = crm.api.patch("leads(subject='S1')", json={"jobtitle": "B"}, headers={"If-Match": row["@odata.etag"]})
    assert error(answer) == (412, "0x80060882")


def test_requests_about_no_row_do_not_count(crm: Crm) -> None:
    """The rule waits for a request that is about a row that is there."""
    row = crm.seed("lead", lastname="A")
    crm.order("faults", {"kind": "etag_changed"})
    crm.api.get("leads")
    crm.api.get("leads(00000000-0000-4000-8000-000000000000)")
    crm.api.get("WhoAmI")
    assert crm.row("lead", row["leadid"]) == row
    guard = {"If-Match": row["@odata.etag"]}
    assert crm.api.patch(f"leads({row['leadid']})", json={}, headers=guard).status_code == 412


def test_it_stands_when_the_change_set_fails(crm: Crm) -> None:
    """The change set is undone, somebody else's change is not: the old etag stays stale."""
    row = crm.seed("lead", lastname="A")
    patch = _part(
        f"PATCH leads({row['leadid']}) HTTP/1.1", '{"jobtitle":"B"}', f"If-Match: {row['@odata.etag']}"
    ).replace("binary", "binary\nContent-ID: 1")
    body = _batch(f'Content-Type: multipart/mixed; boundary="set_1"\n\n--set_1\n{patch}--set_1--\n')
    crm.order("faults", {"kind": "etag_changed"})
    assert [statuses(send_batch(crm, body)) for _ in range(2)] == [[412], [412]]
    assert crm.row("lead", row["leadid"])["@odata.etag"] != row["@odata.etag"]


# --- orders without an effect -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "order",
    [
        {"kind": "throttled", "path": "("},
        {"kind": "reset_before", "in_batch": True},
        {"kind": "reset_after", "in_batch": True},
        {"kind": "slow", "seconds": 1, "in_batch": True},
        {"kind": "etag_changed", "seconds": 1},
        {"kind": "slow"},
        {"kind": "error", "status": 200},
        {"kind": "throttled", "part": 2},
        {"kind": "throttled", "method": "get"},
        {"kind": "throttled", "table": "leeds"},
        {"kind": "throttled", "retry_after": -1},
    ],
)
def test_orders_that_would_do_nothing(crm: Crm, order: dict[str, Any]) -> None:
    """They are refused: a test that relies on them would prove nothing."""
    assert crm.control.post("faults", json=order).status_code == 400
    assert crm.control.get("faults").json() == {"faults": []}


def test_one_date(crm: Crm) -> None:
    """Answers have each header once."""
    names = [name.lower() for name, _ in crm.api.get("WhoAmI").headers.raw]
    assert len(names) == len(set(names))
