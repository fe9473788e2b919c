"""Transactions of ours against those of Microsoft's client: the same requests, and the same entities afterwards."""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from azure.core import MatchConditions
from azure.core.pipeline.transport import AioHttpTransport
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient, TableServiceClient

from core.errors import RetryableError
from core.storage.entity_batch import Operation, batch_body
from core.storage.transactions import submitted

MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=timezone(timedelta(hours=2)))
EVERYTHING: dict[str, Any] = {
    "text": 'ü "quoted" \\ \u2028 😀\r\n--batch_x',
    "empty": "",
    "small": -(2**31),
    "large": 2**31 - 1,
    "real": 3.0,
    "yes": True,
    "no": False,
    "moment": MOMENT,
    "raw": bytes(range(256)),
}
KEYS = ["plain", "key|email|0f", "o'hara ü%2F&=+", "a b(c),'d'"]


class Seen(AioHttpTransport):  # type: ignore[misc]  # untyped in azure-core
    """Keeps the bodies that Microsoft's client sends."""

    def __init__(self) -> None:
        super().__init__()
        self.bodies: list[str] = []

    async def send(self, request: Any, **options: Any) -> Any:
        if str(request.url).endswith("$batch"):
            self.bodies.append(request.content.decode() if hasattr(request, "content") else request.body.decode())
        return await super().send(request, **options)


def _asked(body: str) -> list[tuple[str, ...]]:
    """Method, address and condition of each part."""
    parts = re.split(r"--changeset_[^\r]*\r\n", body)[1:]
    lines = [(re.search(r"(\w+) (\S+) HTTP/1.1", part), re.search(r"If-Match: (\S+)", part)) for part in parts]
    return [(*line.groups(), condition[1] if condition else "") for line, condition in lines if line]


def _entity(key: str, **more: Any) -> dict[str, Any]:
    return {"PartitionKey": "p'1", "RowKey": key, **more}


@pytest.mark.parametrize("key", [key for key in KEYS if "%" not in key])  # Azurite decodes keys once too often
async def test_what_we_write_reads_as_what_the_client_writes(table: TableClient, key: str) -> None:
    """Every type, texts that look like boundaries, keys with any characters."""
    assert await submitted(table, [Operation("insert", _entity(key, **EVERYTHING))], what="test")
    await table.create_entity(_entity(f"{key}2", **EVERYTHING))
    ours, theirs = await table.get_entity("p'1", key), await table.get_entity("p'1", f"{key}2")
    assert {name: value for name, value in ours.items() if name != "RowKey"} == {
        name: value for name, value in theirs.items() if name != "RowKey"
    }
    assert ours["moment"] == MOMENT.astimezone(UTC)


async def test_we_ask_what_the_client_asks(storage: str, table: TableClient) -> None:
    """The same methods, addresses and conditions, for every kind of operation."""
    seen = Seen()
    async with TableServiceClient.from_connection_string(storage, transport=seen) as service:
        client = service.get_table_client(table.table_name)
        await client.submit_transaction([("create", _entity(key)) for key in ("a", "b", "c d'e")])
        a, b = [await client.get_entity("p'1", key) for key in ("a", "b")]
        known = {"match_condition": MatchConditions.IfNotModified}
        await client.submit_transaction(
            [
                ("update", _entity("a"), {"mode": UpdateMode.REPLACE, "etag": a.metadata["etag"], **known}),
                ("delete", _entity("b"), {"etag": b.metadata["etag"], **known}),
                ("update", _entity("c d'e"), {"mode": UpdateMode.REPLACE}),
                ("upsert", _entity("d"), {"mode": UpdateMode.REPLACE}),
            ]
        )
        await client.submit_transaction([("delete", _entity("d"))])
    ours = [
        [Operation("insert", _entity(key)) for key in ("a", "b", "c d'e")],
        [
            Operation("replace", _entity("a"), str(a.metadata["etag"])),
            Operation("delete", _entity("b"), str(b.metadata["etag"])),
            Operation("replace", _entity("c d'e"), "*"),
            Operation("upsert", _entity("d")),
        ],
        [Operation("delete", _entity("d"), "*")],
    ]
    address = f"{client.url}/{client.table_name}"
    assert [_asked(batch_body(address, each, name="x").decode()) for each in ours] == list(map(_asked, seen.bodies))


async def test_etags_come_in_the_order_of_the_entities(table: TableClient) -> None:
    """Those of what stands there now; a deleted entity has none."""
    await submitted(table, [Operation("insert", _entity("gone"))], what="test")
    operations = [
        Operation("insert", _entity("a")),
        Operation("delete", _entity("gone"), "*"),
        Operation("upsert", _entity("b")),
    ]
    etags = await submitted(table, operations, what="test")
    a, b = [await table.get_entity("p'1", key) for key in ("a", "b")]
    assert etags == [a.metadata["etag"], "", b.metadata["etag"]]


@pytest.mark.parametrize(
    "lost",
    [
        Operation("insert", _entity("there")),
        Operation("replace", _entity("there"), "W/\"datetime'2020-01-01T00%3A00%3A00.0000000Z'\""),
        Operation("replace", _entity("absent"), "*"),
        Operation("delete", _entity("absent"), "*"),
        Operation("delete", _entity("there"), "W/\"datetime'2020-01-01T00%3A00%3A00.0000000Z'\""),
    ],
    ids=["there already", "changed meanwhile", "absent", "gone already", "changed before it was to go"],
)
async def test_where_one_condition_does_not_hold_nothing_is_done(table: TableClient, lost: Operation) -> None:
    """Neither before it in the transaction, nor behind it."""
    await submitted(table, [Operation("insert", _entity("there"))], what="test")
    around = [Operation("insert", _entity("before")), lost, Operation("insert", _entity("behind"))]
    assert await submitted(table, around, what="test") is None
    assert [entity["RowKey"] async for entity in table.list_entities()] == ["there"]


async def test_a_hundred_entities_are_one_transaction(table: TableClient) -> None:
    """The most that the service takes; one more is refused, and said to be."""
    many = [Operation("insert", _entity(f"{number:03}", text="x" * 100)) for number in range(101)]
    etags = await submitted(table, many[:100], what="test")
    assert etags
    assert len(list(filter(None, etags))) == 100
    with pytest.raises(RetryableError):
        await submitted(table, [*many[:100], Operation("insert", _entity("100"))], what="test")


async def test_a_table_that_is_not_there_is_named(storage: str) -> None:
    """The template was not deployed, or somebody took the table away."""
    async with TableServiceClient.from_connection_string(storage) as service:
        missing = service.get_table_client("nobodymadethis")
        with pytest.raises(RetryableError, match="table is missing"):
            await submitted(missing, [Operation("insert", _entity("a"))], what="test")


def test_what_a_table_cannot_hold_is_a_bug() -> None:
    """It is not sent in some form that nobody would recognise."""
    unfit: list[Any] = [[], 2**31]
    for value in unfit:
        with pytest.raises(TypeError, match="in tags"):
            batch_body("https://x", [Operation("insert", _entity("a", tags=value))], name="x")
