"""Who is to own the rows of an action: its rule, translated, with a fallback."""

from typing import assert_never

from core.domain.action import OwnerRule
from core.domain.capture import Capture
from core.domain.conversion import quoted
from core.domain.mapping import ColumnValue, Policy
from core.domain.owner import Owner, owner_named
from core.domain.prospect import Prospect
from core.domain.references import References
from core.domain.values import as_text, is_missing, normal_name

OWNER_COLUMN = "ownerid"


def wanted_owners(rule: OwnerRule, capture: Capture, person: Prospect) -> tuple[str, ...]:
    """Who is to own the row, by the action's rule: the one it says, then the fallback."""
    match rule.by:
        case "captello_owner":
            said = person.owner or ""
        case "captured_by":
            said = capture.submission.captured_by or ""
        case "fixed":
            said = ""
        case _:
            assert_never(rule.by)
    translations = {normal_name(name): to for name, to in rule.table.items()}
    first = "" if is_missing(said) else translations.get(normal_name(said), as_text(said))
    return tuple(dict.fromkeys(name for name in (first, rule.fallback or "") if name))


def owner_value(
    rule: OwnerRule, wanted: tuple[str, ...], references: References
) -> tuple[ColumnValue | None, list[str]]:
    """The owner's column, and what to know about those who could not be set."""
    policy = Policy.CREATE_ONLY if rule.when == "create" else Policy.OVERWRITE
    warnings: list[str] = []
    for name in wanted:
        owner = owner_named(name, references)
        if isinstance(owner, Owner):
            return ColumnValue(OWNER_COLUMN, owner.row_id, policy, owner.target), warnings
        warnings.append(f"The owner {quoted(name)} {owner}.")
    return None, warnings


def fallback_owner(wanted: tuple[str, ...], references: References) -> Owner | None:
    """Who is to own the row where Dynamics refuses the first."""
    named = (owner_named(name, references) for name in wanted)
    able = list(dict.fromkeys(owner for owner in named if isinstance(owner, Owner)))
    return able[1] if len(able) > 1 else None
