"""People's names in the case that they are written in."""

import re

_PARTICLES = "af al auf bin da das de del della den der des di do dos du e el la le ten ter van vom von y zu zum zur"
_NUMERALS = {"II", "III", "IV", "VI", "VII"}
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")


def name_case(text: str) -> str:
    """`MARA O'HARA` and `mara o'hara` as `Mara O'Hara`. A word in mixed case was written with care, and stays."""
    start = len(text) - len(text.lstrip())
    return re.sub(r"\S+", lambda found: _name_part(found[0], is_first=found.start() == start), text)


def _name_part(part: str, *, is_first: bool) -> str:
    if not is_first and part.lower() in _PARTICLES.split() and (part.isupper() or part.islower()):
        return part.lower()
    return _WORD.sub(lambda found: _if_as_long(_cased(found[0]), found[0]), part)


def _if_as_long(cased: str, word: str) -> str:
    """A few letters have no capital of their own, and would become two."""
    return cased if len(cased) == len(word) else word


def _cased(word: str) -> str:
    if word in _NUMERALS or not (word.isupper() or word.islower()):
        return word
    head, apostrophe, tail = re.fullmatch(r"([^'’]+)(['’]?)(.*)", word).groups()  # type: ignore[union-attr]
    if len(head) == 1:
        return head.capitalize() + apostrophe + tail.capitalize()
    if re.fullmatch(r"mc\w\w+", head, re.IGNORECASE) and not apostrophe:
        return f"Mc{head[2:].capitalize()}"
    return head.capitalize() + apostrophe + tail.lower()
