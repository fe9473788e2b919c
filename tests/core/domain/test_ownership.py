"""Who is to own a row, by the action's rule."""

from typing import Any

import pytest

from core.domain.action import OwnerRule
from core.domain.capture import Capture
from core.domain.owner import USER, Owner, owner_queries
from core.domain.ownership import fallback_owner, owner_value, wanted_owners
from core.domain.prospect import Prospect
from core.domain.references import NotAnswered
from core.domain.row import Row
from tests.builders import document

FALLBACK = "sales@x.example"


def _wanted(owner: str | None = "Ann Lee", **rule: Any) -> tuple[str, ...]:
    said = Capture.model_validate(document())  # captured by Ann Lee
    return wanted_owners(OwnerRule.model_validate(rule), said, Prospect(owner=owner))


@pytest.mark.parametrize(
    ("rule", "owner", "wanted"),
    [
        ({}, "ann@x.example", ("ann@x.example",)),
        ({"fallback": FALLBACK}, "ann@x.example", ("ann@x.example", FALLBACK)),
        ({"fallback": FALLBACK}, None, (FALLBACK,)),
        ({"fallback": FALLBACK}, "{{owner}}", (FALLBACK,)),
        ({"table": {"ann lee": "ann@contoso.example"}}, "Ann  LEE", ("ann@contoso.example",)),
        ({"by": "captured_by"}, None, ("Ann Lee",)),
        ({"by": "fixed", "fallback": FALLBACK}, "ann@x.example", (FALLBACK,)),
        ({"fallback": "Ann Lee"}, "Ann Lee", ("Ann Lee",)),
        ({}, None, ()),
    ],
)
def test_who_is_wanted(rule: dict[str, Any], owner: str | None, wanted: tuple[str, ...]) -> None:
    """The one the rule says, translated, then the fallback."""
    assert _wanted(owner, **rule) == wanted


def test_an_owner_too_long_to_be_searched_by_is_told() -> None:
    """Dynamics would refuse the look-up, and with it the person."""
    assert owner_queries("😀" * 401) == ()
    assert len(owner_queries("😀" * 400)) == 2
    _, warnings = owner_value(OwnerRule(), ("😀" * 10_000,), {})
    assert warnings == [f'The owner "{"😀" * 60}…" is too long to be searched by.']


def test_an_owner_who_could_not_be_looked_up_is_told() -> None:
    """Then it is the fallback's turn."""
    refused = dict.fromkeys(owner_queries("Ann Lee"), NotAnswered("A privilege is lacking."))
    value, warnings = owner_value(OwnerRule(), ("Ann Lee",), refused)
    assert value is None
    assert warnings == ['The owner "Ann Lee" could not be looked up: A privilege is lacking.']


def test_the_next_one_who_can_own_is_the_fallback() -> None:
    """Where there is another; nobody is his own fallback."""
    users = [Row("systemuser", f"u{number}", "", {"fullname": name}) for number, name in enumerate(("Ann", "Bob"))]
    known = {owner_queries(name)[0]: (user,) for name, user in zip(("Ann", "Bob"), users, strict=True)}
    assert fallback_owner(("Ann", "Bob"), known) == Owner(USER, "u1")
    assert fallback_owner(("Nobody", "Bob"), known) is None
    assert fallback_owner(("Bob", "bob"), known | {owner_queries("bob")[0]: (users[1],)}) is None


def test_the_first_that_can_own_does() -> None:
    """The others are warnings; nobody at all leaves the column alone."""
    users = {"internalemailaddress": FALLBACK, "accessmode": 0, "isdisabled": False}
    references = {query: (Row("systemuser", "u1", "", users),) for query in owner_queries(FALLBACK)}
    value, warnings = owner_value(OwnerRule(), ("Ann Lee", FALLBACK), references)
    assert value is not None
    assert (value.column, value.value, value.policy) == ("ownerid", "u1", "create_only")
    assert warnings == ['The owner "Ann Lee" is not known in Dynamics.']
    always, _ = owner_value(OwnerRule(when="always"), (FALLBACK,), references)
    assert always is not None
    assert always.policy == "overwrite"
    assert owner_value(OwnerRule(), ("Ann Lee",), {}) == (None, ['The owner "Ann Lee" is not known in Dynamics.'])
