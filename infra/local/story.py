"""What a person sees first: a connection, a mapping and an action made through the public API, then one capture.

Everything goes the way a user's own requests would. Answers are checked: a story that fails says where.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from infra.local.entra import DEMO
from infra.local.stack import Stack

CONNECTION = "contoso"
ACTION = "booth"

Say = Callable[[str], None]

PERSON = [
    {"source": "FirstName", "column": "firstname"},
    {"source": "LastName", "column": "lastname", "default": "(unknown)"},
    {"source": "Email", "column": "emailaddress1"},
    {"source": "WorkPhone", "column": "telephone1", "policy": "fill_if_empty"},
    {"source": "Title", "column": "jobtitle"},
]
MAPPINGS: dict[str, list[dict[str, Any]]] = {
    "lead": [
        *PERSON,
        {"source": "{form.event}: {form.name}", "column": "subject", "default": "Captello", "policy": "create_only"},
        {"source": "Company", "column": "companyname"},
        {"constant": "Trade Show", "column": "leadsourcecode", "policy": "create_only"},
        {
            "source": "submission.rating",
            "column": "leadqualitycode",
            "choices": {"3": "Hot", "2": "Warm", "1": "Cold"},
        },
    ],
    "contact": PERSON,
}
BOOTH = {
    "name": "Booth leads",
    "connection": CONNECTION,
    "match": {"tables": "contacts_then_leads", "by": "email"},
    "create": "lead",
    "note": False,
}
# What people are shown: the company becomes an account, and the note takes what no column took.
DEMONSTRATION = {**BOOTH, "account": {"on_missing": "create"}, "note": True}


class StoryError(Exception):
    """A step did not go as it should; the message says which, and what was answered."""


@dataclass(frozen=True, slots=True)
class Told:
    """A sample's answer with what stands behind it now."""

    answer: dict[str, Any]
    row: dict[str, Any]
    beside: dict[str, str]
    log: dict[str, Any]


def set_up(stack: Stack, say: Say, action: dict[str, Any] = DEMONSTRATION) -> None:
    """The demonstration's connection, mappings and action. Doing it again changes nothing."""
    with _client(stack) as client:
        connection = _put(client, f"connections/{CONNECTION}", _connection(stack))
        if connection["state"] != "active":
            raise StoryError(f"The connection is {connection['state']}: {connection['pause']['reason']}")
        say(f"connection  {CONNECTION}: {connection['url']}, organisation {connection['organization_id']}")
        for table, rows in MAPPINGS.items():
            saved = _put(client, f"connections/{CONNECTION}/mappings/{table}", {"rows": rows})
            say(f"mapping     {table}: {len(rows)} columns, checked against live metadata, version {saved['version']}")
        _put(client, f"actions/{ACTION}", action)
        say(f"action      {ACTION}: search contacts then leads by e-mail, else create a lead, with company and note")


def tell(stack: Stack) -> Told:
    """Posts the sample capture, and reads back what became of it."""
    with _client(stack) as client:
        answer = client.post(f"/api/capture/{ACTION}", json=sample_capture(int(time.time())))
        if answer.status_code != httpx.codes.OK:
            raise StoryError(f"The capture was answered {answer.status_code}: {answer.text}")
        said = answer.json()
        if said["outcome"] not in ("created", "updated", "unchanged"):
            raise StoryError(f"The capture ended as {said['outcome']}: {said.get('reason')}")
        row = next((each for each in _rows(client, stack, said["table"]) if said["record_id"] in each.values()), None)
        logs = client.get("/api/v1/logs", params={"limit": 20}).json()["items"]
        log = next((each for each in logs if each["delivery"] == said["receipt"]), None)
        if row is None or log is None:
            raise StoryError(f"The {'row' if row is None else 'log row'} of {said['receipt']} is missing.")
        return Told(said, row, _beside(client, stack, row), log)


def _rows(client: httpx.Client, stack: Stack, table: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = client.get(f"{stack.dynamics.url}/_control/rows/{table}").json()["rows"]
    return rows


def _beside(client: httpx.Client, stack: Stack, row: dict[str, Any]) -> dict[str, str]:
    """The row's company, and its notes in one line."""
    accounts = {each["accountid"]: each["name"] for each in _rows(client, stack, "account")}
    notes = [each for each in _rows(client, stack, "annotation") if each.get("_objectid_value") in row.values()]
    texts = {"note": " / ".join(note["notetext"].replace("\n", " / ") for note in notes)}
    company = row.get("_parentaccountid_value") or row.get("_parentcustomerid_value")
    return {"account": accounts.get(company, ""), **texts}


def sample_capture(activity_id: int) -> dict[str, Any]:
    return {
        "event": "captured",
        "form": {"id": 42, "name": "Booth", "event": "Expo 26"},
        "submission": {"activity_id": activity_id, "type": "barcode", "captured_by": "Ann Lee", "rating": 3},
        "prospect": {
            "id": 777,
            "owner": "ann@x.example",
            "fields": {
                "FirstName": "Mara",
                "LastName": "O'Hara",
                "Email": "mara@fabrikam.example",
                "Company": "Fabrikam",
                "Title": "Head of Events",
                "WorkPhone": "+44 20 7946 0000",
            },
        },
        "answers": [{"id": 12, "title": "Interests", "type": "checkbox", "value": ["Scanners", "Kiosks"]}],
    }


_SHOWN_COLUMNS = (
    "subject",
    "firstname",
    "lastname",
    "emailaddress1",
    "companyname",
    "jobtitle",
    "telephone1",
    "leadsourcecode",
    "leadqualitycode",
    "createdon",
)
_SHOWN_LOG = ("received_at", "trigger", "action", "prospect", "outcome", "table", "record_id", "duration_ms")


def printed(told: Told, stack: Stack) -> str:
    """The story as a person reads it."""
    said = {name: told.answer[name] for name in ("outcome", "table", "record_id", "receipt", "warnings")}
    row = {name: told.row[name] for name in _SHOWN_COLUMNS if told.row.get(name) is not None}
    log = {name: told.log[name] for name in _SHOWN_LOG}
    return "\n\n".join(
        (
            f"A capture was posted to {stack.app}/api/capture/{ACTION}: Mara O'Hara, scanned at the booth.",
            _block("The app answered", said),
            _block(f"In Dynamics there is now this {told.answer['table']}", row),
            _block("Beside it", told.beside),
            _block("In the sync log (table SyncLog)", log),
        )
    )


def invitation(stack: Stack) -> str:
    """What to try next."""
    capture = f"{stack.app}/api/capture/{ACTION}?code={stack.key}"
    fields = "-d FirstName=Li -d LastName=Wen -d Email=li@northwind.example -d Company=Northwind"
    return "\n".join(
        (
            "Try next:",
            f"  curl '{capture}' {fields} -d activity_id=1",
            f"  curl '{stack.app}/api/v1/logs?code={stack.key}'",
            f"  curl -X POST '{stack.app}/api/v1/connections/{CONNECTION}/check?code={stack.key}'",
            f"  curl '{stack.dynamics.url}/_control/rows/lead'",
        )
    )


def _block(title: str, values: dict[str, Any]) -> str:
    width = max(map(len, values))
    shown = (
        f"  {name:<{width}}  {value if isinstance(value, str) else json.dumps(value)}" for name, value in values.items()
    )
    return "\n".join((f"{title}:", *shown))


def _client(stack: Stack) -> httpx.Client:
    return httpx.Client(base_url=stack.app, headers={"x-functions-key": stack.key}, timeout=30)


def _connection(stack: Stack) -> dict[str, str]:
    return {
        "name": "Contoso (simulated)",
        "url": stack.dynamics.url,
        "tenant_id": DEMO.tenant_id,
        "client_id": DEMO.client_id,
        "client_secret": DEMO.client_secret,
        "environment": "sandbox",
    }


def _put(client: httpx.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """On condition of what stands there now: nobody else's change is overwritten unseen."""
    etag = client.get(f"/api/v1/{path}").headers.get("etag")
    answer = client.put(f"/api/v1/{path}", json=body, headers={"if-match": etag} if etag else {"if-none-match": "*"})
    if answer.is_error:
        raise StoryError(f"PUT {path} was answered {answer.status_code}: {answer.text}")
    read: dict[str, Any] = answer.json()
    return read
