"""Personal data as it is shown to whoever has not asked for more: `M. O.`, `m***@fabrikam.example`, `***00`, `***`.

Shown is what is known to be harmless: company and position, country, form, event, rating. Everything else is somebody's
own until the opposite is known: a field called `cell`, `vorname` or `dob`, an answer, a word of Dynamics.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from functools import cached_property, lru_cache

from core.domain.capture import Capture
from core.domain.conversion.outcome import Transform, quoted
from core.domain.standard_fields import COLUMN_OF, FIELD_BY_NAME, plain_name
from core.domain.values import FieldValue, as_text, is_missing

MASK = "***"
_LOCAL = r"[^\s@<>\"'“”‘’(),;:]"
# Looked for where a word begins only: tried at each letter of a long text, it would take minutes.
_EMAIL = re.compile(rf"(?<!{_LOCAL})({_LOCAL}+)@([\w.-]+\.\w+)")
_PHONE = re.compile(r"(?<![\w-])[+(]{0,2}\d(?:[ ()/.-]{0,2}\d){6,14}(?![\w-])")
_DATE = re.compile(r"(?<![\w-])\d{1,4}[-./]\d{1,2}[-./]\d{1,4}(?!\d)")
_WORD = re.compile(r"\w+")
_HARMLESS = {"Company", "Title", "Department", "Country", "State", "Industry", "Revenue", "Employees"}
_HARMLESS_NAMES = {
    *("rating", "submissionrating", "submissiontype", "occurredat"),
    *("form", "formid", "formname", "event", "formevent"),
}
_NAMES = {"FirstName", "LastName", "MiddleName"}
_FULL_NAMES = {"fullname", "name", "contactname", "contactperson", "displayname", "nickname", "ansprechpartner"}
_NUMBERS = {"Revenue", "Employees"}  # of the company; long ones look like phone numbers
_PHONES = {"WorkPhone", "MobilePhone", "HomePhone", "Fax"}
_SHORTEST = 3  # a name of two letters stands in too many words to be looked for in texts
_QUOTED = re.compile(r'"[^"]*"')
_FROM_FIRST_TO_LAST = re.compile(r'".*"|".*', re.DOTALL)
_QUOTED_BY_DYNAMICS = re.compile(r"“[^”]*”|‘[^’]*’|\"[^\"]*\"|(?<!\w)'.*?'(?!\w)")
_A_COLUMN = re.compile(r"[a-z][a-z0-9_]*")
_OUR_WORDS = {quoted(each.value) for each in Transform}
_PERSONAL_COLUMNS = {
    column for columns in COLUMN_OF.values() for field, column in columns.items() if field not in _HARMLESS
}


def masked_emails(text: str) -> str:
    """Every address in a text: its first letter and its domain stay."""
    return _EMAIL.sub(lambda found: f"{found[1][:1]}{MASK}@{found[2]}", text)


def initials(text: str) -> str:
    """`Mara O'Hara` as `M. O.`"""
    return " ".join(f"{part[0].upper()}." for part in text.split() if _WORD.match(part[0]))


def masked_value(name: str, value: FieldValue, columns: Collection[str] = ()) -> FieldValue:
    """A field as it is shown, by its name, by what it holds, and by the `columns` that mappings give it."""
    if value is None or is_missing(value):
        return value
    text = as_text(value)
    if _is_name(name):
        return initials(text)
    return value if is_harmless(name, value, columns) else _masked(text, is_phone=_field(name) in _PHONES)


def is_harmless(name: str, value: FieldValue, columns: Collection[str] = ()) -> bool:
    """Whether it says nothing that is only this person's."""
    if _PERSONAL_COLUMNS.intersection(columns):
        return False
    is_known = _field(name) in _HARMLESS or _plain(name) in _HARMLESS_NAMES
    return is_known and (_field(name) in _NUMBERS or not _looks_personal(as_text(value)))


def person_shown(fields: Mapping[str, FieldValue]) -> str:
    """`M. O. <m***@fabrikam.example>`, from whichever of these are there."""
    name, email = _who(fields)
    address = _EMAIL.search(email)
    return " ".join(filter(None, (initials(name), f"<{masked_emails(address[0])}>" if address else "")))


def person_in_clear(fields: Mapping[str, FieldValue]) -> str:
    """The same, as it was said."""
    name, email = _who(fields)
    return " ".join(filter(None, (name, f"<{email}>" if email else "")))


class Masking:
    """Sentences about one capture, without what it says of its person."""

    def __init__(self, capture: Capture) -> None:
        self._capture = capture

    def sentence(self, text: str) -> str:
        """One of ours, which puts what was said into quotation marks."""
        if '"' in text:
            is_unclear = text.count('"') % 2 or self._has_quotes
            text = (_FROM_FIRST_TO_LAST if is_unclear else _QUOTED).sub(self._quotation, text)
        return _without(self._of_the_person, masked_emails(text)) if text else ""

    def words(self, text: str) -> str:
        """Dynamics' own, which may repeat anything that was said, and what stands in its rows."""
        if not text:
            return ""
        text = masked_emails(_without(self._said, text, in_any_case=True))
        text = _QUOTED_BY_DYNAMICS.sub(_quotation_of_dynamics, text)
        return _DATE.sub(MASK, _PHONE.sub(MASK, text))

    def _quotation(self, found: re.Match[str]) -> str:
        return found[0] if found[0] in self._harmless else f'"{_masked(found[0][1:-1])}"'

    @cached_property
    def _has_quotes(self) -> bool:
        """Whoever speaks in quotation marks ends ours."""
        return any('"' in as_text(value) for _, value in self._parts)

    @cached_property
    def _harmless(self) -> set[str]:
        told = (value for name, value in self._parts if is_harmless(name, value))
        return _OUR_WORDS | {quoted(text) for value in told for text in _wordings(value)} - set(map(quoted, self._said))

    @cached_property
    def _of_the_person(self) -> list[str]:
        """Who it is and where to find them, wherever it stands."""
        return [text for name, value in self._parts if _is_about_the_person(name) for text in _wordings(value, name)]

    @cached_property
    def _said(self) -> list[str]:
        return [text for name, value in self._parts if not is_harmless(name, value) for text in _wordings(value, name)]

    @cached_property
    def _parts(self) -> list[tuple[str, FieldValue]]:
        return list(self._capture.values())


@lru_cache(maxsize=2_000)
def _plain(name: str) -> str:
    """Forms say the same names again and again."""
    return plain_name(name)


def _field(name: str) -> str:
    return FIELD_BY_NAME.get(_plain(name), "")


def _is_name(name: str) -> bool:
    return _field(name) in _NAMES or _plain(name) in _FULL_NAMES


def _is_about_the_person(name: str) -> bool:
    return _is_name(name) or _field(name) not in {"", *_HARMLESS}


def _looks_personal(text: str) -> bool:
    return any((_EMAIL.search(text), _PHONE.fullmatch(text), _DATE.fullmatch(text)))


def _masked(text: str, *, is_phone: bool = False) -> str:
    """What can be left of it: of an address the domain, of a phone number the end."""
    if address := _EMAIL.search(text):
        return masked_emails(address[0])
    looks_like_one = _PHONE.fullmatch(text) and not _DATE.fullmatch(text)
    return f"{MASK}{text[-2:]}" if is_phone or looks_like_one else MASK


def _quotation_of_dynamics(found: re.Match[str]) -> str:
    """The names of columns and tables are quoted too."""
    return found[0] if _A_COLUMN.fullmatch(found[0][1:-1]) else f"{found[0][0]}{MASK}{found[0][-1]}"


def _wordings(value: FieldValue, name: str = "") -> Iterator[str]:
    """How a text may repeat it: whole, one of a list, of a name each word. What is missing says nothing."""
    if is_missing(value):
        return
    text = as_text(value)
    yield text
    if isinstance(value, list):
        yield from map(as_text, value)
    if name and _is_name(name):
        yield from text.split()


def _without(said: Collection[str], text: str, *, in_any_case: bool = False) -> str:
    """Whole words, the longest first: a full name before the names in it."""
    there = text.lower()
    wanted = sorted({each for each in said if len(each) >= _SHORTEST and each.lower() in there}, key=len, reverse=True)
    if not wanted:
        return text
    words = rf"(?<!\w)(?:{'|'.join(map(re.escape, wanted))})(?!\w)"
    return re.sub(words, MASK, text, flags=re.IGNORECASE if in_any_case else 0)


def _who(fields: Mapping[str, FieldValue]) -> tuple[str, str]:
    """Name and e-mail address."""
    said: dict[str, str] = {}
    for name, value in fields.items():
        if not is_missing(value):
            plain = _plain(name)
            said.setdefault(FIELD_BY_NAME.get(plain, plain), as_text(value))
    parts = filter(None, (said.get("FirstName", ""), said.get("LastName", "")))
    name = next((said[each] for each in ("fullname", "contactname") if each in said), " ".join(parts))
    return name, said.get("Email", "")
