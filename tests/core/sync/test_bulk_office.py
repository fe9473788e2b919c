"""A batch whose process dies before any step of beginning, reading, carrying out, counting: nobody lost or doubled."""

import json
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from core.domain.bulk_batch import Chunk, Source, total
from core.domain.connection import NO_CONNECTION
from core.domain.criteria import Criteria
from core.domain.prospect import Prospect, Said
from core.errors import InvalidInputError
from core.sync.bulk_actions import Asked
from core.sync.bulk_messages import Order, Refused, Step, read_message
from tests.core.sync.bulk_office import CHUNK, Office, until_over
from tests.core.sync.worlds import NOON

TABLE = b"LastName,Email\n" + b"".join(b"L%d,l%d@x.example\n" % (n, n) for n in range(7)) + b"bad,bad@x.example,1\n"
OUTCOMES = {"created": 7, "failed": 1}
STEPS_MOST = 120

Begin = Callable[[Office], Callable[[], Awaitable[object]]]


def _upload(office: Office) -> Callable[[], Awaitable[object]]:
    return lambda: office.actions().begin("a0", Asked("told", content=TABLE), batch="b")


def _message(office: Office) -> Callable[[], Awaitable[object]]:
    people = [{"LastName": f"L{n}", "Email": f"l{n}@x.example"} for n in range(7)] + [{}]
    order = read_message(json.dumps({"action": "a0", "batch": "b", "prospects": people}).encode())
    assert isinstance(order, Order)
    return lambda: office.process().carry_out(order, message_id="m-1")


def _prospects(office: Office) -> None:
    for n in range(1, 10):
        fields = {"lastname": Said(value=f"L{n}", at=NOON), "vip": Said(value="no" if n in (3, 9) else "yes", at=NOON)}
        office.prospects[str(n)] = Prospect(id=str(n), fields=fields, last_said_at=NOON - timedelta(days=1))


def _ids(office: Office) -> Callable[[], Awaitable[object]]:
    _prospects(office)
    ids = ["1", "2", "4", "5", "6", "7", "nobody", "8", "7"]
    return lambda: office.actions().start("a0", prospect_ids=ids, batch="b")


def _filter(office: Office) -> Callable[[], Awaitable[object]]:
    _prospects(office)
    chosen = Criteria.model_validate({"all": [{"field": "Vip", "equals": "yes"}]})
    return lambda: office.actions().start("a0", criteria=chosen, batch="b", trigger="automation")


@pytest.mark.parametrize("begin", [_upload, _message, _ids, _filter])
async def test_dying_anywhere_loses_and_doubles_nobody(begin: Begin) -> None:
    """Before the first step, the second, and so on until nobody dies: always the same people, once, and one account."""
    expected = OUTCOMES if begin is not _filter else {"created": 7}
    died, place = True, 0
    while died:
        place += 1
        assert place < STEPS_MOST
        office = Office(dies_before=place)
        died = await until_over(office, begin(office))
        assert dict(Counter(row.result.outcome.value for row in office.rows.values() if row.result)) == expected, place
        whole = await office.whole("b")
        assert whole
        chunks: list[Chunk] = [each.entity for each in whole.chunks]
        assert total(chunk.outcomes for chunk in chunks) == expected, place
        assert [chunk.records for chunk in chunks] == [CHUNK, CHUNK, sum(expected.values()) - 2 * CHUNK], place
        assert whole.batch.entity.finished_at
    assert place > 20


async def test_a_prospect_says_again_what_is_known_as_of_then() -> None:
    """Neither late nor newer; its delivery is named after batch and prospect."""
    office = Office()
    await until_over(office, _filter(office))
    first = min(office.accepted.values(), key=lambda delivery: delivery.received_at)
    assert first.capture.delivery_id == "b:1"
    assert first.capture.occurred_at == NOON - timedelta(days=1)
    assert (first.trigger, first.capture.prospect.fields["lastname"]) == ("automation", "L1")


async def test_senders_own_ids_are_kept_and_repeats_are_counted() -> None:
    """A list that holds one delivery twice, sent again in another batch: done once, and both batches end."""
    office = Office()
    lines = b"delivery_id,LastName\nx1,A\nx2,B\nx1,A\n"
    for batch in ("one", "two"):
        await until_over(office, lambda name=batch: office.actions().begin("a0", Asked("t", content=lines), batch=name))  # type: ignore[misc]
    assert len(office.accepted) == 2
    seen = [whole.chunks[0].entity for batch in ("one", "two") if (whole := await office.whole(batch))]
    assert [(chunk.outcomes, chunk.repeats) for chunk in seen] == [({"created": 2}, 1), ({}, 3)]


@pytest.mark.parametrize("between", [",", ",\n"], ids=["one line", "a line each"])
async def test_people_on_one_line_are_as_many(between: str) -> None:
    """JSON needs no line ends: an array written on a single line is nobody's repeat."""
    office = Office()
    people = between.join(json.dumps({"LastName": f"L{n}", "Email": f"l{n}@x.example"}) for n in range(7))
    content = f'{{"action": "a0", "prospects": [{people}]}}'.encode()
    asked = Asked("told", content=content, content_type="application/json")
    assert not await until_over(office, lambda: office.actions().begin("a0", asked, batch="b"))
    assert len(office.accepted) == 7


async def test_what_rests_comes_again_by_itself() -> None:
    """A connection that takes nothing now: the same chunk is asked for later."""
    office = Office(rests=True)
    await _upload(office)()
    for _ in range(8):
        await office.process().carry_out(Step.model_validate(office.messages.pop(0)), message_id="ours")
    assert not office.rows
    office.rests = False
    assert not await until_over(office, _upload(office))
    assert len(office.accepted) == 7


async def test_cancelling_ends_what_waits_and_carries_out_what_was_decided() -> None:
    """Dying before any step of it changes nothing: what was decided may be on its way to Dynamics, the rest is
    withdrawn, and what had not been taken in never is.
    """
    died, place = True, 0
    while died:
        place += 1
        assert place < STEPS_MOST
        office = Office(is_slow=True)
        await _upload(office)()
        for _ in range(3):  # reads the file, takes in two of three chunks
            await office.process().carry_out(Step.model_validate(office.messages.pop(0)), message_id="ours")
        office.dies_before = office.steps + place
        died = await until_over(office, lambda: office.cancelling().cancel("b"))  # noqa: B023  # it is used at once
        assert Counter(row.result.outcome.value for row in office.rows.values() if row.result) == {
            "created": 2,
            "withdrawn": 4,
        }
        whole = await office.whole("b")
        assert whole
        assert [chunk.entity.not_taken for chunk in whole.chunks] == [0, 0, 2], place
        assert {chunk.entity.state for chunk in whole.chunks} == {"over"}
        with pytest.raises(InvalidInputError, match="cancelled"):
            await _message(office)()
    assert place > 10


async def test_a_batch_means_one_thing() -> None:
    """Other content, or another action, under the same id is refused."""
    office = Office()
    await _upload(office)()
    for action, told in (("a0", "other"), ("a1", "told")):
        with pytest.raises(InvalidInputError, match="choose another id"):
            await office.actions().begin(action, Asked(told, content=TABLE), batch="b")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"\xff\xfe\x00", "neither JSON nor base64"),
        (b"[1]", "JSON object"),
        (b'{"action": 3}', "action: "),
        (b'{"action": "a", "batch": "a b", "blob": "bulk/x"}', "batch: "),
        (b'{"batch": "b", "chunk": "x"}', "names no action"),
        (b"{" * 100_000, "neither"),
    ],
)
def test_a_message_that_says_nothing_is_refused_in_words(body: bytes, reason: str) -> None:
    """Whatever it is; and one that comes back from the poison queue is read as it was."""
    read = read_message(body)
    assert isinstance(read, Refused)
    assert reason in read.reason
    order = {"action": "a", "blob": "bulk/x"}
    assert read_message(json.dumps({"refused": "why", "message": json.dumps(order)}).encode()) == Order(
        action="a", blob="bulk/x"
    )


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        ({"blob": "bulk/nope.ndjson"}, "There is no blob 'nope.ndjson' in the container `bulk`."),
        ({"prospects": []}, "It holds nobody."),
        ({"prospect_ids": []}, "It holds nobody."),
    ],
)
async def test_a_message_whose_people_cannot_be_read_ends_in_the_log_and_the_poison_queue(
    order: dict[str, object], reason: str
) -> None:
    """Wherever it dies: one failed row behind the batch, and the message as it was, to be mended and put back."""
    message = read_message(json.dumps({"action": "a0", "batch": "b", **order}).encode())
    assert isinstance(message, Order)
    died, place = True, 0
    while died:
        place += 1
        office = Office(dies_before=place)
        died = await until_over(office, lambda office=office: office.process().carry_out(message, message_id="m-1"))  # type: ignore[misc]
        (row,) = office.rows.values()
        assert row.result
        assert (row.connection, row.batch, row.result.outcome, row.result.reason) == ("contoso", "b", "failed", reason)
        refused = [(read_message(body.encode()), why) for body, why in office.poison]
        assert refused == [(message, reason)] * max(len(refused), 1)


async def test_nobody_who_fits_and_a_cancelled_batch_are_no_fault_of_the_message() -> None:
    """Neither is in the log or the poison queue."""
    office = Office()
    orders: list[dict[str, object]] = [{"filter": {"all": [{"field": "Vip", "equals": "yes"}]}}, {"blob": "bulk/nope"}]
    for number, order in enumerate(orders):
        message = read_message(json.dumps({"action": "a0", "batch": f"b{number}", **order}).encode())
        assert isinstance(message, Order)
        await office.process().carry_out(message, message_id="m-1")
    await office.cancelling().cancel("b1")
    while office.messages:
        await office.process().carry_out(Step.model_validate(office.messages.pop(0)), message_id="ours")
    sources = [each for _, each in office.entities.values() if isinstance(each, Source)]
    assert [each.is_split for each in sources] == [True, True]
    assert (office.rows, office.poison) == ({}, [])


@pytest.mark.parametrize(
    ("body", "known"),
    [(b"no json", False), (b'{"action": "unheard-of", "blob": "bulk/x"}', False), (b'{"action": "a0"}', True)],
)
async def test_a_message_that_is_refused_has_a_row_where_its_action_stands(body: bytes, *, known: bool) -> None:
    """Or in a place of its own; told twice, it is one row."""
    office, refused = Office(), read_message(body)
    assert isinstance(refused, Refused | Order)
    for _ in range(2):
        await office.refusing().message(
            body.decode(), "why", action=refused.action, message_id="m-1", sent_at=NOON - timedelta(minutes=1)
        )
    (row,) = office.rows.values()
    assert (row.connection, row.action == "a0") == (("contoso", True) if known else (NO_CONNECTION, False))
    assert (row.received_at, office.poison) == (NOON - timedelta(minutes=1), [(body.decode(), "why")] * 2)


def test_a_message_that_was_refused_again_and_again_is_read_as_it_was() -> None:
    """Each time it was put back, another reason stands around it."""
    order = {"action": "a", "blob": "bulk/x"}
    text = json.dumps(order)
    for _ in range(3):
        text = json.dumps({"refused": "why", "message": text})
    assert read_message(text.encode()) == Order(action="a", blob="bulk/x")
