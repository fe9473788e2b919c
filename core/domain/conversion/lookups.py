"""Lookups, customers and owners: the one row of another table that a value names.

A unique identifier is the row's id itself. Everything else is looked up by the column that names the target's rows,
or another one that the mapping row says; owners by e-mail address or name. Asking is the adapter's: `reference_queries`
says what to ask, and `as_lookup` finds the answers in its rules.
"""

from core.domain.conversion.choices import translation
from core.domain.conversion.identifiers import normal_identifier
from core.domain.conversion.outcome import Converted, Misfit, Rules, quoted
from core.domain.owner import TEAM, USER, Owner, owner_named, owner_queries
from core.domain.references import NotAnswered, ReferenceQuery, can_be_asked_for, named_rows
from core.domain.row import Row
from core.domain.table import Column, Target
from core.domain.values import FieldValue, as_text, is_missing


def reference_queries(column: Column, value: FieldValue, rules: Rules) -> tuple[ReferenceQuery, ...]:
    """What has to be asked before the value can be converted."""
    name = translation(as_text(value), rules)
    if is_missing(name) or not can_be_asked_for(name) or normal_identifier(name):
        return ()
    if column.type == "Owner":
        return owner_queries(name)
    target = lookup_target(column, rules)
    return (_query(target, name, rules),) if target else ()


def as_lookup(column: Column, value: FieldValue, rules: Rules) -> Converted | Misfit:
    """The row's id, with where it stands."""
    name = translation(as_text(value), rules)
    target = _owner_target(rules) if column.type == "Owner" else lookup_target(column, rules)
    if target is None:
        return Misfit(f"{column.name} leads to several tables, and the row's lookup does not say to which.")
    if row_id := normal_identifier(name):
        return Converted(row_id, target=target)
    if column.type == "Owner":
        return _owner(column, name, rules)
    return _named(column, target, name, rules)


def lookup_target(column: Column, rules: Rules) -> Target | None:
    """The table that is meant: the only one, or the one that the row names."""
    wanted = [target for target in column.targets if rules.lookup.table in (None, target.table)]
    return wanted[0] if len(wanted) == 1 else None


def _query(target: Target, name: str, rules: Rules) -> ReferenceQuery:
    return ReferenceQuery(target.table, target.set_name, rules.lookup.by or target.name_column, name)


def _named(column: Column, target: Target, name: str, rules: Rules) -> Converted | Misfit:
    query = _query(target, name, rules)
    rows = named_rows(query, rules.references)
    match rows:
        case NotAnswered(why):
            return Misfit(
                f"{quoted(name)} could not be looked up in {target.table} by {query.by}: {why}", setting="on_missing"
            )
        case (Row() as row,):
            return Converted(row.id, target=target)
        case ():
            return Misfit(
                f"{quoted(name)} names no active {target.table} by {query.by}; {column.name} takes one that does, "
                "or its id.",
                setting="on_missing",
            )
        case _ if rules.lookup.on_many == "first":
            return Converted(
                rows[0].id, f"{quoted(name)} names {len(rows)} rows of {target.table}; the first was linked.", target
            )
        case _:
            return Misfit(
                f"{quoted(name)} names {len(rows)} rows of {target.table} by {query.by}; {column.name} takes a name "
                "that only one has, or its id.",
                setting="on_many",
            )


def _owner_target(rules: Rules) -> Target:
    return TEAM if rules.lookup.table == TEAM.table else USER


def _owner(column: Column, name: str, rules: Rules) -> Converted | Misfit:
    match owner_named(name, rules.references):
        case Owner(target, row_id):
            return Converted(row_id, target=target)
        case str() as why:
            return Misfit(
                f"{quoted(name)} {why}; {column.name} takes the e-mail address or name of a user, or the name of a "
                "team, who may own rows.",
                setting="on_many" if why.startswith("names") else "on_missing",
            )
