"""Once a day every connection is looked at, and nobody is surprised by a secret that ends."""

import json
import logging

import pytest

from core.domain.check import CheckResult
from tests.core.admin.office import Office


async def _last_check(office: Office, connection_id: str = "") -> CheckResult | None:
    setup = await office.configuration.fresh_setup(connection_id or office.id)
    return setup.check if setup else None


def _alerts(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    told = [json.loads(record.message) for record in caplog.records if record.name == "captello.alerts"]
    caplog.clear()
    return told


async def test_a_connection_is_checked_once_a_day(office: Office) -> None:
    """And not again by the next run of the timer; what was found is kept with the connection."""
    await office.connect("first")
    assert await office.upkeep.run() == 1
    checked = await _last_check(office)
    assert checked is not None
    assert (checked.passed, checked.checked_at) == (True, office.now)
    office.pass_time(hours=23)
    assert await office.upkeep.run() == 0
    office.pass_time(hours=1)
    assert await office.upkeep.run() == 1


async def test_warnings_are_given_once_for_each_threshold(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    """30, 14, 7 and 1 days before the end, each in one line that monitoring can read; a new date begins anew."""
    caplog.set_level(logging.WARNING)
    await office.connect("first", secret_expires_on="2026-06-05")  # 32 days from the first one on
    told: list[tuple[object, object]] = []
    for _ in range(33):
        await office.upkeep.run()
        told += [(alert["threshold"], alert["days_left"]) for alert in _alerts(caplog)]
        office.pass_time(days=1)
    assert told == [(30, 30), (14, 14), (7, 7), (1, 1)]
    await office.connect("second", secret_expires_on="2026-06-10")
    await office.checks.run(office.id)
    (alert,) = _alerts(caplog)
    assert alert == {
        "alert": "secret_expiring",
        "connection": office.id,
        "days_left": 4,
        "threshold": 7,
        "expires_on": "2026-06-10",
    }


async def test_the_secret_before_goes_when_the_new_one_has_worked_for_a_day(office: Office) -> None:
    """Not before: another instance may not have heard."""
    connection = await office.connect("first")
    await office.connect("second")
    await office.checks.run(office.id)
    assert await office.upkeep.run() == 0
    assert await office.usable_versions(connection.secret_name) == ["first", "second"]
    office.pass_time(days=1)
    assert await office.upkeep.run() == 1
    assert await office.usable_versions(connection.secret_name) == ["second"]


async def test_a_new_secret_that_stopped_working_keeps_the_one_before(office: Office) -> None:
    """Nothing is dropped while the connection does not get through."""
    connection = await office.connect("first")
    await office.connect("second")
    office.outside.good = {"first"}
    office.pass_time(days=1)
    await office.upkeep.run()
    assert await office.usable_versions(connection.secret_name) == ["first", "second"]


async def test_what_cannot_be_checked_keeps_nobody_waiting(office: Office) -> None:
    """A broken connection is checked with its finding, a revoked one is left alone, the others have their turn."""
    names = [f"{office.id}-{letter}" for letter in "abc"]
    await office.connect("first", connection_id=names[0])
    await office.revocation.revoke(names[0], confirm=names[0])
    await office.connect("wrong", connection_id=names[1])
    await office.connect("first", connection_id=names[2])
    assert await office.upkeep.run() == 2
    broken, well = await _last_check(office, names[1]), await _last_check(office, names[2])
    assert broken is not None
    assert well is not None
    assert (broken.passed, well.passed) == (False, True)
    assert await _last_check(office, names[0]) is None


async def test_a_check_of_a_working_connection_ends_its_pause(office: Office) -> None:
    """Somebody mended it in Entra or Dynamics, where nobody tells us."""
    await office.connect("wrong")
    office.outside.good = {"wrong"}
    await office.checks.run(office.id)
    setup = await office.configuration.fresh_setup(office.id)
    assert setup is not None
    assert setup.pause is None
    assert setup.connection.organization_id is not None
