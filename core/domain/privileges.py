"""What the application user must be allowed to do, and which feature would stop without it.

https://learn.microsoft.com/power-platform/admin/security-roles-privileges
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from core.domain.action import SyncAction
from core.domain.mapping import FieldMapping


class Verb(StrEnum):
    CREATE = "Create"
    READ = "Read"
    WRITE = "Write"
    APPEND = "Append"
    APPEND_TO = "AppendTo"
    ASSIGN = "Assign"


# By what name a table's privileges go, where that is not the table's own.
_NAMES: Mapping[str, str] = {"systemuser": "User", "annotation": "Note", "campaignresponse": "Activity"}
PEOPLE = ("lead", "contact")
WHOLE_ORGANIZATION = "Global"


@dataclass(frozen=True, slots=True)
class Privilege:
    verb: Verb
    table: str

    @property
    def name(self) -> str:
        return f"prv{self.verb}{_NAMES.get(self.table, self.table.capitalize())}"

    @property
    def words(self) -> str:
        """As the page of a security role has it."""
        verb = "Append To" if self.verb is Verb.APPEND_TO else self.verb
        return f"{verb} on {_NAMES.get(self.table, self.table.capitalize())}"


@dataclass(frozen=True, slots=True)
class Feature:
    """Something people configure, in words that fit behind "would stop"."""

    words: str
    needs: frozenset[Privilege]


def every_feature() -> Iterator[Feature]:
    """All that the service can be asked to do."""
    for table in PEOPLE:
        yield from (_finding(table), _updating(table), _creating(table))
        yield from (_linking_accounts(table), _owning(table), _listing(table), _noting(table))
    yield from (_creating_accounts(), _source(), _response())


def features_of(action: SyncAction) -> Iterator[Feature]:
    """What this action does."""
    if not action.enabled:
        return
    yield from _search_features(action)
    for table in action.tables:
        yield from _extras(action, table)


def _search_features(action: SyncAction) -> Iterator[Feature]:
    for table in action.match.tables.in_order:
        yield _finding(table)
        if action.on_match == "update":
            yield _updating(table)
    if action.create != "none":
        yield _creating(action.create)


def _extras(action: SyncAction, table: str) -> Iterator[Feature]:
    if action.account:
        yield _linking_accounts(table)
        if action.account.on_missing == "create":
            yield _creating_accounts()
    if action.owner:
        yield _owning(table)
    if action.note:
        yield _noting(table)
    for kind in {campaign.added_as for campaign in action.campaigns}:
        yield {"source": _source(), "response": _response(), "list": _listing(table)}[kind]


def features_of_mapping(mapping: FieldMapping) -> Iterator[Feature]:
    """The links that mapped columns make."""
    for row in mapping.rows:
        column = mapping.columns.get(row.column)
        for target in column.targets if column else ():
            if column and column.type == "Owner":
                yield _owning(mapping.table)
            else:
                yield _linking(f"{mapping.table}.{row.column}", mapping.table, target.table)


def lacking(features: Iterable[Feature], held: Iterable[str]) -> dict[Privilege, list[str]]:
    """The privileges that are not held, with the features that would stop."""
    names = {name.lower() for name in held}
    stopped: dict[Privilege, list[str]] = {}
    for feature in dict.fromkeys(features):
        for privilege in sorted(feature.needs, key=lambda each: each.name):
            if privilege.name.lower() not in names:
                stopped.setdefault(privilege, []).append(feature.words)
    return stopped


def _feature(words: str, *needs: tuple[Verb, str]) -> Feature:
    return Feature(words, frozenset(Privilege(verb, table) for verb, table in needs))


def _finding(table: str) -> Feature:
    return _feature(f"finding {table}s", (Verb.READ, table))


def _updating(table: str) -> Feature:
    return _feature(f"updating {table}s", (Verb.READ, table), (Verb.WRITE, table))


def _creating(table: str) -> Feature:
    return _feature(f"creating {table}s", (Verb.CREATE, table), (Verb.READ, table))


def _linking_accounts(table: str) -> Feature:
    return _feature(
        f"linking {table}s to accounts", (Verb.READ, "account"), (Verb.APPEND_TO, "account"), (Verb.APPEND, table)
    )


def _linking(words: str, table: str, target: str) -> Feature:
    needs = ((Verb.READ, target), (Verb.APPEND_TO, target), (Verb.APPEND, table))
    return _feature(f"links from {words} to {target}", *needs)


def _creating_accounts() -> Feature:
    return _feature("creating accounts", (Verb.CREATE, "account"))


def _owning(table: str) -> Feature:
    return _feature(
        f"setting the owner of {table}s", (Verb.ASSIGN, table), (Verb.READ, "systemuser"), (Verb.READ, "team")
    )


def _listing(table: str) -> Feature:
    list_needs = ((Verb.READ, "list"), (Verb.WRITE, "list"), (Verb.APPEND_TO, "list"))
    return _feature(f"adding {table}s to marketing lists", *list_needs, (Verb.APPEND, table))


def _noting(table: str) -> Feature:
    verbs = (Verb.CREATE, Verb.READ, Verb.WRITE, Verb.APPEND)
    return _feature(f"notes on {table}s", *((verb, "annotation") for verb in verbs), (Verb.APPEND_TO, table))


def _source() -> Feature:
    return _feature(
        "source campaigns of leads", (Verb.READ, "campaign"), (Verb.APPEND_TO, "campaign"), (Verb.APPEND, "lead")
    )


def _response() -> Feature:
    verbs = (Verb.CREATE, Verb.READ, Verb.APPEND)
    targets = ((Verb.READ, "campaign"), (Verb.APPEND_TO, "campaign"))
    return _feature("campaign responses", *((verb, "campaignresponse") for verb in verbs), *targets)
