"""Members of marketing lists, and lists of campaigns."""

from collections.abc import Mapping
from typing import Any, Final

from infra.local.dynamics import errors
from infra.local.dynamics.addresses import ById
from infra.local.dynamics.database import Row
from infra.local.dynamics.navigation_requests import add_pair, remove_pair
from infra.local.dynamics.privileges import Verb
from infra.local.dynamics.schema import Association, Table
from infra.local.dynamics.values import guid
from infra.local.dynamics.work import Work

_MEMBER_TABLES: Final = {1: "account", 2: "contact", 4: "lead"}
_TYPE: Final = "Microsoft.Dynamics.CRM."

Given = Mapping[str, Any]


def add_members(work: Work, given: Given) -> None:
    """AddListMembersList: all of them or none."""
    row = _row(work, work.schema.tables["list"], given.get("List"))
    members = given.get("Members")
    if not isinstance(members, list):
        raise errors.payload("AddListMembersList", "The parameter 'Members' must be a collection of rows.")
    table = _open_list(work, row)
    for member in members:
        _add(work, row, table, _member_id(work, table, member))


def add_member(work: Work, row: Row, given: Given) -> dict[str, Any]:
    """AddMemberList: the answer tells the id of the membership."""
    table, member_id = _open_list(work, row), str(given.get("EntityId", "")).lower()
    if work.database.fetch(table, member_id) is None:
        raise _wrong_member(table)
    _add(work, row, table, member_id)
    pair = {"listid": row["listid"], "entityid": member_id}
    return {"Id": work.database.ids_where(work.schema.tables["listmember"], pair)[0]}


def remove_member(work: Work, row: Row, given: Given) -> None:
    table, member_id = _open_list(work, row), str(given.get("EntityId", "")).lower()
    remove_pair(work, _association(work, table), row["listid"], member_id)


def add_to_campaign(work: Work, row: Row, given: Given) -> dict[str, Any]:
    """AddItemCampaign, for marketing lists."""
    if given.get("EntityName") != "list":
        raise errors.not_simulated("AddItemCampaign for other items than lists")
    lists = work.schema.tables["list"]
    work.caller.require(Verb.APPEND_TO, work.schema.tables["campaign"])
    work.caller.require(Verb.APPEND, lists)
    item_id = work.require(lists, ById(str(given.get("EntityId", "")).lower()))["listid"]
    relation = work.schema.collections("campaign")["campaignlist_association"]
    assert isinstance(relation, Association)
    add_pair(work, relation, row["campaignid"], item_id)
    pair = {"campaignid": row["campaignid"], "entityid": item_id}
    return {"CampaignItemId": work.database.ids_where(work.schema.tables["campaignitem"], pair)[0]}


def _open_list(work: Work, row: Row) -> Table:
    """Which table's rows can be added. Raises when none can."""
    work.caller.require(Verb.WRITE, work.schema.tables["list"])
    work.caller.require(Verb.APPEND_TO, work.schema.tables["list"])
    if row["type"]:
        raise errors.list_member_invalid("Members cannot be added to a dynamic list; its query finds them.")
    if row["lockstatus"]:
        raise errors.list_member_invalid("The list is locked.")
    return work.schema.tables[_MEMBER_TABLES[row["createdfromcode"]]]


def _add(work: Work, row: Row, table: Table, member_id: str) -> None:
    work.caller.require(Verb.APPEND, table)
    add_pair(work, _association(work, table), row["listid"], member_id)


def _association(work: Work, table: Table) -> Association:
    relation = work.schema.collections("list")[f"list{table.name}_association"]
    assert isinstance(relation, Association)
    return relation


def _member_id(work: Work, table: Table, member: object) -> str:
    """Members of another table than the list's are refused."""
    if not isinstance(member, dict) or str(member.get("@odata.type", "")).removeprefix("#") != f"{_TYPE}{table.name}":
        raise _wrong_member(table)
    return str(_row(work, table, member)[table.id])


def _row(work: Work, table: Table, given: object) -> Row:
    row_id = guid(str(given.get(table.id, ""))) if isinstance(given, dict) else None
    if row_id is None:
        raise errors.payload(table.set_name, f"The reference has no '{table.id}'.")
    return work.require(table, ById(row_id))


def _wrong_member(table: Table) -> errors.DataverseError:
    return errors.list_member_invalid(f"The list takes members of the type {table.name} only.")
