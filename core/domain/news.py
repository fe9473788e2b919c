"""A delivery that says only what is new of a person: what of an action is for a row that is there already.

Its columns are those whose source was said; whatever else stands in the row is left as people made it. A row that has
to be made anew gets everything that is known.
"""

from dataclasses import replace

from core.domain.action import OwnerRule, SyncAction
from core.domain.mapping import FieldMapping
from core.domain.prospect import field_name
from core.domain.sources import source_names
from core.domain.subject import Subject


def only_said(subject: Subject, mapping: FieldMapping) -> FieldMapping:
    """The mapping, with the rows for which the capture says something new: a value, or a blank."""
    if not subject.capture.prospect.only_news:
        return mapping
    sources = ((row, source_names(row.source) if row.source else []) for row in mapping.rows)
    rows = tuple(row for row, names in sources if any(_is_news(name, subject) for name in names))
    return mapping.model_copy(update={"rows": rows})


def with_what_news_do(subject: Subject) -> Subject:
    """With as much of the action as belongs to what was said."""
    if not subject.capture.prospect.only_news:
        return subject
    action = subject.action
    owner = action.owner if _is_owner_said(action.owner, subject) else None
    account = action.account if _is_company_said(subject) else None
    narrow: SyncAction = action.model_copy(update={"owner": owner, "account": account, "campaigns": []})
    return replace(subject, action=narrow)


def _is_news(name: str, subject: Subject) -> bool:
    """Whether the capture says it, and nobody has said anything newer."""
    said = {field_name(field): value for field, value in subject.capture.prospect.fields.items()}
    known = subject.person.fields.get(field_name(name))
    if known and field_name(name) in said:
        return known.last_word == said[field_name(name)]
    return subject.sources.is_said(name)


def _is_owner_said(rule: OwnerRule | None, subject: Subject) -> bool:
    return rule is not None and rule.by == "captello_owner" and bool(subject.capture.prospect.owner)


def _is_company_said(subject: Subject) -> bool:
    mapping = subject.mappings.get("account")
    sources = [row.source for row in mapping.rows if row.source] if mapping else []
    return any(subject.sources.is_said(source) for source in (*sources, "Company"))
