"""How many slots bulk work has: taken, kept, given back, grown into and halved."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.slots import LASTS, Signals, Slots

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
QUIET = Signals()


def _after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def _taken(slots: Slots, *holders: str, now: datetime = NOON, most: int = 8) -> Slots:
    for holder in holders:
        after = slots.taken(holder, now, most=most)
        assert after is not None
        slots = after
    return slots


def _quietly_used(chunks: int, *, most: int = 8) -> Slots:
    """So many chunks ended with no complaint, each while all slots were in use."""
    slots = Slots()
    for number in range(chunks):
        waiting = (f"{number} {place}" for place in range(most))
        while (more := slots.taken(next(waiting, ""), NOON, most=most)) is not None:
            slots = more
        slots = slots.returned(next(iter(slots.held)), NOON, QUIET, refused=False, most=most)
    return slots


def test_it_begins_with_two() -> None:
    """A connection nobody knows yet is approached with care."""
    slots = _taken(Slots(), "a", "b")
    assert slots.taken("c", NOON, most=8) is None


def test_it_grows_while_all_are_in_use_and_nothing_is_refused() -> None:
    """Slowly, and up to the setting."""
    assert [_quietly_used(rounds).places(8) for rounds in (0, 3, 6, 40, 80)] == [2, 3, 4, 8, 8]
    assert _quietly_used(40, most=3).allowed == 3


def test_what_is_not_used_does_not_grow() -> None:
    """One chunk after the other proves nothing about two at once."""
    slots = Slots()
    for _ in range(20):
        slots = _taken(slots, "a").returned("a", NOON, QUIET, refused=False, most=8)
    assert slots.allowed == 2


@pytest.mark.parametrize(("hint", "most", "places"), [(4, 8, 3), (50, 8, 8), (1, 8, 1), (0, 8, 1), (None, 8, 8)])
def test_advice_is_followed_and_one_is_left_to_captures(hint: int | None, most: int, places: int) -> None:
    """Never above what Dynamics advises for all requests; one there always is."""
    assert Slots(allowed=100, hint=hint).places(most) == places


def test_advice_is_learnt_from_whoever_hears_it() -> None:
    """It is stored for all instances, and silence does not forget it."""
    slots = _taken(Slots(), "a").returned("a", NOON, Signals(dop_hint=5), refused=False, most=8)
    assert _taken(slots, "a").returned("a", NOON, QUIET, refused=False, most=8).hint == 5


def test_a_refusal_halves_once_and_all_rest() -> None:
    """Three chunks that meet one limit halve once, and the longest of their waits holds."""
    slots = _taken(Slots(allowed=6), "a", "b", "c")
    for holder, wait, seconds in (("a", 40.0, 1), ("b", 300.0, 2), ("c", 5.0, 3)):
        told = Signals(refusals=1, retry_after=wait)
        slots = slots.returned(holder, _after(seconds), told, refused=True, most=8)
    assert (slots.allowed, slots.rests_until) == (3.0, _after(302))
    assert slots.taken("d", _after(301), most=8) is None
    again = _taken(slots, "d", now=_after(303))
    told = Signals(refusals=2, retry_after=5)
    assert again.returned("d", _after(304), told, refused=True, most=8).allowed == 1.5
    assert again.places(8) == 3


def test_a_killed_hosts_slot_ends() -> None:
    """Who no longer renews is passed over, and cannot take it back afterwards."""
    slots = _taken(Slots(), "dead", "alive")
    renewed = slots.renewed("alive", _after(40))
    assert renewed is not None
    late = NOON + LASTS
    others = _taken(renewed, "next", now=late)
    assert set(others.held) == {"alive", "next"}
    assert others.renewed("dead", late) is None
    assert slots.renewed("dead", late) is None


def test_a_slot_whose_answer_was_lost_is_taken_again() -> None:
    """Storage said nothing although it had saved: the same holder does not stand in its own way."""
    slots = _taken(Slots(allowed=1), "a")
    assert slots.taken("a", NOON, most=8) is not None
    assert slots.taken("b", NOON, most=8) is None


_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["take", "renew", "return", "refused"]),
        st.sampled_from("abcdef"),
        st.integers(0, 45),
        st.integers(0, 9) | st.none(),
    ),
    max_size=80,
)


@given(steps=_STEPS, most=st.integers(1, 6))
def test_never_more_alive_than_allowed_when_one_is_taken(
    steps: list[tuple[str, str, int, int | None]], most: int
) -> None:
    """Whatever holders do, or leave undone: who gets a slot is among no more than setting and advice permit."""
    slots, now = Slots(), NOON
    for what, holder, seconds, hint in steps:
        now += timedelta(seconds=seconds)
        signals = Signals(dop_hint=hint, retry_after=30)
        match what:
            case "take":
                before, after = slots, slots.taken(holder, now, most=most)
                slots = after or before
                alive = [held for held in slots.held.values() if now < held.until]
                assert after is None or len(alive) <= before.places(most) <= most
                assert after is None or before.rests_until is None or now >= before.rests_until
            case "renew":
                slots = slots.renewed(holder, now) or slots
            case _:
                slots = slots.returned(holder, now, signals, refused=what == "refused", most=most)
                assert holder not in slots.held
        assert 1 <= slots.places(most) <= most
