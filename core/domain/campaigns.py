"""Adding a person to campaigns: as a lead's source campaign, as a response, as a member of a static marketing list.

Each happens once, however often the person is synced: the prospect keeps a mark of it. A response's id follows from
campaign and prospect, so that no helper makes a second one.
https://learn.microsoft.com/dynamics365/customerengagement/on-premises/developer/campaign-response-activity-entity
"""

from collections.abc import Iterator
from dataclasses import dataclass

from core.domain.action import CampaignRule
from core.domain.conversion.identifiers import normal_identifier
from core.domain.delivery import Extra, Membership, RowWrite
from core.domain.derived_id import derived_id
from core.domain.mapping import ColumnValue, Policy
from core.domain.references import NotAnswered, ReferenceQuery, References, named_rows
from core.domain.row import Row
from core.domain.subject import Subject
from core.domain.table import SET_NAMES, Target

SOURCE_COLUMN = "campaignid"  # of lead; contact has no such column
_CAMPAIGN = Target(table="campaign", set_name="campaigns", navigation="campaignid")
_REGARDING = Target(table="campaign", set_name="campaigns", navigation="regardingobjectid_campaign_campaignresponse")
_MEMBER_CODES = {2: "contact", 4: "lead"}  # list.createdfromcode
_OTHERS, _INTERESTED, _CUSTOMER = 6, 1, 11  # channeltypecode, responsecode, participationtypemask


@dataclass(frozen=True, slots=True)
class Campaigning:
    """What the action's campaigns come to for one row."""

    source: ColumnValue | None = None
    extras: tuple[Extra, ...] = ()
    warnings: tuple[str, ...] = ()


def campaign_queries(rules: list[CampaignRule]) -> tuple[ReferenceQuery, ...]:
    """The campaigns and lists to look for; one that is given by its id needs no search."""
    return tuple(_query(rule) for rule in rules if normal_identifier(rule.name) is None)


def _query(rule: CampaignRule) -> ReferenceQuery:
    if rule.added_as == "list":
        return ReferenceQuery("list", "lists", "listname", rule.name)
    return ReferenceQuery("campaign", "campaigns", "name", rule.name)


def campaigning(subject: Subject, table: str, row_id: str, references: References) -> Campaigning:
    source: ColumnValue | None = None
    extras: list[Extra] = []
    warnings: list[str] = []
    for rule in subject.action.campaigns:
        found = _named(rule, table, references)
        match found:
            case str(why):
                warnings.append(f"{rule.name}: {why}")
            case ColumnValue():
                source = source or found
            case _:
                extras.extend(_extra(subject, rule, found.id, table, row_id))
    return Campaigning(source, tuple(extras), tuple(warnings))


@dataclass(frozen=True, slots=True)
class _Id:
    id: str


def _named(rule: CampaignRule, table: str, references: References) -> ColumnValue | _Id | str:
    """The campaign's id, as the lead's column where it is the source; or why there is none."""
    given = normal_identifier(rule.name)
    rows = () if given else named_rows(_query(rule), references)
    if isinstance(rows, NotAnswered):
        return f"it could not be looked up, so nobody was added: {rows.why}"
    if given is None and len(rows) != 1:
        what = "marketing list" if rule.added_as == "list" else "campaign"
        return (
            f"{len(rows)} {what}s in Dynamics have this name; nobody was added."
            if rows
            else f"no {what} of this name is in Dynamics."
        )
    if rule.added_as == "list" and rows and (why := _closed(rows[0], table)):
        return why
    campaign_id = given or rows[0].id
    if rule.added_as != "source":
        return _Id(campaign_id)
    if table != "lead":
        return "only leads have a source campaign; the contact was not added."
    return ColumnValue(SOURCE_COLUMN, campaign_id, Policy.FILL_IF_EMPTY, _CAMPAIGN)


def _closed(row: Row, table: str) -> str:
    """Why nobody of this table can be added to the list; "" when one can."""
    if row.columns.get("type"):
        return "the list is dynamic, its query finds its members; nobody was added."
    if row.columns.get("lockstatus"):
        return "the list is locked; nobody was added."
    if _MEMBER_CODES.get(row.columns.get("createdfromcode") or 0) != table:
        return f"the list takes no {table}s; nobody was added."
    return ""


def _extra(subject: Subject, rule: CampaignRule, campaign_id: str, table: str, row_id: str) -> Iterator[Extra]:
    """Nothing where the person has been added before."""
    if rule.added_as == "list":
        extra = Extra(
            mark=f"list|{campaign_id}|{row_id}",
            write=Membership(list_id=campaign_id, table=table, row_id=row_id),
        )
    else:
        extra = Extra(mark=f"response|{campaign_id}", write=_response(subject, rule, campaign_id, table, row_id))
    if extra.mark not in subject.known.effects:
        yield extra


def _response(subject: Subject, rule: CampaignRule, campaign_id: str, table: str, row_id: str) -> RowWrite:
    party = {f"partyid_{table}@odata.bind": f"/{SET_NAMES[table]}({row_id})", "participationtypemask": _CUSTOMER}
    received = subject.delivery.said_at
    return RowWrite(
        table="campaignresponse",
        row_id=derived_id("response", subject.delivery.organization, campaign_id, subject.prospect_key),
        etag=None,
        values={
            "subject": f"Captello: {rule.name}"[:200],
            "channeltypecode": _OTHERS,
            "responsecode": _INTERESTED,
            "receivedon": f"{received:%Y-%m-%dT%H:%M:%SZ}",
            "regardingobjectid": campaign_id,
            "campaignresponse_activity_parties": [party],
        },
        targets={"regardingobjectid": _REGARDING},
    )
