"""A plan as it is shown to whoever has the capture URL, and no other key: what he has said himself, and no more.

What stands in Dynamics is not shown, only that something does; what was remembered of the person from earlier captures
neither. Ids are: they tell nothing of anybody, and lead nobody anywhere without an account of Dynamics.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.domain.capture import Capture
from core.domain.delivery import Intent, Membership, RowWrite
from core.domain.mapping import FieldMapping, Sources, map_fields
from core.domain.prospect import Prospect, merged
from core.domain.update_policy import is_empty

HIDDEN = "***"
_STATES = {"statecode", "statuscode"}


def plan_shown(intent: Intent, capture: Capture, mappings: Mapping[str, FieldMapping]) -> dict[str, Any]:
    """`values` to be written, whether something stands there `before`, and what is written `beside`."""
    alone = merged(Prospect(), capture, intent.prospect.last_said_at)
    said = _Said(
        alone.fields.keys() >= intent.prospect.fields.keys() and _same(alone, intent.prospect),
        [value for mapping in mappings.values() for value in _mapped(mapping, alone, capture)],
    )
    before = intent.result.before
    beside = [intent.account, *(extra.write for extra in intent.extras)]
    return {
        "values": said.shown(intent.person, before) if intent.person else {},
        "before": {name: None if is_empty(content) else HIDDEN for name, content in before.items()},
        "beside": [said.write_shown(write) for write in beside if write],
    }


def _same(alone: Prospect, person: Prospect) -> bool:
    """Whether nothing is known of the person but what the capture says."""
    fields = (alone.fields[name].value == known.value for name, known in person.fields.items())
    return alone.owner == person.owner and all(fields)


def _mapped(mapping: FieldMapping, alone: Prospect, capture: Capture) -> list[Any]:
    """What the capture's own words become, and the words themselves."""
    mapped = map_fields(mapping, Sources(alone, capture)).values
    return [*(value.value for value in mapped), *(value for _, value in capture.values())]


@dataclass(frozen=True, slots=True)
class _Said:
    is_everything: bool  # nobody remembers anything else of the person
    values: list[Any]

    def write_shown(self, write: RowWrite | Membership) -> dict[str, Any]:
        shown = write.model_dump(exclude={"etag", "targets"})
        return shown | {"values": self.shown(write, {})} if isinstance(write, RowWrite) else shown

    def shown(self, write: RowWrite, before: Mapping[str, Any]) -> dict[str, Any]:
        clear = _STATES | write.targets.keys()
        return {
            name: value if name in clear else self._one(value, before.get(name)) for name, value in write.values.items()
        }

    def _one(self, value: Any, before: Any) -> Any:
        """Of what is appended, the part that is new."""
        there = f"{before}\n" if isinstance(before, str) and before else ""
        if there and isinstance(value, str) and value.startswith(there):
            return f"{HIDDEN}\n{self._one(value.removeprefix(there), None)}"
        return value if value is None or self.is_everything or value in self.values else HIDDEN
