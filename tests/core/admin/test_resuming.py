"""What waits for a connection: kept in the order it came, in nobody's way, and all due when it has been mended."""

import json
import logging
from datetime import timedelta
from typing import Any

import pytest

from core.domain.capture import Capture
from core.domain.connection import Pause
from core.domain.delivery import Delivery, ErrorClass, Outcome, Result
from core.sync.intake import Intake
from tests.core.admin.office import ELSEWHERE, HERE, THERE, Office


async def test_what_waited_is_due_at_once_and_in_the_order_it_came(office: Office) -> None:
    """Whether it was tried, was tried again later, or came while the connection was paused."""
    await office.connect("first")
    await office.configure()
    office.outside.good = {"second"}
    office.outside.is_down = True
    late = await office.receive(seconds=3)
    assert await office.attempts.attempt(late, deadline=5) is None  # Dynamics is down: to be tried again later
    office.outside.is_down = False
    for seconds in (2, 1):
        await office.attempts.attempt(await office.receive(seconds=seconds), deadline=5)
    await office.attempts.attempt(await office.receive(seconds=4), deadline=5)
    setup = await office.configuration.setup(office.id)
    assert setup is not None
    assert setup.pause is not None
    office.messages.clear()
    office.pass_time(seconds=60)
    assert await office.wakes.wake_due() == 0
    await office.connect("second")
    assert await office.wakes.wake_due() == 4
    assert [message[-1] for message in office.messages] == ["1", "2", "3", "4"]


async def test_a_pause_that_is_over_is_probed_with_one_request(office: Office) -> None:
    """Not with everything that waits; and a connection that somebody mended elsewhere goes on by itself."""
    await office.connect("first")
    await office.configure()
    office.outside.good = set()
    for seconds in range(3):
        await office.attempts.attempt(await office.receive(seconds=seconds), deadline=5)
    office.messages.clear()
    office.pass_time(minutes=6)
    assert await office.wakes.wake_due() == 0
    assert office.messages == []
    office.outside.good = {"first"}
    office.pass_time(minutes=6)
    assert await office.wakes.wake_due() == 3
    for message in office.messages:
        await office.wakes.run(HERE, message)
    assert await office.marks(HERE) == []


async def test_a_paused_connection_stands_in_nobodys_way(office: Office) -> None:
    """Two connections to one organisation: the marks of the one that waits are passed over."""
    await office.connect("first", connection_id=f"{office.id}-a")
    await office.connect("first", connection_id=f"{office.id}-b")
    await office.receive(connection_id=f"{office.id}-a", seconds=1)
    await office.receive(connection_id=f"{office.id}-b", seconds=2)
    await office.configuration.save_pause(f"{office.id}-a", Pause(reason="throttled"))
    office.pass_time(minutes=1)
    assert await office.wakes.wake_due() == 1
    assert office.messages == [f"{office.id}-b-000002"]
    assert [mark.delivery for mark in await office.ledger.due(HERE, office.now, most=1, connections=["nobody"])] == []
    (first,) = await office.ledger.due(HERE, office.now, most=1, connections=[f"{office.id}-b"])
    assert first.connection == f"{office.id}-b"


async def test_what_waits_for_a_former_organisation_is_left_alone(office: Office) -> None:
    """It is neither woken in vain nor carried out in the new one, and goes on when the connection points back."""
    await office.connect("first")
    await office.configure()
    waits = await office.receive(seconds=1)
    await office.connect("first", url=ELSEWHERE, organization_id=THERE)
    await office.connect("first", connection_id=f"{office.id}-other")  # somebody else is there, so its marks are read
    office.pass_time(minutes=5)
    assert await office.wakes.wake_due() == 0
    assert "another organisation" in await office.attempts.pause_reason(waits.entity)
    assert await office.attempts.attempt(waits, deadline=5) is None
    await office.connect("first", organization_id=HERE)
    assert await office.wakes.wake_due() == 1


async def test_a_revoked_connection_is_not_woken(office: Office) -> None:
    """Nor probed: nothing is sent until it is reconnected, then everything is due."""
    await office.connect("first")
    await office.configure()
    waits = await office.receive(seconds=1)
    await office.revocation.revoke(office.id, confirm=office.id)
    assert await office.attempts.attempt(waits, deadline=5) is None
    office.pass_time(days=30)
    assert await office.wakes.wake_due() == 0
    await office.connect("second")
    assert await office.wakes.wake_due() == 1


async def test_what_came_before_the_organisation_was_known_comes_home_in_order(office: Office) -> None:
    """Due at once, the oldest first."""
    await office.connect("wrong")
    await office.configure()
    for seconds in (3, 1, 2):
        await office.receive(seconds=seconds)
    office.pass_time(minutes=1)
    await office.connect("first")
    assert await office.wakes.wake_due() == 3
    assert [message[-1] for message in office.messages] == ["1", "2", "3"]


async def test_a_mark_that_moved_meanwhile_is_not_written_again(office: Office) -> None:
    """The message may be taken before the timer has noted that it sent one: no second mark is left behind, which
    nobody would ever take away.
    """
    await office.connect("first")
    await office.configure()
    await office.receive(seconds=1)
    office.outside.good, office.is_quick = set(), True
    office.pass_time(minutes=1)
    assert await office.wakes.wake_due() == 1
    (mark,) = await office.marks(HERE)
    assert mark.woken_at is None
    office.outside.good = {"first"}
    office.pass_time(minutes=6)
    assert await office.wakes.wake_due() == 1
    assert await office.marks(HERE) == []


async def test_a_submission_keeps_its_order_when_it_comes_home(office: Office) -> None:
    """What was held, released and withdrawn before the organisation was known is the same afterwards."""
    await office.connect("wrong")
    await office.configure()
    intake, nowhere = Intake(ledger=office.ledger), (await office.connection()).partition

    async def receive(name: str, seconds: int, body: dict[str, Any], *, partition: str) -> tuple[str, bool]:
        received_at = office.now + timedelta(seconds=seconds)
        made = Delivery(
            id=name,
            organization=partition,
            connection=office.id,
            action="booth",
            capture=Capture.model_validate(body),
            received_at=received_at,
            due_at=received_at,
        )
        found, is_repeat = await intake.receive(made)
        return found.entity.id, is_repeat

    held = {"submission": {"activity_id": 1, "hold_request_id": 5}}
    released = {"event": "released", "submission": {"activity_id": 1}}
    withdrawn = {"event": "withdrawn", "submission": {"activity_id": 2}}
    assert await receive("held", 1, held, partition=nowhere) == ("held", False)
    assert await receive("withdrawn", 2, withdrawn, partition=nowhere) == ("withdrawn", False)
    assert await receive("ended", 2, {"submission": {"hold_request_id": 9}}, partition=nowhere) == ("ended", False)
    ending = {"event": "withdrawn", "submission": {"hold_request_id": 9}}
    assert await receive("ending", 3, ending, partition=nowhere) == ("ended", False)
    assert await receive("other", 3, {"submission": {"hold_request_id": 7}}, partition=nowhere) == ("other", False)
    assert await receive("released", 4, released, partition=nowhere) == ("held", False)
    office.pass_time(minutes=1)
    home = (await office.connect("first")).partition
    await office.wakes.wake_due()
    assert home != nowhere
    assert await office.marks(nowhere) == []
    assert await receive("released", 5, released, partition=home) == ("held", True)
    assert await receive("ending", 5, ending, partition=home) == ("ended", True)
    assert await receive("copy", 5, {"submission": {"hold_request_id": 9}}, partition=home) == ("copy", False)
    assert await receive("overtaken", 6, {"submission": {"activity_id": 2}}, partition=home) == ("overtaken", False)
    for name in ("overtaken", "copy"):
        found = await office.ledger.read(home, f"delivery|{name}", Delivery)
        assert found is not None
        assert found.entity.overtaken_by == "withdrawal"
    assert await receive("later", 7, {"event": "released", "submission": {"hold_request_id": 7}}, partition=home) == (
        "other",
        False,
    )


async def test_monitoring_is_told_of_a_pause_as_long_as_it_lasts(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    """By the capture that meets it and each probe after it; not when Dynamics is only down, nor once it is mended."""
    caplog.set_level(logging.WARNING, "captello.alerts")

    def told() -> list[dict[str, Any]]:
        lines = [json.loads(record.message) for record in caplog.records if record.name == "captello.alerts"]
        caplog.clear()
        return lines

    await office.connect("first")
    await office.configure()
    office.outside.is_down = True
    await office.attempts.attempt(await office.receive(seconds=1), deadline=5)
    assert told() == []
    office.outside.is_down, office.outside.good = False, {"second"}
    await office.attempts.attempt(await office.receive(seconds=2), deadline=5)
    (alert,) = told()
    assert (alert["alert"], alert["connection"], alert["code"]) == ("connection_paused", office.id, "AADSTS7000215")
    assert "secret" in alert["reason"]
    office.pass_time(minutes=6)
    await office.wakes.wake_due()
    assert [again["alert"] for again in told()] == ["connection_paused"]
    await office.connect("second")
    office.pass_time(minutes=6)
    await office.wakes.wake_due()
    assert told() == []


async def test_monitoring_is_told_of_deliveries_that_failed(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    """By cause, without the reason's words; nothing is told of those that ended well."""
    caplog.set_level(logging.WARNING, "captello.alerts")
    await office.connect("first")
    await office.configure()
    received = (await office.receive(seconds=1)).entity
    for outcome in (Outcome.CREATED, Outcome.FAILED):
        cause = {"error_class": ErrorClass.DATA, "error_code": "0x80040203"} if outcome is Outcome.FAILED else {}
        result = Result(outcome=outcome, reason="No Mara O'Hara here.", finished_at=office.now, **cause)
        await office.attempts.conclude(received.model_copy(update={"state": "done", "result": result}))
    (line,) = [record.message for record in caplog.records if record.name == "captello.alerts"]
    alert = {"alert": "delivery_failed", "connection": office.id, "delivery": received.id}
    assert json.loads(line) == {**alert, "class": "data", "code": "0x80040203"}
