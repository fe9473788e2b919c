"""Who runs after whom, and who is read again before that."""

from collections.abc import Sequence
from datetime import UTC, datetime

from core.domain.capture import Capture
from core.domain.delivery import Delivery
from core.sync.ports import ABSENT, Versioned
from core.sync.together.chains import in_chains

_NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


class Ledger:
    """Notes what is read; everything is as it was."""

    def __init__(self) -> None:
        self.read_keys: list[str] = []

    async def read(self, _organization: str, key: str, _kind: type[Delivery]) -> None:
        self.read_keys.append(key)


async def _begin() -> None:
    pass


async def _ran(ledger: Ledger, deliveries: Sequence[Delivery]) -> list[str]:
    order: list[str] = []

    async def run(found: Versioned[Delivery], _followers: Sequence[Versioned[Delivery]]) -> None:
        order.append(found.entity.id)

    found = [Versioned(each, ABSENT) for each in deliveries]
    await in_chains(ledger, found, run, _begin, with_companies=True)  # type: ignore[arg-type]  # it asks for no more
    return order


def _delivery(name: str, **fields: str) -> Delivery:
    capture = Capture.model_validate({"prospect": {"fields": fields}, "delivery_id": name})
    return Delivery(
        id=name,
        organization="o",
        connection="c",
        action="a",
        trigger="bulk",
        capture=capture,
        received_at=_NOON,
        due_at=_NOON,
    )


async def test_colleagues_wait_for_the_first_of_their_company_and_are_not_read_again() -> None:
    """Nobody takes along somebody else than the same person, so nothing can have become of them."""
    ledger = Ledger()
    colleagues = [_delivery(f"d{number}", Email=f"p{number}@x.example", Company="Fabrikam") for number in range(5)]

    assert (await _ran(ledger, colleagues))[0] == "d0"
    assert ledger.read_keys == []


async def test_whoever_may_have_been_taken_along_is_read_again() -> None:
    """What the one before him made of him is what he goes on from."""
    ledger = Ledger()
    same = [_delivery(f"d{number}", Email="ada@x.example") for number in range(3)]

    assert await _ran(ledger, same) == ["d0", "d1", "d2"]
    assert ledger.read_keys == [same[1].key, same[2].key]
