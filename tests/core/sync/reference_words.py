"""Values and names as people mean them: what is blank, what is no value, what is the same name or address."""

import re
from collections.abc import Mapping
from typing import Any


def lowered(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name.lower(): value for name, value in fields.items()}


def names_in(source: str) -> list[str]:
    return re.findall(r"{(.+?)}", source) or [source]


def name_of(text: str) -> str:
    return text.strip().lower()


def address(text: str) -> str:
    """An address as it is compared; "" for what is none."""
    text = text.strip().lower()
    return text if re.fullmatch(r"[^@ ]+@[^@ ]+", text) else ""


def is_blank(value: Any) -> bool:
    """Nothing was said; zero and false say something."""
    return value is None or value == [] or (isinstance(value, str) and not value.strip())


def is_missing(value: Any) -> bool:
    """A blank, or what only stands where a value should."""
    placeholder = r"scanned|anonymous|{{.*}}|\[.*\]|%.*%"
    return is_blank(value) or (isinstance(value, str) and bool(re.fullmatch(placeholder, value.strip().lower())))


def text_of(value: Any) -> str:
    """A value as people write it."""
    if isinstance(value, list):
        return "; ".join(value)
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value).strip()
