"""What people see of a batch that runs."""

from datetime import UTC, datetime, timedelta

from core.api.bulk_view import BatchView, batch_view
from core.domain.bulk_batch import Batch, Chunk, Source
from core.sync.bulk_ports import Whole
from core.sync.ports import Versioned

_ASKED = datetime(2026, 11, 30, 8, tzinfo=UTC)
_NOW = _ASKED + timedelta(hours=3)
_OF_EACH = 500


def test_pace_and_finish_follow_what_came_further_of_late() -> None:
    """A batch that stood still for hours and runs now is over when its present pace says."""
    seen = _seen([_NOW - timedelta(seconds=30), _NOW - timedelta(seconds=90), _NOW - timedelta(hours=2), None])

    assert seen.per_minute == _OF_EACH
    assert seen.estimated_finish == _NOW + timedelta(minutes=1)


def test_pace_of_a_batch_where_nothing_came_further_of_late_is_that_since_it_was_asked_for() -> None:
    """There is a pace to tell as soon as anything is finished."""
    seen = _seen([_NOW - timedelta(hours=1), None])

    assert seen.per_minute == round(_OF_EACH / 180, 1)


def test_pace_of_a_batch_that_has_just_begun_counts_from_its_beginning() -> None:
    """Ten seconds are not taken for two minutes."""
    seen = _seen([_ASKED + timedelta(seconds=8), None], now=_ASKED + timedelta(seconds=10))

    assert seen.per_minute == _OF_EACH * 6


def test_pace_of_a_batch_that_is_over_is_that_of_all_of_it() -> None:
    """Also where its end is only minutes ago."""
    seen = _seen([_NOW - timedelta(seconds=30)], finished_at=_ASKED + timedelta(minutes=10))

    assert seen.per_minute == _OF_EACH / 10
    assert seen.estimated_finish is None


def test_nothing_finished_has_no_pace() -> None:
    """No finish is promised then."""
    seen = _seen([None, None])

    assert (seen.per_minute, seen.estimated_finish) == (None, None)


def _seen(moved: list[datetime | None], *, now: datetime = _NOW, finished_at: datetime | None = None) -> BatchView:
    """Of chunks that came further then; None: they wait."""
    batch = Batch(
        id="b",
        action="booth",
        connection="sales",
        organization="o",
        asked_at=_ASKED,
        told="",
        next_at=_ASKED,
        finished_at=finished_at,
    )
    records = len(moved) * _OF_EACH
    source = Source(kind="content", received_at=_ASKED, records=records, is_split=True, sent_at=_ASKED)
    chunks = [_chunk(number, at) for number, at in enumerate(moved, start=1)]
    whole = Whole(Versioned(batch, ""), [Versioned(source, "")], [Versioned(each, "") for each in chunks], {})
    return batch_view(whole, chunks, now=now)


def _chunk(number: int, moved_at: datetime | None) -> Chunk:
    return Chunk(
        source="",
        number=number,
        received_at=_ASKED,
        records=_OF_EACH,
        state="over" if moved_at else "waiting",
        outcomes={"created": _OF_EACH} if moved_at else {},
        moved_at=moved_at or _ASKED,
        sent_at=_ASKED,
    )
