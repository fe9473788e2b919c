"""What is wrong with a mapping row's source as it is written, before any capture is read."""

import re

from core.domain.transforms import STEPS, is_inline

_PART = re.compile(r"\{([^{}]*)\}")
_WORD = re.compile(r"\s*[a-z_]+\s*", re.IGNORECASE)


def why_unreadable(source: str) -> str:
    """Why no capture would be read as it was meant, as a sentence; "" where nothing is wrong."""
    if not source.strip():
        return "Name a field, an answer or another part of the capture."
    if re.search(r"[{}]", _PART.sub("", source)):
        return "A template names each field in one pair of braces: {FirstName} {LastName}."
    return next(filter(None, map(_about_part, _PART.findall(source))), "")


def _about_part(part: str) -> str:
    name, *steps = part.split("|")
    if not name.strip():
        return "A template's braces hold the name of a field: {LastName}."
    return next((why for step in steps if (why := _about_step(step))), "")


def _about_step(step: str) -> str:
    """What is no step at all belongs to the field's name; what nearly is one is a mistake."""
    import difflib  # noqa: PLC0415  # needed only for bars in templates

    name = step.strip()
    if not name:
        return "After a bar a template names a step: {LastName|upper}."
    if is_inline(name) or not _WORD.fullmatch(step):
        return ""
    if name in STEPS:
        return f"{name} takes an argument, which cannot stand in a template: give it as the row's transform."
    near = [each for each in difflib.get_close_matches(name.lower(), STEPS, 3) if is_inline(each)]
    return f'"{name}" is no step. Did you mean {" or ".join(near)}?' if near else ""
