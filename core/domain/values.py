"""What a field may hold, and when it holds nothing.

Captello sends text, numbers, yes and no, and lists of texts. A blank is "no information"; so are the placeholders
that Captello leaves where a value is missing, and template tokens that were never replaced.
"""

import re
import unicodedata

FieldValue = str | int | float | bool | list[str] | None

_PLACEHOLDER_WORDS = {"scanned", "anonymous"}
_UNREPLACED = r"(?:\{\{[^{}]*\}\}|\[[A-Za-z_][\w .:-]*\]|%[A-Za-z_][\w .]*%|##[A-Za-z_][\w .]*##)"
_UNREPLACED_BEGINS = frozenset("{[%#")
_UNREPLACED_TOKENS = re.compile(rf"{_UNREPLACED}(?:[\s,;/|-]*{_UNREPLACED})*")
# Dataverse refuses control characters (0x80040278); line breaks and tabs are fine.
_REFUSED = {code: None for code in (*range(32), 127, 0xFFFE, 0xFFFF) if chr(code) not in "\t\n\r"}
_WITHOUT_WIDTH = _REFUSED | dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"))

_WHOLE_MOST = 1e15  # beyond it a float no longer tells one whole number from the next


def is_blank(value: FieldValue) -> bool:
    """Zero and false are values."""
    if isinstance(value, list):
        return all(is_blank(item) for item in value)
    return value is None or (isinstance(value, str) and not _shows(value))


def _shows(text: str) -> bool:
    """Nearly every text begins with a letter or a digit, which is quickly seen."""
    return text[:1].isalnum() or bool(text.translate(_WITHOUT_WIDTH).strip())


def is_placeholder(value: FieldValue) -> bool:
    """Whether the value only stands where one is missing ("Scanned", `{{Email}}`, `[Email]`, `%Email%`)."""
    if isinstance(value, list):
        said = [item for item in value if not is_blank(item)]
        return bool(said) and all(map(is_placeholder, said))
    if not isinstance(value, str):
        return False
    text = value.strip()
    if text[:1] in _UNREPLACED_BEGINS:
        return _UNREPLACED_TOKENS.fullmatch(text) is not None
    return text.lower() in _PLACEHOLDER_WORDS


def is_missing(value: FieldValue) -> bool:
    return is_blank(value) or is_placeholder(value)


def as_text(value: FieldValue) -> str:
    """The value as a person would write it, in characters that Dataverse takes; lists are joined with "; "."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return "; ".join(text for item in value if (text := as_text(item)))
    if isinstance(value, float) and value.is_integer() and abs(value) < _WHOLE_MOST:
        return str(int(value))
    text = str(value)
    return (text if text.isprintable() else text.translate(_REFUSED)).strip()  # what is printable holds none of them


def has_refused_characters(value: FieldValue) -> bool:
    """Whether the value holds characters that `as_text` takes out, because Dataverse refuses them."""
    if isinstance(value, list):
        return any(map(has_refused_characters, value))
    return isinstance(value, str) and value.translate(_REFUSED) != value


def normal_name(text: str) -> str:
    """A name as it is compared: in any case, with single blanks."""
    return " ".join(unicodedata.normalize("NFC", text).split()).casefold()
