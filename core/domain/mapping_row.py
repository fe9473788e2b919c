"""One row of a mapping, as people write it and as it is stored."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from core.domain.conversion import LookupRule, Misfit, Rules
from core.domain.references import References
from core.domain.transforms import Steps, reading
from core.domain.values import FieldValue


class Policy(StrEnum):
    OVERWRITE = "overwrite"
    FILL_IF_EMPTY = "fill_if_empty"
    APPEND = "append"
    CREATE_ONLY = "create_only"
    CLEAR_IF_BLANK = "clear_if_blank"


class MappingRow(BaseModel):
    """One row: where a value comes from, and the column it goes to.

    `source` is a field (`Email`), an answer (`q.12`, `q.Interests`), another part of the capture (`form.event`,
    `submission.captured_by`, `prospect.owner`), or a template over several (`{FirstName} {LastName}`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,127}$", examples=["emailaddress1"])]
    source: Annotated[str | None, Field(min_length=1, max_length=500, examples=["Email"])] = None
    policy: Policy = Policy.OVERWRITE
    default: FieldValue = None
    constant: FieldValue = None
    choices: dict[str, int | str] = {}
    lookup: LookupRule = LookupRule()
    too_long: Literal["truncate", "fail"] = "truncate"
    on_unknown: Literal["leave_out", "fail"] = "leave_out"
    transform: Steps = ()

    @model_validator(mode="after")
    def _has_one_origin(self) -> Self:
        if (self.source is None) == (self.constant is None):
            raise ValueError("a row takes its value from `source` or from `constant`: give one of them")
        return self

    def rules(self, time_zone: str, references: References) -> Rules:
        return Rules(
            self.choices, self.too_long, self.on_unknown, reading(self.transform), time_zone, self.lookup, references
        )

    def fails(self, misfit: Misfit) -> bool:
        """Whether a value that does not fit fails the whole capture, rather than being left out."""
        match misfit.setting:
            case "on_missing" | "on_many":
                return bool(getattr(self.lookup, misfit.setting) == "fail")
            case _:
                return bool(getattr(self, misfit.setting) == "fail")
