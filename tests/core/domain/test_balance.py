"""Everything that was captured is accounted for."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from core.domain.balance import ENDINGS, ON_THE_WAY, Counted, balance, compared
from tests.builders import NOON

COUNTED = st.builds(
    Counted,
    delivery=st.uuids().map(str),
    submission=st.integers(1, 9).map(str),
    form=st.sampled_from(["42", "7", ""]),
    form_name=st.just("Booth"),
    event=st.sampled_from(["Expo 26", ""]),
    ending=st.sampled_from([ending for ending in ENDINGS if ending != ON_THE_WAY]),
    received_at=st.just(NOON),
)


def _counted(submission: str, ending: str, delivery: str = "", *, hours: int = 0) -> Counted:
    return Counted(delivery or submission, submission, "42", "Booth", "Expo", ending, NOON + timedelta(hours=hours))


@given(st.lists(COUNTED, unique_by=lambda each: each.delivery))
def test_every_delivery_is_on_one_line_with_one_ending(logged: list[Counted]) -> None:
    """Captured is the sum of all endings, over all lines."""
    lines = balance(logged, [])
    assert sum(line.captured for line in lines) == len(logged)
    assert all(line.endings.keys() <= set(ENDINGS) for line in lines)
    assert {(line.form, line.event) for line in lines} == {(each.form, each.event) for each in logged}


def test_what_is_replayed_now_is_on_its_way_and_not_failed() -> None:
    """It is counted once, as it stands now."""
    logged = [_counted("1", "failed"), _counted("2", "created")]
    (line,) = balance(logged, [_counted("1", ON_THE_WAY), _counted("3", ON_THE_WAY)])
    assert line.endings == {"created": 1, ON_THE_WAY: 2}
    assert (line.captured, len(line.submissions)) == (3, 3)


def test_who_waits_longest_for_a_release_is_seen() -> None:
    """The age of the oldest held capture; of others it does not matter."""
    logged = [_counted("1", "held", hours=3), _counted("2", "held", hours=2), _counted("3", "created")]
    (line,) = balance(logged, [])
    assert line.held_since == NOON + timedelta(hours=2)
    assert balance([_counted("3", "created")], [])[0].held_since is None


def test_a_list_of_submissions_tells_what_never_came() -> None:
    """What became of a submission last, counts; doubles on the list are one."""
    came = [_counted("1", "updated", "b"), _counted("1", "created", "a"), _counted("9", "created")]
    found = compared(["1", "2", "2", "3"], came)
    assert (found.arrived, found.missing, found.not_expected) == ({"updated": 1}, ["2", "3"], ["9"])
