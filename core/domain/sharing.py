"""Which captures of many are about one person, or one new company, as far as their words tell.

Those that share a name for a person would meet at the same claims: they are better run one after the other. It is a
matter of speed alone: what this does not see, the claims settle.
"""

from collections.abc import Iterator, Sequence

from core.domain.capture import Capture, prospect_name
from core.domain.email_address import normal_email
from core.domain.values import is_missing, normal_name

TOGETHER_MOST = 16  # deliveries of one person: with their claims they have to fit into one transaction
CAPTURE_MOST = 50_000  # characters of one


def predecessors(captures: Sequence[Capture], *, with_companies: bool) -> list[list[int]]:
    """For each capture the numbers of those that should be over before it begins; all of them stand before it.

    It waits for the last one of each of its person's names and, where companies are made too, for the first one of
    its company.
    """
    last: dict[str, int] = {}
    first_of: dict[str, int] = {}
    before: list[list[int]] = []
    for number, capture in enumerate(captures):
        names = set(_names(capture, number))
        wanted = {last[name] for name in names if name in last}
        if with_companies and (company := _company(capture)):
            wanted |= {first_of.setdefault(company, number)} - {number}
        before.append(sorted(wanted))
        last |= dict.fromkeys(names, number)
    return before


def followers(captures: Sequence[Capture], before: Sequence[Sequence[int]]) -> list[list[int]]:
    """For each capture those of the same person that come right after it, and would wait for nobody else.

    `before`: as `predecessors` answers.
    """
    by_person: dict[str, list[int]] = {}
    for number, capture in enumerate(captures):
        by_person.setdefault(prospect_name(capture, str(number)), []).append(number)
    following: list[list[int]] = [[] for _ in captures]
    for numbers in by_person.values():
        for place, number in enumerate(numbers):
            following[number] = _right_after(numbers[place : place + TOGETHER_MOST], captures, before)
    return following


def _right_after(numbers: Sequence[int], captures: Sequence[Capture], before: Sequence[Sequence[int]]) -> list[int]:
    taken = list(numbers[:1])
    for number in numbers[1:]:
        if not set(before[number]) <= set(taken) or len(captures[number].model_dump_json()) > CAPTURE_MOST:
            break
        taken.append(number)
    return taken[1:]


def _names(capture: Capture, number: int) -> Iterator[str]:
    yield f"prospect|{prospect_name(capture, str(number))}"
    fields = {name.lower(): value for name, value in capture.prospect.fields.items()}
    for value in fields.values():
        if isinstance(value, str) and "@" in value and (email := normal_email(value)):
            yield f"email|{email}"
    first, last = fields.get("firstname"), fields.get("lastname")
    if not is_missing(first) and not is_missing(last):
        yield f"name|{normal_name(str(first))}|{normal_name(str(last))}"


def _company(capture: Capture) -> str:
    company = next((value for name, value in capture.prospect.fields.items() if name.lower() == "company"), None)
    return "" if is_missing(company) else normal_name(str(company))
