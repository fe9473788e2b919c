"""Tables as they ship: the JSON files in `metadata/` read into a `Schema`.

Duty: reading, and the few facts about tables that the files do not hold. Where the files come from, each says itself
(`provenance`).
"""

import functools
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from infra.local.dynamics.schema import Association, Column, Option, Schema, Single, Table

FOLDER = Path(__file__).parent / "metadata"
ENGLISH = 1033
GERMAN = 1031

_CODES = {
    "account": 1, "contact": 2, "opportunity": 3, "lead": 4, "annotation": 5, "systemuser": 8, "team": 9,
    "businessunit": 10, "systemuserroles": 14, "roleprivileges": 12, "teammembership": 23, "activityparty": 135,
    "organization": 1019, "privilege": 1023, "role": 1036, "campaign": 4400, "campaignresponse": 4401,
    "campaignitem": 4404, "list": 4300, "listmember": 4301, "sdkmessage": 4606, "sdkmessagefilter": 4607,
    "transactioncurrency": 9105,
}  # fmt: skip
_PRIVILEGE_NAMES = {
    "campaignresponse": "Activity",
    "activityparty": "Activity",
    "annotation": "Note",
    "systemuser": "User",
    "opportunity": "Opportunity",
}
_WITHOUT_CHANGE_TRACKING = frozenset({"activityparty", "privilege", "sdkmessage", "sdkmessagefilter"})

# Many-to-many relationships: the name both sides use, the table that holds the pairs, and which column is whose.
_MANY_TO_MANY = (
    ("listlead_association", "listmember", ("list", "listid"), ("lead", "entityid")),
    ("listcontact_association", "listmember", ("list", "listid"), ("contact", "entityid")),
    ("listaccount_association", "listmember", ("list", "listid"), ("account", "entityid")),
    ("campaignlist_association", "campaignitem", ("campaign", "campaignid"), ("list", "entityid")),
    ("systemuserroles_association", "systemuserroles", ("systemuser", "systemuserid"), ("role", "roleid")),
    ("roleprivileges_association", "roleprivileges", ("role", "roleid"), ("privilege", "privilegeid")),
    ("teammembership_association", "teammembership", ("team", "teamid"), ("systemuser", "systemuserid")),
)


def shipped_schema() -> Schema:
    """A schema of its own for each environment, over tables that are read once."""
    return Schema(_shipped_tables(), tuple(_associations()))


def _associations() -> Iterable[tuple[str, Association]]:
    for name, intersect, (first, first_column), (second, second_column) in _MANY_TO_MANY:
        yield first, Association(name, intersect, first_column, second_column, second)
        yield second, Association(name, intersect, second_column, first_column, first)


@functools.cache
def _shipped_tables() -> tuple[Table, ...]:
    translations = json.loads((FOLDER / "labels" / f"{GERMAN}.json").read_text("utf-8"))
    files = sorted(FOLDER.glob("*.json"))
    return tuple(_table(json.loads(file.read_text("utf-8")), translations) for file in files)


def _table(facts: Mapping[str, Any], translations: Mapping[str, str]) -> Table:
    name = facts["logicalName"]
    columns = {column.name: column for column in _columns(facts["columns"], translations)}
    return Table(
        name=name,
        schema_name=facts["schemaName"],
        set_name=facts["entitySetName"],
        id=facts["primaryIdAttribute"],
        primary_name=facts["primaryNameAttribute"],
        ownership=facts["ownershipType"],
        code=_CODES[name],
        labels=_labels(facts.get("displayName") or facts["schemaName"], translations),
        columns=columns,
        singles=_singles(facts, columns),
        bulk=frozenset(facts.get("bulkMessages") or ()),
        privilege=_PRIVILEGE_NAMES.get(name, facts["schemaName"]),
        is_activity=facts["primaryIdAttribute"] == "activityid",
        has_change_tracking=name not in _WITHOUT_CHANGE_TRACKING,
        readable_names=readable_names(columns.values()),
    )


def readable_names(columns: Iterable[Column]) -> dict[str, Column]:
    return {column.read_name: column for column in columns if column.is_stored and column.readable}


def _columns(facts: Iterable[Mapping[str, Any]], translations: Mapping[str, str]) -> Iterable[Column]:
    lookups = tuple(column["logicalName"] for column in facts if column.get("readProperty"))
    for column in facts:
        if not column["logicalName"].startswith(tuple(f"{name}{end}" for name in lookups for end in _SHADOWS)):
            yield _column(column, translations)


# What the platform derives from a lookup; the Web API has no such properties.
_SHADOWS = ("name", "type", "yominame")


def _column(facts: Mapping[str, Any], translations: Mapping[str, str]) -> Column:
    return Column(
        name=facts["logicalName"],
        schema_name=facts["schemaName"],
        kind=facts["type"],
        labels=_labels(facts.get("displayName"), translations),
        required=facts["requiredLevel"],
        creatable=facts["validForCreate"],
        updatable=facts["validForUpdate"],
        readable=facts["validForRead"],
        format=facts.get("format"),
        behavior=facts.get("dateTimeBehavior"),
        max_length=facts.get("maxLength"),
        minimum=facts.get("min"),
        maximum=facts.get("max"),
        precision=facts.get("precision"),
        targets=tuple(facts.get("targets") or ()),
        binds=facts.get("navigationProperties") or {},
        options=tuple(_option(option, translations) for option in facts.get("options") or ()),
        default=facts.get("default"),
    )


def _option(facts: Mapping[str, Any], translations: Mapping[str, str]) -> Option:
    labels = _labels(facts["label"], translations)
    return Option(facts["value"], labels, facts.get("state"), facts.get("defaultStatus"))


def _labels(text: str | None, translations: Mapping[str, str]) -> dict[int, str]:
    if text is None:
        return {}
    return {ENGLISH: text, **({GERMAN: translations[text]} if text in translations else {})}


def _singles(facts: Mapping[str, Any], columns: Mapping[str, Column]) -> dict[str, Single]:
    return {
        relation["navigationProperty"]: Single(
            relation["navigationProperty"], relation["relationship"], relation["attribute"], relation["target"]
        )
        for relation in facts["manyToOne"]
        if relation["attribute"] in columns and columns[relation["attribute"]].is_lookup
    }
