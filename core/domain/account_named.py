"""Which company a capture names: by what text its account is looked for, and what a new one would get."""

from collections.abc import Mapping
from dataclasses import replace

from core.domain.action import SyncAction
from core.domain.mapping import FieldMapping, Mapped, MappingRow, Policy, Sources, map_fields
from core.domain.references import ReferenceQuery, References
from core.domain.table import SET_NAMES, Column
from core.domain.values import as_text, is_missing

_NAME = Column(name="name", type="String", max_length=160)


def account_query(action: SyncAction, mappings: Mapping[str, FieldMapping], sources: Sources) -> ReferenceQuery | None:
    """Which account to look for; None when the action asks for none, or the capture names none."""
    if (rule := action.account) is None:
        return None
    values = account_values(mappings, sources, {}).values
    key = next((as_text(each.value) for each in values if each.column == rule.by), "")
    return ReferenceQuery("account", SET_NAMES["account"], rule.by, key, fresh=True) if key else None


def account_values(mappings: Mapping[str, FieldMapping], sources: Sources, references: References) -> Mapped:
    """What a new account gets; where its own mapping gives it no name, that is the company."""
    mapping = mappings.get("account")
    mapped = map_fields(mapping, sources, references) if mapping else Mapped()
    values = tuple(each for each in mapped.values if each.value is not None)
    mapped = replace(mapped, values=values)
    is_named = any(each.column == "name" for each in values)
    return mapped if is_named or is_missing(sources["Company"]) else _named(mapped, sources)


def _named(mapped: Mapped, sources: Sources) -> Mapped:
    row = MappingRow(source="Company", column="name", policy=Policy.CREATE_ONLY)
    company = map_fields(FieldMapping(table="account", rows=(row,), columns={"name": _NAME}), sources)
    told = (*mapped.warnings, *company.warnings), mapped.failures, (*mapped.not_taken, *company.not_taken)
    return Mapped((*mapped.values, *company.values), *told, mapped.is_in_doubt)
