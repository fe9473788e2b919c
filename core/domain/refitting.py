"""An intent made to fit a table that changed after it was decided: what its columns do not take any more is left out.

The row, its ids and its claims stay the same, for what was sent before may still land. A text that became too long is
cut, and the note gets all of it.
"""

from dataclasses import dataclass, field
from typing import Any

from core.domain.conversion import Converted, Misfit, Rules, convert
from core.domain.delivery import Intent, RowWrite
from core.domain.mapping import FieldMapping
from core.domain.note import note_extra, with_lines
from core.domain.references import Found
from core.domain.subject import Subject
from core.domain.values import as_text


def refitted(intent: Intent, subject: Subject, mapping: FieldMapping, notes: Found) -> Intent:
    """`notes`: those that the submission has already."""
    if intent.person is None:
        return intent
    work, of_account = _Refit(mapping), _Refit(subject.mappings.get("account"))
    person = work.refitted(intent.person)
    account = of_account.refitted(intent.account) if intent.account else None
    work.take_over(of_account)
    kept = [extra for extra in intent.extras if extra.mark != _note_mark(intent)]
    noted = [with_lines(extra, work.lines) for extra in intent.extras if extra.mark == _note_mark(intent)]
    if work.lines and not noted:
        note = note_extra(subject, mapping, person.table, person.row_id, notes, work.lines)
        noted = [note] if note else []
    before = {name: content for name, content in intent.result.before.items() if name in person.values}
    result = intent.result.model_copy(update={"warnings": (*intent.result.warnings, *work.warnings), "before": before})
    changes = {"person": person, "account": account, "extras": (*noted, *kept), "result": result}
    return intent.model_copy(update=changes)


def _note_mark(intent: Intent) -> str:
    return next((extra.mark for extra in intent.extras if extra.mark.startswith("note|")), "")


@dataclass(frozen=True, slots=True)
class _Refit:
    """One row at work; what is to be told of it gathers."""

    mapping: FieldMapping | None
    warnings: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def refitted(self, write: RowWrite) -> RowWrite:
        fitting = {name: self._fit(write, name, value) for name, value in write.values.items()}
        return write.model_copy(update={"values": {name: fit for name, fit in fitting.items() if fit is not None}})

    def take_over(self, other: "_Refit") -> None:
        """What is to be told of the other row as well."""
        self.warnings.extend(f"New account: {warning}" for warning in other.warnings)
        self.lines.extend(other.lines)

    def _fit(self, write: RowWrite, name: str, value: Any) -> Any:
        """The value as the column takes it now; None where it does not."""
        if self.mapping is None or name in write.targets or name not in self.mapping.mapped or value is None:
            return value
        column = self.mapping.columns.get(name)
        if column is None:
            return self._leave_out(name, value, "Dynamics does not have this column any more.")
        match convert(column, value, Rules()):
            case Misfit(message):
                return self._leave_out(name, value, message)
            case Converted() as converted:
                self.warnings.extend([converted.warning] if converted.warning else [])
                self.lines.extend([f"{name}: {as_text(value)}"] if converted.is_cut else [])
                return converted.value

    def _leave_out(self, name: str, value: Any, why: str) -> None:
        self.warnings.append(f"{name} was left out: {why}")
        self.lines.append(f"{name}: {as_text(value)}")
