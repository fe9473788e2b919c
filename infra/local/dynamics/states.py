"""State and status reason: which go together, and what follows from giving one of them."""

from collections.abc import Mapping
from typing import Any

from infra.local.dynamics import errors
from infra.local.dynamics.schema import Table


def settle_state(table: Table, given: dict[str, Any], current: Mapping[str, Any]) -> None:
    """Completes `given`, so that state and status agree; `current` is empty for a new row."""
    if "statecode" not in table.columns:
        return
    state = given.get("statecode", current.get("statecode", 0))
    changes_state = not current or state != current.get("statecode")
    status = given.get("statuscode")
    if status is None and changes_state:
        status = _default_status(table, state)
    if status is not None and _state_of(table, status) != state:
        raise errors.status_mismatch(status, _state_name(table, state), table.name)
    if changes_state:
        given["statecode"] = state
    if status is not None:
        given["statuscode"] = status


def inactive_state(table: Table) -> int:
    """What a merged-away row gets: the last state (Disqualified for a lead, Inactive for the others)."""
    return table.columns["statecode"].options[-1].value


def _default_status(table: Table, state: int) -> int | None:
    for option in table.columns["statecode"].options:
        if option.value == state and option.default_status is not None:
            return option.default_status
    fitting = (option.value for option in table.columns["statuscode"].options if option.state == state)
    return next(fitting, None)


def _state_of(table: Table, status: int) -> int | None:
    return next((option.state for option in table.columns["statuscode"].options if option.value == status), None)


def _state_name(table: Table, state: int) -> str:
    labels = [option.labels for option in table.columns["statecode"].options if option.value == state]
    return f"{table.schema_name}State.{next(iter(labels[0].values()), state) if labels else state}"
