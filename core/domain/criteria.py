"""Criteria that choose captures and prospects: conditions that must all hold, and conditions of which one must.

A condition names what it is about and one comparison: `{"field": "Country", "in": ["DE", "AT"]}`,
`{"about": "rating", "greater": 2}`. What makes no sense is refused when it is saved; whether somebody fits, `fitting`
says.
"""

from collections.abc import Iterator
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from core.domain.values import FieldValue, as_text, is_blank, is_missing

CONDITIONS_MOST = 50
VALUES_MOST = 500
# Of a delivery; spelt out, for deliveries know actions, and actions criteria.
OUTCOMES = ("created", "updated", "unchanged", "skipped", "held", "failed", "withdrawn")

About = Literal["form", "event", "rating", "tags", "captured_at", "last_outcome"]
# Infinity would be stored as null, and could not be read again.
Operand = str | bool | int | Annotated[float, Field(allow_inf_nan=False)]
Operands = Annotated[list[Operand], Field(min_length=1, max_length=VALUES_MOST)]


class Comparison(StrEnum):
    EQUALS = "equals"
    NOT = "not"
    CONTAINS = "contains"
    IN = "in"
    GREATER = "greater"
    LESS = "less"
    IS_BLANK = "is_blank"
    CHANGED = "changed"


_TEXT = {Comparison.EQUALS, Comparison.NOT, Comparison.CONTAINS, Comparison.IN, Comparison.IS_BLANK}
_ORDERED = {Comparison.GREATER, Comparison.LESS}
_MEANINGFUL: dict[str, set[Comparison]] = {
    "form": _TEXT,
    "event": _TEXT,
    "rating": _TEXT | _ORDERED,
    "tags": {Comparison.CONTAINS, Comparison.IN, Comparison.NOT, Comparison.IS_BLANK},
    "captured_at": {Comparison.EQUALS, *_ORDERED},
    "last_outcome": {Comparison.EQUALS, Comparison.NOT, Comparison.IN, Comparison.IS_BLANK},
}


class Condition(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    field: Annotated[str | None, Field(min_length=1, max_length=200, description="A field, or an answer: q.12")] = None
    about: About | None = None
    equals: Operand | None = None
    is_not: Annotated[Operand | Operands | None, Field(alias="not")] = None
    contains: Annotated[str | None, Field(max_length=1000)] = None
    is_in: Annotated[Operands | None, Field(alias="in")] = None
    greater: Operand | None = None
    less: Operand | None = None
    is_blank: bool | None = None
    changed: bool | None = None

    @model_validator(mode="after")
    def _is_one_comparison(self) -> Self:
        if (self.field is None) == (self.about is None):
            raise ValueError(f"a condition names one thing: `field`, or `about` ({', '.join(_MEANINGFUL)})")
        if len(self._given) != 1:
            raise ValueError(f"a condition makes one comparison: one of {', '.join(Comparison)}")
        if self.about and self.comparison not in _MEANINGFUL[self.about]:
            can = ", ".join(each for each in Comparison if each in _MEANINGFUL[self.about])
            raise ValueError(f"`{self.comparison}` says nothing about {self.about}: use one of {can}")
        return self

    @model_validator(mode="after")
    def _has_values_that_can_hold(self) -> Self:
        for value in self.values:
            if is_missing(value):
                raise ValueError("blanks and placeholders count as blank: use `is_blank`")
            if self.comparison in _ORDERED and not _is_number(value) and moment(value) is None:
                raise ValueError(f"`{self.comparison}` takes a number or a date such as 2026-05-04, not {value!r}")
            if self.about == "captured_at" and moment(value) is None:
                raise ValueError(f"captured_at is compared with dates such as 2026-05-04, not {value!r}")
            if self.about == "last_outcome" and value not in OUTCOMES:
                raise ValueError(f"last_outcome is one of {', '.join(OUTCOMES)}, not {value!r}")
        if self.changed is not None and self.field and "." in self.field:
            raise ValueError("`changed` knows a prospect's fields; answers and the rest are not remembered")
        if self.field is not None and is_blank(self.field):
            raise ValueError("`field` names a field, such as Country, or an answer: q.12")
        return self

    @property
    def comparison(self) -> Comparison:
        return self._given[0]

    @property
    def values(self) -> tuple[Operand, ...]:
        """What is compared with; empty where the comparison is a question of yes or no."""
        match self.comparison:
            case Comparison.IS_BLANK | Comparison.CHANGED:
                return ()
            case Comparison.NOT | Comparison.IN:
                given = self.is_not if self.comparison is Comparison.NOT else self.is_in
                return tuple(given) if isinstance(given, list) else (given,) if given is not None else ()
            case _:
                return (getattr(self, self.comparison),)

    @property
    def words(self) -> str:
        """What has to hold, for people; in typographic marks, for "…" is what a person said, and is masked."""
        about = self.field or {"captured_at": "the time of capture"}.get(str(self.about), f"the {self.about}")
        wanted = " or ".join(f"“{as_text(value)}”" for value in self.values[:5]) + (" …" if self.values[5:] else "")
        holds = self.is_blank if self.is_blank is not None else self.changed
        return f"{about} must {'' if holds is not False else 'not '}{_VERBS[self.comparison]} {wanted}".strip()

    @property
    def _given(self) -> list[Comparison]:
        told = {name.removeprefix("is_") if name in ("is_not", "is_in") else name for name in self.model_fields_set}
        return [each for each in Comparison if each in told and self._operand(each) is not None]

    def _operand(self, comparison: Comparison) -> Any:
        return getattr(self, {"not": "is_not", "in": "is_in"}.get(comparison, comparison))

    @model_serializer(mode="wrap")
    def _as_given(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in dump(self).items() if value is not None}


_VERBS = {
    Comparison.EQUALS: "be",
    Comparison.NOT: "not be",
    Comparison.CONTAINS: "contain",
    Comparison.IN: "be",
    Comparison.GREATER: "be greater than",
    Comparison.LESS: "be less than",
    Comparison.IS_BLANK: "be blank",
    Comparison.CHANGED: "have changed",
}


class Criteria(BaseModel):
    """All of `all`, and one of `any` where there are some."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    all: Annotated[list[Condition], Field(max_length=CONDITIONS_MOST)] = []
    any: Annotated[list[Condition], Field(max_length=CONDITIONS_MOST)] = []

    @property
    def conditions(self) -> Iterator[Condition]:
        yield from self.all
        yield from self.any


def for_captures(criteria: Criteria) -> Criteria:
    """What only an automation can know is refused in an action's filter."""
    if any(condition.about == "last_outcome" for condition in criteria.conditions):
        raise ValueError(
            "last_outcome says nothing about a capture, which has none yet: it is for automations over prospects"
        )
    return criteria


def asks_what_was_heard(criteria: Criteria) -> bool:
    """Whether they can fit somebody, or fit no more, who was heard again and has said nothing new."""
    return any(condition.about in ("captured_at", "last_outcome") for condition in criteria.conditions)


def asks_for_changes_only(criteria: Criteria) -> bool:
    """Whether nobody can fit of whom no change is known."""
    needs = any(condition.changed for condition in criteria.all)
    return needs or (bool(criteria.any) and all(condition.changed for condition in criteria.any))


def moment(value: FieldValue) -> date | datetime | None:
    """A day, or a moment, as ISO 8601 writes it; None for anything else."""
    if not isinstance(value, str) or not value[:4].isdigit():
        return None
    for read in (date.fromisoformat, datetime.fromisoformat):
        try:
            return read(value.strip())
        except ValueError:
            continue
    return None


def _is_number(value: Operand) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
