"""What a field may hold, and when it holds nothing.

Captello sends text, numbers, yes and no, and lists of texts. A blank is "no information"; so are the placeholders
that Captello leaves where a value is missing, and template tokens that were never replaced.
"""

import re

FieldValue = str | int | float | bool | list[str] | None

_PLACEHOLDER_WORDS = {"scanned", "anonymous"}
_UNREPLACED_TOKEN = re.compile(r"\{\{[^{}]*\}\}|\[[A-Za-z_][\w .:-]*\]|%[A-Za-z_][\w.]*%|##[A-Za-z_][\w .]*##")


def is_blank(value: FieldValue) -> bool:
    """Zero and false are values."""
    if isinstance(value, list):
        return all(is_blank(item) for item in value)
    return value is None or (isinstance(value, str) and not value.strip())


def is_placeholder(value: FieldValue) -> bool:
    """Whether the value only stands where one is missing ("Scanned", `{{Email}}`, `[Email]`, `%Email%`)."""
    if not isinstance(value, str):
        return False
    text = value.strip()
    return text.lower() in _PLACEHOLDER_WORDS or _UNREPLACED_TOKEN.fullmatch(text) is not None


def is_missing(value: FieldValue) -> bool:
    return is_blank(value) or is_placeholder(value)


def as_text(value: FieldValue) -> str:
    """The value as a person would write it; lists are joined with "; "."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return "; ".join(item.strip() for item in value if item.strip())
    return str(value).strip()
