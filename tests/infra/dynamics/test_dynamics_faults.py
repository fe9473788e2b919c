"""Unkindness on request: what each fault does, and which requests a rule meets."""

from typing import Any

import httpx
import pytest

from tests.infra.dynamics.simulator import Crm, error, new_id, send_batch, statuses


def _statuses(crm: Crm, count: int, path: str = "leads?$top=1") -> list[int]:
    return [crm.api.get(path).status_code for _ in range(count)]


@pytest.mark.parametrize(
    ("rule", "status"),
    [
        ({"kind": "throttled"}, 429),
        ({"kind": "unavailable"}, 503),
        ({"kind": "gateway_timeout"}, 504),
        ({"kind": "unauthorized"}, 401),
        ({"kind": "html", "status": 502}, 502),
        ({"kind": "error"}, 500),
        ({"kind": "error", "status": 400, "code": "0x80040265", "message": "A plug-in refused."}, 400),
    ],
)
def test_answers_in_place_of_the_work(crm: Crm, rule: dict[str, Any], status: int) -> None:
    """The next request is refused, without anything done; the one after is served."""
    crm.order("faults", rule)
    assert crm.api.post("leads", json={"lastname": "A"}).status_code == status
    assert crm.rows("lead") == []
    assert crm.api.post("leads", json={"lastname": "A"}).status_code == 204


def test_how_long_to_wait_can_be_said(crm: Crm) -> None:
    """Retry-After is what the rule says."""
    crm.order("faults", [{"kind": "throttled", "retry_after": 2}, {"kind": "unavailable", "retry_after": 3}])
    assert [crm.api.get("leads").headers["Retry-After"] for _ in range(2)] == ["2", "3"]


def test_an_error_of_ones_own(crm: Crm) -> None:
    """Code and message are the rule's, such as a plug-in's refusal."""
    crm.order("faults", {"kind": "error", "status": 400, "code": "0x80040265", "message": "Not in our CRM!"})
    answer = crm.api.post("leads", json={})
    assert error(answer) == (400, "0x80040265")
    assert answer.json()["error"]["message"] == "Not in our CRM!"


def test_connection_reset_before_the_work(crm: Crm) -> None:
    """The client sees its connection break, and nothing was done."""
    crm.order("faults", {"kind": "reset_before"})
    with pytest.raises(httpx.ReadError):
        crm.api.post("leads", json={"lastname": "A"})
    assert crm.rows("lead") == []


def test_connection_reset_after_the_work(crm: Crm) -> None:
    """The client sees its connection break, and the row stands: the case a plain retry gets wrong."""
    crm.order("faults", {"kind": "reset_after"})
    with pytest.raises(httpx.ReadError):
        crm.api.post("leads", json={"lastname": "A"})
    assert len(crm.rows("lead")) == 1
    (entry,) = (entry for entry in crm.requests() if entry["fault"])
    assert (entry["fault"], entry["status"]) == ("reset_after", 204)


def test_a_truncated_body(crm: Crm) -> None:
    """The answer breaks off in its middle."""
    crm.order("faults", {"kind": "truncated"})
    with pytest.raises(httpx.RemoteProtocolError):
        crm.api.get("leads")


def test_a_slow_answer(crm: Crm) -> None:
    """It comes late, and right; others are not held up, and a client that waits less gives up."""
    crm.order("faults", {"kind": "slow", "seconds": 0.01, "path": "WhoAmI"})
    assert crm.api.get("WhoAmI").status_code == 200
    assert [(entry["fault"], entry["held_back_ms"]) for entry in crm.requests()] == [("slow", 10)]
    crm.order("faults", {"kind": "slow", "seconds": 0.5, "path": "WhoAmI"})
    with pytest.raises(httpx.ReadTimeout):
        crm.api.get("WhoAmI", timeout=0.05)
    assert crm.api.get("leads").status_code == 200


def test_an_etag_that_changes_under_the_client(crm: Crm) -> None:
    """Somebody else saved the row just before: the guarded update is refused, and the row has a new etag."""
    row = crm.seed("lead", lastname="A", modifiedon="2020-01-01T00:00:00Z")
    address, guard = f"leads({row['leadid']})", {"If-Match": row["@odata.etag"]}
    crm.order("faults", {"kind": "etag_changed", "table": "lead", "method": "PATCH"})
    assert error(crm.api.patch(address, json={"jobtitle": "B"}, headers=guard)) == (412, "0x80060882")
    after = crm.row("lead", row["leadid"])
    assert (after["@odata.etag"] != row["@odata.etag"], after["modifiedon"] > "2020") == (True, True)
    assert "jobtitle" not in after


_PARTS = "".join(
    "--batch_a1\nContent-Type: application/http\nContent-Transfer-Encoding: binary\n\n"
    f'POST leads HTTP/1.1\nContent-Type: application/json\n\n{{"lastname":"{name}"}}\n'
    for name in "ABCD"
)


def _batch(crm: Crm) -> list[int]:
    return statuses(send_batch(crm, _PARTS + "--batch_a1--\n", Prefer="odata.continue-on-error"))


def test_a_half_failed_batch(crm: Crm) -> None:
    """The first half is done, the second is not."""
    crm.order("faults", {"kind": "half_batch", "status": 500, "code": "0x80044151"})
    assert _batch(crm) == [204, 204, 500, 500]
    assert sorted(row["lastname"] for row in crm.rows("lead")) == ["A", "B"]


def test_a_single_part_of_a_batch(crm: Crm) -> None:
    """A part can be refused for itself, also with 429."""
    crm.order("faults", {"kind": "throttled", "in_batch": True, "call": 2})
    assert _batch(crm) == [204, 429, 204, 204]


# --- which requests a rule meets --------------------------------------------------------------------------------------


def test_by_method_path_and_table(crm: Crm) -> None:
    """Others pass by and leave it waiting."""
    rule = {"kind": "unavailable", "method": "GET", "path": r"lastname%20eq", "table": "lead"}
    crm.order("faults", rule)
    assert crm.api.get("contacts?$filter=lastname%20eq%20'A'").status_code == 200
    assert crm.api.get("leads?$top=1").status_code == 200
    assert crm.api.post("leads?x=lastname%20eq", json={}).status_code == 204
    assert len(crm.control.get("faults").json()["faults"]) == 1
    assert crm.api.get("leads?$filter=lastname%20eq%20'A'").status_code == 503
    assert crm.control.get("faults").json()["faults"] == []


def test_a_batch_is_met_by_the_tables_of_its_parts(crm: Crm) -> None:
    """As a whole."""
    crm.order("faults", {"kind": "unavailable", "table": "leads"})
    assert send_batch(crm, _PARTS + "--batch_a1--\n").status_code == 503
    assert crm.rows("lead") == []


def test_by_the_number_of_the_call(crm: Crm) -> None:
    """From the n-th on, so many times."""
    crm.order("faults", {"kind": "unavailable", "call": 3, "times": 2})
    assert _statuses(crm, 6) == [200, 200, 503, 503, 200, 200]


def test_until_it_is_withdrawn(crm: Crm) -> None:
    """Every call, and none after the rules were deleted."""
    crm.order("faults", {"kind": "unavailable", "times": None})
    assert _statuses(crm, 3) == [503, 503, 503]
    crm.control.delete("faults")
    assert _statuses(crm, 1) == [200]


def test_by_chance_with_a_seed(crm: Crm) -> None:
    """The same seed meets the same calls."""
    runs = []
    for _ in range(2):
        crm.control.post("reset")
        crm.order("faults", {"kind": "unavailable", "times": None, "probability": 0.5, "seed": 7})
        runs.append(_statuses(crm, 20))
    assert runs[0] == runs[1]
    assert set(runs[0]) == {200, 503}


def test_a_rule_that_makes_no_sense(crm: Crm) -> None:
    """A misspelt order is refused, not ignored."""
    for order in ({"kind": "nothing"}, {"kind": "slow", "second": 1}, {"kind": "slow", "times": 0}, "text"):
        assert crm.control.post("faults", json=order).status_code == 400


def test_the_control_interface_is_never_met(crm: Crm) -> None:
    """Tests can always look."""
    crm.order("faults", {"kind": "reset_before", "times": None})
    assert crm.rows("lead") == []


def test_an_id_of_our_own_makes_the_lost_answer_harmless(crm: Crm) -> None:
    """What all this is for: the repeated create finds its own row."""
    row_id = new_id()
    crm.order("faults", {"kind": "reset_after"})
    only_new = {"If-None-Match": "*"}
    with pytest.raises(httpx.ReadError):
        crm.api.patch(f"leads({row_id})", json={"lastname": "A"}, headers=only_new)
    assert error(crm.api.patch(f"leads({row_id})", json={"lastname": "A"}, headers=only_new)) == (412, "0x80040237")
    assert len(crm.rows("lead")) == 1
