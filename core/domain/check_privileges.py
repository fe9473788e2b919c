"""What a check says of the application user's privileges: only what something configured needs fails."""

from collections.abc import Iterator, Mapping

from core.domain.check_steps import CheckStep, failed, not_asked, note, passed
from core.domain.checked import Checked
from core.domain.privileges import (
    PEOPLE,
    WHOLE_ORGANIZATION,
    Privilege,
    Verb,
    every_feature,
    features_of,
    features_of_mapping,
    lacking,
)
from core.errors import SyncError


def privilege_steps(checked: Checked, held: Mapping[str, str] | SyncError | None) -> Iterator[CheckStep]:
    if held is None or isinstance(held, SyncError):
        yield not_asked("privileges", held, "Without an application user there are no privileges.")
        return
    configured = {feature for action in checked.actions for feature in features_of(action)}
    configured |= {feature for mapping in checked.mappings.values() for feature in features_of_mapping(mapping)}
    needed = lacking(sorted(configured, key=lambda feature: feature.words), held)
    others = lacking((feature for feature in every_feature() if feature not in configured), held)
    concerned = sorted({privilege.table for feature in configured for privilege in feature.needs})
    shown = dict.fromkeys((*PEOPLE, "account", *concerned))
    for table in shown:
        yield _table_privileges(table, needed, others)
    if rest := {privilege: stopped for privilege, stopped in others.items() if privilege.table not in shown}:
        yield _would_stop("privileges", rest)
    yield from _depths(checked, held)


def _table_privileges(
    table: str, needed: Mapping[Privilege, list[str]], others: Mapping[Privilege, list[str]]
) -> CheckStep:
    name = f"privileges.{table}"
    missing = {privilege: stopped for privilege, stopped in needed.items() if privilege.table == table}
    if missing:
        message = f"The application user lacks {_listed(missing)}. These cannot work: {_stops(missing)}."
        return failed(name, message, "privilege_missing")
    unneeded = {privilege: stopped for privilege, stopped in others.items() if privilege.table == table}
    return _would_stop(name, unneeded) if unneeded else passed(name, "Every privilege is there.")


def _would_stop(name: str, missing: Mapping[Privilege, list[str]]) -> CheckStep:
    message = f"Nothing configured needs {_listed(missing)}. These would not work without: {_stops(missing)}."
    return note(name, message, "privilege_missing")


def _listed(missing: Mapping[Privilege, list[str]]) -> str:
    return ", ".join(privilege.words for privilege in missing)


def _stops(missing: Mapping[Privilege, list[str]]) -> str:
    return ", ".join(dict.fromkeys(words for stopped in missing.values() for words in stopped))


def _depths(checked: Checked, held: Mapping[str, str]) -> Iterator[CheckStep]:
    """Whoever sees only some rows finds only some people, and makes the others twice."""
    depths = {name.lower(): depth for name, depth in held.items()}
    searched = dict.fromkeys(table for action in checked.actions for table in action.match.tables.in_order)
    for table in searched:
        depth = depths.get(Privilege(Verb.READ, table).name.lower())
        if depth not in (None, WHOLE_ORGANIZATION):
            message = f"The application user sees only a part of the {table}s (depth {depth}): people among the others "
            yield note(f"depth.{table}", message + "are not found, and are created again.", "depth")
