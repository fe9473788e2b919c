"""Who asks, as the audit keeps it: nothing that a sender can make up about users."""

from types import SimpleNamespace
from typing import Any

import pytest
from starlette.requests import Request

from core.api.asking import asking


def asked(headers: dict[str, str], *, has_sign_in: bool) -> str:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    services: Any = SimpleNamespace(has_sign_in=has_sign_in)
    return asking(Request({"type": "http", "headers": raw}), services)


def test_a_users_name_counts_only_where_users_sign_in() -> None:
    """App Service's sign-in sets this header and takes away a sender's; without it anybody could write it."""
    headers = {"x-ms-client-principal-name": "ann@contoso.example", "x-forwarded-for": "203.0.113.9"}
    assert asked(headers, has_sign_in=True) == "ann@contoso.example"
    assert asked(headers, has_sign_in=False) == "203.0.113.9"


@pytest.mark.parametrize(
    ("forwarded", "who"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("1.1.1.1, 203.0.113.9:5021", "203.0.113.9:5021"),
        ("", "function key"),
        ("1.1.1.1,", "function key"),
    ],
)
def test_the_address_is_the_one_the_front_end_saw(forwarded: str, who: str) -> None:
    """It stands last; what stands before it, the sender wrote."""
    assert asked({"x-forwarded-for": forwarded}, has_sign_in=False) == who


def test_a_header_cannot_forge_an_entry() -> None:
    """Control characters are shown, and a long one is cut."""
    who = asked({"user-agent": "curl\x1b[2J\x85" + "x" * 500}, has_sign_in=False)
    assert who.isprintable()
    assert len(who) == 200
