"""The list of requests: what came since, and how often each method was used on each table."""

from concurrent.futures import ThreadPoolExecutor

from tests.infra.dynamics.simulator import Crm, send_batch

_BATCH = (
    "--batch_a1\nContent-Type: application/http\nContent-Transfer-Encoding: binary\n\n"
    'POST leads HTTP/1.1\nContent-Type: application/json\n\n{"lastname":"A"}\n'
    "--batch_a1\nContent-Type: application/http\nContent-Transfer-Encoding: binary\n\n"
    "GET /api/data/v9.2/contacts?$top=1 HTTP/1.1\n\n\n--batch_a1--\n"
)


def test_what_came_since(crm: Crm) -> None:
    """A test asks for what was requested after the point it knows, and gets just that."""
    crm.api.get("leads")
    (known,) = crm.requests()
    crm.api.get("contacts")
    later = crm.control.get(f"requests?since={known['number']}").json()
    assert [entry["path"].rpartition("/")[2] for entry in later["requests"]] == ["contacts"]
    assert later["counters"]["requests"] == 2


def test_a_point_that_is_none(crm: Crm) -> None:
    """It is refused, instead of everything being listed."""
    assert crm.control.get("requests?since=yesterday").status_code == 400


def test_totals_by_table_and_method(crm: Crm) -> None:
    """Parts of a batch count as operations of their own, wherever their address begins."""
    crm.api.get("leads?$top=1")
    crm.api.get("WhoAmI")
    assert send_batch(crm, _BATCH).status_code == 200
    totals = crm.control.get("requests").json()["operations"]
    assert totals == {"leads": {"GET": 1, "POST": 1}, "contacts": {"GET": 1}, "WhoAmI": {"GET": 1}}


def test_what_was_in_flight_beside_a_request(crm: Crm) -> None:
    """Of the same user, when it was let in: so many at once, and which, can be told of any kind of request."""
    crm.control.post("latency", json={"request_ms": 100}).raise_for_status()
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(crm.api.get, ("leads", "contacts", "WhoAmI")))
    crm.api.get("accounts")

    beside = {entry["path"].rpartition("/")[2]: len(entry["beside"]) for entry in crm.requests()}
    assert sorted(beside[name] for name in ("leads", "contacts", "WhoAmI")) == [0, 1, 2]
    assert beside["accounts"] == 0
