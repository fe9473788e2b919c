"""What one delivery asks of Dynamics before it is decided."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from core.domain.matching import LookUp
from core.domain.references import ReferenceQuery


@dataclass(frozen=True, slots=True)
class Search:
    """Rows, with the columns to read of each table, and what names stand for."""

    look_ups: Sequence[LookUp]
    columns: Mapping[str, Sequence[str]]
    references: Collection[ReferenceQuery] = ()
