"""Personal data as it is shown to whoever has not asked for more: `M. O.`, `m***@fabrikam.example`, `***00`."""

import re
from collections.abc import Iterator, Mapping

from core.domain.capture import Capture
from core.domain.values import FieldValue, as_text, is_missing

_LOCAL = r"[^\s@<>\"'“”‘’(),;:]"
# Looked for where a word begins only: tried at each letter of a long text, it would take minutes.
_EMAIL = re.compile(rf"(?<!{_LOCAL})({_LOCAL}+)@([\w.-]+\.\w+)")
_WORD = re.compile(r"\w+")
_NAMES = {"firstname", "lastname", "middlename", "fullname", "name", "nickname", "salutation"}
_KEEPS_END = re.compile(r"phone|mobile|fax|telefon")
_HIDDEN = re.compile(r"street|address|postal|zip|birth|linkedin|twitter|passport")
_SHORTEST = 3  # a name of two letters stands in too many words to be looked for in texts


def masked_emails(text: str) -> str:
    """Every address in a text: its first letter and its domain stay."""
    return _EMAIL.sub(lambda found: f"{found[1][:1]}***@{found[2]}", text)


def initials(text: str) -> str:
    """`Mara O'Hara` as `M. O.`"""
    return " ".join(f"{part[0].upper()}." for part in text.split() if _WORD.match(part[0]))


def masked_value(name: str, value: FieldValue) -> FieldValue:
    """A field as it is shown, judged by the field's name; addresses are found anywhere."""
    if value is None or is_missing(value):
        return value
    plain = re.sub(r"[\s_-]", "", name).lower()
    text = as_text(value)
    if plain in _NAMES:
        return initials(text)
    if _KEEPS_END.search(plain):
        return f"***{text[-2:]}"
    if "@" not in text and _HIDDEN.search(plain):
        return "***"
    return masked_emails(text) if isinstance(value, str | list) else value


def masked_text(text: str, capture: Capture) -> str:
    """A sentence about a capture, without what names the person: such sentences quote what was said."""
    personal = dict(_personal(capture.prospect.fields, most=len(text)))
    if personal:
        words = "|".join(re.escape(said) for said in personal)
        text = re.sub(rf"(?<!\w)(?:{words})(?!\w)", lambda found: personal[found[0]], text)
    return masked_emails(text)


def person_shown(fields: Mapping[str, FieldValue]) -> str:
    """`M. O. <m***@fabrikam.example>`, from whichever of these are there."""
    said = {name.strip().lower(): as_text(value) for name, value in fields.items() if not is_missing(value)}
    name = said.get("fullname") or f"{said.get('firstname', '')} {said.get('lastname', '')}"
    email = masked_emails(said["email"]) if "@" in said.get("email", "") else ""
    return " ".join(filter(None, (initials(name), email and f"<{email}>")))


def _personal(fields: Mapping[str, FieldValue], *, most: int) -> Iterator[tuple[str, str]]:
    """What is looked for, the longest first: a full name before the names in it; nothing longer than the text."""
    said_fields = {said: name for name, value in fields.items() if _SHORTEST <= len(said := as_text(value)) <= most}
    for said, name in sorted(said_fields.items(), key=lambda each: len(each[0]), reverse=True):
        masked = as_text(masked_value(name, said))
        if said != masked:
            yield said, masked
