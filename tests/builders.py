"""What tests of the pure parts are about, with everything filled in that a test does not care for."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from core.dataverse.protocol import Response
from core.domain.action import SyncAction
from core.domain.capture import Capture
from core.domain.delivery import Delivery
from core.domain.mapping import FieldMapping, MappingRow
from core.domain.owner import TEAM, USER
from core.domain.prospect import Prospect, merged
from core.domain.row import Row
from core.domain.subject import Subject, subject_of
from core.domain.table import Choice, Column, Table, Target

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
EARLIER, LATER = NOON - timedelta(hours=1), NOON + timedelta(hours=1)
ORGANIZATION = "90aa3b6e-4e50-4e11-8dee-000d3a4f1a01"
NEW_ID = "00000000-0000-4000-8000-0000000000ff"

RATINGS = (
    Choice(value=1, labels=("Hot", "Heiß")),
    Choice(value=2, labels=("Warm",)),
    Choice(value=3, labels=("Cold", "Kalt")),
)
ALLOW = (Choice(value=1, labels=("Do Not Allow", "Nicht zulassen")), Choice(value=0, labels=("Allow", "Zulassen")))

CAMPAIGN = Target(table="campaign", set_name="campaigns", navigation="campaignid", name_column="name")

ACCOUNT = Target(table="account", set_name="accounts", navigation="customerid_account", name_column="name")
CONTACT = Target(table="contact", set_name="contacts", navigation="customerid_contact", name_column="fullname")
REASONS = (Choice(value=1, labels=("New",)), Choice(value=2, labels=("Contacted", "Kontaktiert")))


def column(name: str, kind: str = "String", **facts: Any) -> Column:
    return Column(name=name, type=kind, **({"max_length": 100} if kind == "String" else {}), **facts)


COLUMNS = {
    each.name: each
    for each in (
        column("firstname"),
        column("lastname", label="Last Name", required=True),
        column("emailaddress1"),
        column("emailaddress2"),
        column("emailaddress3"),
        column("companyname"),
        column("jobtitle"),
        column("telephone1"),
        Column(name="description", type="Memo", max_length=2000),
        Column(name="leadqualitycode", type="Picklist", choices=RATINGS),
        Column(name="fullname", type="String", max_length=160, creatable=False, updatable=False),
        Column(name="createdon", type="DateTime", creatable=False, updatable=False),
        Column(name="donotemail", type="Boolean", choices=ALLOW),
        Column(name="numberofemployees", type="Integer", minimum=0, maximum=1_000_000),
        Column(name="revenue", type="Money", minimum=0, maximum=1_000_000_000, precision=2),
        Column(name="estimatedclosedate", type="DateTime", date_behavior="UserLocal"),
        Column(name="birthdate", type="DateTime", date_behavior="DateOnly"),
        Column(name="interests", type="MultiSelectPicklist", choices=RATINGS),
        Column(name="stageid", type="Uniqueidentifier"),
        Column(name="leadid", type="Uniqueidentifier", updatable=False),
        Column(name="campaignid", type="Lookup", targets=(CAMPAIGN,)),
        Column(name="customerid", type="Customer", targets=(ACCOUNT, CONTACT)),
        Column(name="ownerid", type="Owner", targets=(USER, TEAM)),
        Column(name="slaid", type="Lookup", targets=(Target(table="sla", set_name="slas", navigation="sla_lead"),)),
        Column(name="statuscode", type="Status", choices=REASONS),
        Column(name="setlater", type="String", creatable=False),
        Column(name="mobilephone", type="String", max_length=20, format="Phone"),
        Column(name="websiteurl", type="String", max_length=40, format="Url"),
        *(
            Column(name=f"a_{kind.lower()}", type=kind)
            for kind in (
                "Lookup",
                "Customer",
                "PartyList",
                "State",
                "Image",
                "File",
                "EntityName",
                "Virtual",
            )
        ),
    )
}
LEAD = Table(name="lead", columns=COLUMNS)

PERSON: tuple[dict[str, Any], ...] = (
    {"source": "FirstName", "column": "firstname"},
    {"source": "LastName", "column": "lastname"},
    {"source": "Email", "column": "emailaddress1"},
    {"source": "Title", "column": "jobtitle"},
)


def mapping(*rows: dict[str, Any], table: str = "lead", columns: Mapping[str, Column] = COLUMNS) -> FieldMapping:
    made = tuple(MappingRow(**row) for row in rows or PERSON)
    return FieldMapping(table=table, version=3, rows=made, columns=dict(columns))


def capture(*, said_at: datetime | None = None, **fields: Any) -> Capture:
    """A capture about prospect 777 that says these fields."""
    return Capture.model_validate({"occurred_at": said_at, "prospect": {"id": 777, "fields": fields}})


def document(**changed: Any) -> dict[str, Any]:
    """The documented nested body."""
    return {
        "event": "captured",
        "occurred_at": "2026-05-04T10:00:00Z",
        "form": {"id": 42, "name": "Booth", "event": "Expo 26"},
        "submission": {
            "activity_id": 9001,
            "hold_request_id": None,
            "type": "barcode",
            "captured_by": "Ann Lee",
            "rating": 3,
        },
        "prospect": {
            "id": 777,
            "owner": "ann@x.example",
            "fields": {"FirstName": "Mara", "LastName": "O'Hara", "Email": "mara@x.example", "Company": "Fabrikam"},
        },
        "answers": [{"id": 12, "title": "Interests", "type": "checkbox", "value": ["A", "B"]}],
    } | changed


def known(said_at: datetime = EARLIER, *, links: Mapping[str, str] | None = None, **fields: Any) -> Prospect:
    """A prospect who has said these fields."""
    heard = merged(Prospect(), capture(**fields), said_at)
    return heard.model_copy(update={"links": dict(links or {})})


def action(**settings: Any) -> SyncAction:
    """An action that searches contacts, then leads, by e-mail."""
    rule = {"tables": "contacts_then_leads", "by": "email"} | settings.pop("match", {})
    return SyncAction.model_validate(
        {"id": "booth", "connection": "contoso", "match": rule, "create": "lead"} | settings
    )


def delivery(said: Capture, *, received_at: datetime = NOON) -> Delivery:
    return Delivery(
        id="d" * 32,
        organization=ORGANIZATION,
        connection="contoso",
        action="booth",
        capture=said,
        received_at=received_at,
        due_at=received_at,
    )


def subject(
    said: Capture,
    *,
    under: SyncAction | None = None,
    prospect: Prospect | None = None,
    mappings: Mapping[str, FieldMapping] | None = None,
    received_at: datetime = NOON,
) -> Subject:
    both = {"lead": mapping(), "contact": mapping(table="contact")} if mappings is None else mappings
    return subject_of(delivery(said, received_at=received_at), under or action(), both, prospect or Prospect())


def row_id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def row(number: int = 1, table: str = "lead", **columns: Any) -> Row:
    """An active row, unless its columns say otherwise."""
    usual = {
        f"{table}id": row_id(number),
        "createdon": "2026-01-01T08:00:00Z",
        "modifiedon": "2026-02-01T08:00:00Z",
        "statecode": 0,
        "merged": False,
        "_masterid_value": None,
    }
    return Row(table, row_id(number), f'W/"{number}"', usual | columns)


def rows_by_key(*rows: Row) -> dict[tuple[str, str], Row | None]:
    return {each.key: each for each in rows}


def refusal(status: int, code: str | None = "", message: str = "", **headers: str) -> Response:
    """What Dataverse answers when it refuses; without a code, as a proxy does."""
    body = b"" if code is None else json.dumps({"error": {"code": code, "message": message}}).encode()
    return Response(status, {name.replace("_", "-"): text for name, text in headers.items()}, body)
