"""Actions and functions by name → those that carry them out.

https://learn.microsoft.com/power-apps/developer/data-platform/webapi/use-web-api-actions
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from infra.local.dynamics import bulk_messages, errors, marketing_lists
from infra.local.dynamics.addresses import Segment, key_values
from infra.local.dynamics.bulk_deletion import bulk_delete
from infra.local.dynamics.database import Row
from infra.local.dynamics.exchange import Answer, Request, json_answer, no_content
from infra.local.dynamics.merging import merge
from infra.local.dynamics.qualifying import qualify_lead
from infra.local.dynamics.query_options import parse_options
from infra.local.dynamics.schema import Table
from infra.local.dynamics.user_privileges import USER_FUNCTIONS
from infra.local.dynamics.work import Work

Given = Mapping[str, Any]


def unbound_action(work: Work, name: str, request: Request, base: str) -> Answer | None:
    """None when the name is no action, but perhaps a set."""
    action = _UNBOUND.get(name)
    if action is None:
        return None
    return _answer(name, action(work, request.json()), base)


def bound_action(work: Work, table: Table, row: Row | None, name: str, request: Request, base: str) -> Answer:
    """`row` is None for an action on the set."""
    if row is None:
        return _bulk(work, table, name, request, base)
    action = _BOUND.get((table.name, name))
    if action is None:
        raise errors.segment_unknown(f"Microsoft.Dynamics.CRM.{name}")
    return _answer(name, action(work, row, request.json() if request.body else {}), base)


def _answer(name: str, document: Given | None, base: str) -> Answer:
    if document is None:
        return no_content()
    return json_answer({"@odata.context": f"{base}/$metadata#Microsoft.Dynamics.CRM.{name}Response", **document})


def bound_function(work: Work, table: Table, row: Row, segment: Segment, request: Request, base: str) -> Answer:
    name = segment.name.removeprefix("Microsoft.Dynamics.CRM.")
    function = USER_FUNCTIONS.get(name) if table.name == "systemuser" else None
    if function is None:
        raise errors.segment_unknown(f"Microsoft.Dynamics.CRM.{name}")
    return _answer(name, function(work, row, _parameters(segment, request)), base)


def _parameters(segment: Segment, request: Request) -> dict[str, str]:
    """Given in the parentheses, or as aliases that the query resolves."""
    aliases = parse_options(request.query).aliases
    given = key_values(segment.arguments or "")
    return {name: aliases.get(str(value), str(value)).strip("'") for name, value in given.items()}


def _bulk(work: Work, table: Table, name: str, request: Request, base: str) -> Answer:
    if name not in bulk_messages.MESSAGES:
        raise errors.segment_unknown(f"Microsoft.Dynamics.CRM.{name}")
    if name not in table.bulk:
        raise errors.message_not_implemented(name)
    return bulk_messages.carry_out(work, table, name, request.json(), base)


_UNBOUND: Final[Mapping[str, Callable[[Work, Given], dict[str, Any] | None]]] = {
    "AddListMembersList": marketing_lists.add_members,
    "BulkDelete": bulk_delete,
    "Merge": merge,
}
_BOUND: Final[Mapping[tuple[str, str], Callable[[Work, Row, Given], dict[str, Any] | None]]] = {
    ("list", "AddMemberList"): marketing_lists.add_member,
    ("list", "RemoveMemberList"): marketing_lists.remove_member,
    ("campaign", "AddItemCampaign"): marketing_lists.add_to_campaign,
    ("lead", "QualifyLead"): qualify_lead,
}
