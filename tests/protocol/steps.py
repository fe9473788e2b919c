"""Requests by their kinds, so that those of the model and those of the code can be compared.

Reads in a row are one step, and look-ups in a row are: how many there are at once, nobody promises. What is left out
of a look-up is what the code asks for beside the persons: notes it knows of, campaigns, lists, owners.
"""

from collections.abc import Iterable
from typing import NamedTuple

MERGED = ("read", "find")
SOUGHT = {"lead", "contact", "account"}


class Step(NamedTuple):
    what: str  # read, find, write, commit
    kinds: tuple[str, ...]


def step(what: str, kinds: Iterable[str]) -> Step:
    return Step(what, tuple(sorted(set(kinds))))


def in_a_row(steps: Iterable[Step]) -> list[Step]:
    """Neighbouring reads made one; the last ones, which only learn that all is done, left out."""
    merged: list[Step] = []
    for each in steps:
        is_next = merged and merged[-1].what == each.what and each.what in MERGED
        merged.append(step(each.what, (*merged.pop().kinds, *each.kinds)) if is_next else each)
    return merged[:-1] if merged and merged[-1].what == "read" else merged


def kind_of_key(key: str) -> str:
    """`key|email|…` is a key of e-mails; a delivery stands for itself."""
    parts = key.split("|")
    return "|".join(parts[:2]) if parts[0] in ("key", "delivery") else parts[0]
