"""Yes and no: by the column's own labels first, then as the values themselves, then in common words.

The labels come first because they are what a person sees in Dynamics; on some columns they stand the other way round
than one would think. A list of one that says neither is a single checkbox that was checked.
"""

from core.domain.conversion.choices import accepted, vocabulary
from core.domain.conversion.outcome import Converted, Misfit, Rules, quoted
from core.domain.table import Column
from core.domain.values import FieldValue, as_text

_YES = (
    "true 1 yes y on checked x ✓ ✔ ☑ ja j oui si sí sì sim da tak ano áno igen evet kyllä да はい 是 네 نعم כן "
    "wahr vrai verdadero vero verdadeiro"
)
_NO = (
    "false 0 no n off unchecked ☐ nein non não nao nee nej nei nie ne nem hayır hayir ei нет いいえ 否 아니요 لا לא "
    "falsch faux falso"
)
_WORDS = {**dict.fromkeys(_YES.split(), True), **dict.fromkeys(_NO.split(), False)}


def as_boolean(column: Column, value: FieldValue, rules: Rules) -> Converted | Misfit:
    """True or false; what cannot be told is left out."""
    if isinstance(value, bool):
        return Converted(value)
    said = as_text(value)
    told = _told(column, said, rules)
    if told is None and isinstance(value, list) and len(value) == 1:
        return Converted(True, _taken_for_checked(column, said))
    if told is None:
        labels = f", {accepted(column)}" if column.choices else ""
        return Misfit(f"{quoted(said)} is neither yes nor no; {column.name} takes true or false{labels}.")
    return Converted(told)


def _told(column: Column, said: str, rules: Rules) -> bool | None:
    words = vocabulary(column, rules)
    option = words.option(said)
    return bool(option.value) if option else _WORDS.get(words.translated(said))


def _taken_for_checked(column: Column, said: str) -> str:
    return f"{quoted(said)} for {column.name} was read as a box that was checked; name it in the row's choices."
