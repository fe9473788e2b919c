"""Days and moments."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.domain.conversion import Converted, Misfit, Rules, Transform, convert
from core.domain.table import Column
from core.domain.values import FieldValue
from tests.strategies import field_values

DAY = Column(name="birthdate", type="DateTime", date_behavior="DateOnly")
LOCAL = Column(name="estimatedclosedate", type="DateTime", date_behavior="UserLocal")
FIXED = Column(name="event_start", type="DateTime", date_behavior="TimeZoneIndependent")
BERLIN = "Europe/Berlin"


def _read(
    column: Column, value: FieldValue, *, zone: str = BERLIN, transform: Transform | None = None
) -> tuple[str | None, bool]:
    """What is written, and whether there is a warning; a misfit writes nothing."""
    converted = convert(column, value, Rules(time_zone=zone, transform=transform))
    return (None, True) if isinstance(converted, Misfit) else (str(converted.value), bool(converted.warning))


@pytest.mark.parametrize(
    "said",
    [
        "2026-05-04",
        " 2026-05-04 ",
        "2026-5-4",
        "2026/05/04",
        "2026.05.04",
        "20260504",
        "04.05.2026",
        "4.5.2026",
        "4. 5. 2026",
        "4 May 2026",
        "04-May-2026",
        "4th of May 2026",
        "4. Mai 2026",
        "4 mai 2026",
        "4 de mayo de 2026",
        "4 maggio 2026",
        "4 mei 2026",
        "4 de maio de 2026",
        "4. Mai, 2026",
        "May 4, 2026",
        "MAY 4TH, 2026",
        "Mon, 4 May 2026",
        "Montag, 4. Mai 2026",
        "2026-05-04T00:00:00Z",
        "2026-05-04T00:00:00.000+02:00",
        "04.05.2026 00:00",
        ["2026-05-04"],
    ],
)
def test_one_day_in_many_ways(said: FieldValue) -> None:
    """Year first, with dots, or with a month's name in seven languages; midnight is no time."""
    assert _read(DAY, said) == ("2026-05-04", False)


@pytest.mark.parametrize(
    ("said", "day"),
    [
        ("25/12/2026", "2026-12-25"),
        ("12/25/2026", "2026-12-25"),
        ("25-12-2026", "2026-12-25"),
        ("05/05/2026", "2026-05-05"),
        ("29/02/2024", "2024-02-29"),
        ("1er janvier 2026", "2026-01-01"),
        ("3 März 2026", "2026-03-03"),
        ("3 déc. 2026", "2026-12-03"),
        ("Dec 3 2026", "2026-12-03"),
        ("01.01.1753", "1753-01-01"),
        ("9999-12-31", "9999-12-31"),
    ],
)
def test_days_of_one_meaning(said: str, day: str) -> None:
    """Where only one order of day and month is possible, it is the one."""
    assert _read(DAY, said) == (day, False)


@pytest.mark.parametrize(
    ("said", "transform", "day"),
    [
        ("03/04/2026", None, None),
        ("3-4-2026", None, None),
        ("03/04/2026", Transform.DAY_FIRST, "2026-04-03"),
        ("03/04/2026", Transform.MONTH_FIRST, "2026-03-04"),
        ("3-4-2026", Transform.MONTH_FIRST, "2026-03-04"),
        ("03.04.2026", None, "2026-04-03"),
        ("03.04.2026", Transform.MONTH_FIRST, "2026-04-03"),
        ("2026-03-04", Transform.DAY_FIRST, "2026-03-04"),
        ("25/12/2026", Transform.MONTH_FIRST, "2026-12-25"),
        ("12/25/2026", Transform.DAY_FIRST, "2026-12-25"),
        ("03/04/2026 13:05", Transform.DAY_FIRST, "2026-04-03"),
    ],
)
def test_days_of_two_meanings(said: str, transform: Transform | None, day: str | None) -> None:
    """They are left out unless the row says which comes first; the row settles nothing but those."""
    assert _read(DAY, said, transform=transform)[0] == day
    if day is None:
        told = convert(DAY, said, Rules())
        assert isinstance(told, Misfit)
        assert "day_first" in told.message


@pytest.mark.parametrize(
    "said",
    [
        "", "soon", "tomorrow", "2026", "05/2026", "May 2026", "04.05.26", "4/5/26", "2026-13-01", "2026-02-30",
        "31/02/2026", "2025-02-29", "2026-05-04T25:00", "2026-05-04T12:60:00", "2026-05-04 13:05 pm",
        "2026-05-04 0:30 am",
        "2026-05-04T12:00+25:00", "2026-05-04 12:00 CEST", "4 Foo 2026", "2026-05/04", "1777888800", 1777888800, True,
        ["2026-05-04", "2026-05-05"], "0000-01-01", "1752-12-31", "0026-05-04", "10000-01-01", "x" * 500,
    ],
)  # fmt: skip
@pytest.mark.parametrize("column", [DAY, LOCAL, FIXED])
def test_what_is_no_date(column: Column, said: FieldValue) -> None:
    """It is left out, with a date that would be accepted; so is what is too early for Dataverse."""
    told = convert(column, said, Rules(time_zone=BERLIN))
    assert isinstance(told, Misfit)
    assert "dates such as 2026-05-04" in told.message
    assert "from 1753-01-01" in told.message
    assert len(told.message) < 250


@pytest.mark.parametrize(
    "said",
    [
        "2026-05-04T23:30:00Z",
        "2026-05-04T23:30:00-11:00",
        "2026-05-04T00:30:00+14:00",
        "04.05.2026 13:05",
        "May 4, 2026 1:05 pm",
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_a_day_never_shifts(said: str, zone: str) -> None:
    """It is the day that was written, whatever the zones; the time is left out with a warning."""
    assert _read(DAY, said, zone=zone) == ("2026-05-04", True)


@pytest.mark.parametrize(
    ("said", "zone", "moment"),
    [
        ("2026-05-04T13:05:00Z", BERLIN, "2026-05-04T13:05:00Z"),
        ("2026-05-04T13:05:00+02:00", "UTC", "2026-05-04T11:05:00Z"),
        ("2026-05-04T13:05:00-0730", "UTC", "2026-05-04T20:35:00Z"),
        ("2026-05-04T13:05:00+14", "UTC", "2026-05-03T23:05:00Z"),
        ("2026-05-04T13:05", BERLIN, "2026-05-04T11:05:00Z"),
        ("2026-05-04 13:05:59.999", BERLIN, "2026-05-04T11:05:59Z"),
        ("2026-01-04 13:05", BERLIN, "2026-01-04T12:05:00Z"),
        ("2026-05-04 13:05", "America/New_York", "2026-05-04T17:05:00Z"),
        ("2026-05-04", BERLIN, "2026-05-03T22:00:00Z"),
        ("2026-05-04", "UTC", "2026-05-04T00:00:00Z"),
        ("04.05.2026, 13:05 Uhr", BERLIN, "2026-05-04T11:05:00Z"),
        ("4 mai 2026 à 13h05", "Europe/Paris", "2026-05-04T11:05:00Z"),
        ("May 4, 2026 at 1:05 PM", "UTC", "2026-05-04T13:05:00Z"),
        ("12/25/2026 12:05 a.m.", "UTC", "2026-12-25T00:05:00Z"),
        ("12/25/2026 12:05pm", "UTC", "2026-12-25T12:05:00Z"),
        ("Mon, 04 May 2026 13:05:00 GMT", BERLIN, "2026-05-04T13:05:00Z"),
        ("Mon, 04 May 2026 13:05:00 +0200", "UTC", "2026-05-04T11:05:00Z"),
        ("2026-03-29 02:30", BERLIN, "2026-03-29T01:30:00Z"),
        ("2026-10-25 02:30", BERLIN, "2026-10-25T00:30:00Z"),
        ("9999-12-31T12:00", BERLIN, "9999-12-31T11:00:00Z"),
        ("9999-12-31T23:00-05:00", BERLIN, None),
        ("1753-01-01T00:30+02:00", BERLIN, None),
    ],
)
def test_moments(said: str, zone: str, moment: str | None) -> None:
    """In UTC and whole seconds; what names no zone is in the connection's, a day begins at its midnight.

    An hour that the clock skips is read by winter's time, one that comes twice is the first.
    """
    assert _read(LOCAL, said, zone=zone) == (moment, moment is None)


@pytest.mark.parametrize(
    ("said", "moment"),
    [
        ("2026-05-04T13:05:00Z", "2026-05-04T13:05:00Z"),
        ("2026-05-04T13:05:00+02:00", "2026-05-04T13:05:00Z"),
        ("2026-05-04 13:05", "2026-05-04T13:05:00Z"),
        ("2026-05-04", "2026-05-04T00:00:00Z"),
    ],
)
@pytest.mark.parametrize("zone", [BERLIN, "America/New_York"])
def test_the_face_of_the_clock(said: str, zone: str, moment: str) -> None:
    """A column that knows no zones holds what was written."""
    assert _read(FIXED, said, zone=zone) == (moment, False)


def test_a_mapping_without_the_behaviour() -> None:
    """Metadata that does not say is taken for UserLocal, which is what Dataverse makes by default."""
    assert _read(Column(name="x", type="DateTime"), "2026-05-04 13:05") == ("2026-05-04T11:05:00Z", False)


_written = st.one_of(
    field_values,
    st.dates().map(date.isoformat),
    st.datetimes().map(datetime.isoformat),
    st.datetimes(timezones=st.timezones()).map(datetime.isoformat),
    st.from_regex(
        r"\d{1,4}[-/. ]\d{1,2}[-/. ]\d{1,4}([T ]\d{1,2}:\d{2}(:\d\d)?( ?[ap]m)?(Z|\+\d{2}:\d{2})?)?", fullmatch=True
    ),
)


@given(
    value=_written,
    column=st.sampled_from([DAY, LOCAL, FIXED]),
    zone=st.timezone_keys(),
    transform=st.none() | st.sampled_from(Transform),
)
@example(value="0001-01-01T00:00+14:00", column=LOCAL, zone="UTC", transform=None)
@example(value="9999-12-31T23:59", column=LOCAL, zone="America/New_York", transform=None)
def test_a_converted_date_is_one(value: FieldValue, column: Column, zone: str, transform: Transform | None) -> None:
    """As its behaviour is written on the wire, and none that Dataverse refuses; nothing is raised."""
    wire, _ = _read(column, value, zone=zone, transform=transform)
    if wire is None:
        return
    day = date.fromisoformat(wire) if column is DAY else datetime.strptime(wire, "%Y-%m-%dT%H:%M:%SZ").date()  # noqa: DTZ007
    assert day >= date(1753, 1, 1)
    assert len(wire) == (10 if column is DAY else 20)


@given(moment=st.datetimes(datetime(1800, 1, 1), datetime(9998, 1, 1), timezones=st.timezones()))  # noqa: DTZ001
def test_a_moment_that_names_its_zone_stays_that_moment(moment: datetime) -> None:
    """To the second, whichever zone the connection is in."""
    offset = moment.utcoffset()
    if offset is None or offset.total_seconds() % 60:  # local mean time has no ISO form of minutes
        return
    wire, _ = _read(LOCAL, moment.isoformat())
    assert wire == f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


@given(day=st.dates(date(1753, 1, 1)), zone=st.timezone_keys())
def test_a_day_is_kept_in_every_zone(day: date, zone: str) -> None:
    """ISO in, the same ISO out."""
    assert convert(DAY, day.isoformat(), Rules(time_zone=zone)) == Converted(day.isoformat())
